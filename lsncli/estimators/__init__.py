"""Estimators of the transition matrix."""
