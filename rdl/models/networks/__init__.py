"""Encoders and decoders of plain VAEs, by gin name."""
