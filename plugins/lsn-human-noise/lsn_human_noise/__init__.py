"""Noise models that others measured or that depend on the image, as a plugin of lsn."""

from __future__ import annotations

__version__ = "0.1.0"
