"""The verdict on a model without labels, latent by latent, and the pool of labels that rests on it. No TensorFlow."""

from rdl.verdict.evidence import COMPARED_POINTS, POINTS, Codes, LatentEvidence, gather_evidence
from rdl.verdict.judge import Thresholds, explained_variance, judge, status_of
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
    "explained_variance",
    "judge",
    "gather_evidence",
    "status_of",
]
