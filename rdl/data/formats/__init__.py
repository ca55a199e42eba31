"""Readers of files (arrays, pictures, CSV, MATLAB) and the conversion of their numbers to uint8 images."""
