"""Ladder VAEs, whose latents come in levels that are learned one after another (pro-VLAE)."""

from rdl.models.ladder import celeba, networks

__all__ = ["celeba", "networks"]
