"""The data sets that are known by name, one a file: drawn, or read from official files."""
