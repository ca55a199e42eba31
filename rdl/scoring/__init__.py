"""Scores that a population maximises, and the measurement of a model on the true factors."""

from rdl.metrics import dci_es, infomec  # noqa: F401  registers their gin names
from rdl.scoring.chen import ChenMeasurement
from rdl.scoring.few_labels import DCIScore, FewLabelsMIGScore
from rdl.scoring.measure import Measurement, measure
from rdl.scoring.random_score import RandomScore
from rdl.scoring.saved_labels import SavedLeafMIGScore
from rdl.scoring.scores import Encode, LeafMIGScore, MIGScore, Score, Scored, UDRScore, alone, check, name_of

__all__ = [
    "ChenMeasurement",
    "DCIScore",
    "Encode",
    "FewLabelsMIGScore",
    "LeafMIGScore",
    "MIGScore",
    "Measurement",
    "RandomScore",
    "SavedLeafMIGScore",
    "Score",
    "Scored",
    "UDRScore",
    "alone",
    "check",
    "measure",
    "name_of",
]
