"""The commands behind bin/, and the registry of every name that gin may use."""
