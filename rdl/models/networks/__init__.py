"""Encoders and decoders of plain VAEs, by gin name."""

from rdl.models.networks import dlib, reference, small

__all__ = ["dlib", "reference", "small"]
