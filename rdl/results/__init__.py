"""Measuring finished runs, disentanglement_lib's result tree, scores read back and compared."""
