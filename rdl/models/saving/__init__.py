"""Trained models on disk, in one's hands again, and in other formats."""
