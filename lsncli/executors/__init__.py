"""Executors: where runs are trained and how many at once; they know nothing of losses."""
