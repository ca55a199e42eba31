"""What a population maximises, and how a model is measured afterwards."""

from rdl.scoring.chen import ChenMeasurement
from rdl.scoring.measure import Measurement, measure
from rdl.scoring.scores import Encode, LeafMIGScore, MIGScore, Score, Scored, UDRScore, alone, mean_kl

__all__ = [
    "ChenMeasurement",
    "Encode",
    "LeafMIGScore",
    "MIGScore",
    "Measurement",
    "Score",
    "Scored",
    "UDRScore",
    "alone",
    "mean_kl",
    "measure",
]
