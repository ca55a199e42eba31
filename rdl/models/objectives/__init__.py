"""Objectives of VAEs: one file a family, one function an equation."""
