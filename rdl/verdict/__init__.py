"""A verdict without labels: from models trained apart to a word for each latent. Pure numpy: no TensorFlow."""

from rdl.verdict.evidence import COMPARED_POINTS, DEAD, POINTS, Codes, LatentEvidence, of_latents
from rdl.verdict.judge import Thresholds, explained, judge, word_of
from rdl.verdict.words import VERDICT, LatentVerdict, Verdict, Word

__all__ = [
    "COMPARED_POINTS",
    "Codes",
    "DEAD",
    "LatentEvidence",
    "LatentVerdict",
    "POINTS",
    "Thresholds",
    "VERDICT",
    "Verdict",
    "Word",
    "explained",
    "judge",
    "of_latents",
    "word_of",
]
