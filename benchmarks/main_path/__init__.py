"""The figures of the main path; see ``__main__.py``."""
