"""Robust losses for learning with noisy labels, as a plugin of lsn: one module for each family."""

from __future__ import annotations

__version__ = "0.1.0"
