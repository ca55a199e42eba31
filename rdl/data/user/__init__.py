"""Readers of a user's own images: folders of pictures, files of arrays, tables and arrays in memory."""
