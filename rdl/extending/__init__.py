"""Trains a finished or stopped run further: decides which finished units stay valid under the new settings."""
