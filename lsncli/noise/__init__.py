"""Noise models: how training labels are corrupted, and by which transition matrix."""
