"""Trains a finished or stopped run further under enlarged settings."""
