"""Makes the pages of the documentation that are read off the code: ``python -m reference_pages``."""
