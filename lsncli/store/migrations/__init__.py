"""Alembic's environment and one file per schema; new ones by ``alembic revision`` are listed in ``schema.py``."""
