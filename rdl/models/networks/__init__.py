"""Encoders and decoders of plain VAEs."""

from rdl.models.networks import dlib, quantised, reference, small

__all__ = ["dlib", "quantised", "reference", "small"]
