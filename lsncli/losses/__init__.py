"""Losses: per-example functions of logits and targets, and the smearing family of the paper."""
