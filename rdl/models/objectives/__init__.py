"""What models minimise: one file a family, one function an equation."""
