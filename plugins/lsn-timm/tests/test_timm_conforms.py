"""timm's models pass lsn's suite of architectures."""

from __future__ import annotations

from lsn_timm.conformance import TimmSuite


class TestTimm(TimmSuite):
    pass
