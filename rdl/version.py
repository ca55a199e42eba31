"""The version, for the package's metadata, the command and a reader of ``rdl.__version__``."""

__version__ = "0.1.0"
