"""A crm shell with a cluster inside."""

__version__ = "0.1.0"
