"""Recipes: the schema of the TOML files, loading them, and expanding them into runs."""
