"""Ladders: VAEs whose latents come in levels, learned one after another (pro-VLAE)."""
