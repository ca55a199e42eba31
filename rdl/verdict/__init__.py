"""A verdict without labels: from models trained apart to a word for each latent. Pure numpy: no TensorFlow."""

from rdl.verdict.evidence import COMPARED_POINTS, POINTS, Codes, LatentEvidence, of_latents
from rdl.verdict.judge import Thresholds, explained, judge, status_of
from rdl.verdict.records import VERDICT, LatentStatus, LatentVerdict, Verdict

__all__ = [
    "COMPARED_POINTS",
    "Codes",
    "LatentEvidence",
    "LatentVerdict",
    "POINTS",
    "Thresholds",
    "VERDICT",
    "Verdict",
    "LatentStatus",
    "explained",
    "judge",
    "of_latents",
    "status_of",
]
