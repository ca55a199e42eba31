"""Studies: disentanglement_lib's published one, and any gin files over the same seeds."""
