"""Saves, loads and exports trained models."""
