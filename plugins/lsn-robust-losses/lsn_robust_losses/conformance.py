"""What ``lsn plugins check`` must be told of losses whose gradient is not the derivative of their value."""

from __future__ import annotations

from typing import ClassVar

from lsncli.testing import LossSuite

_DETACHED = "the running mean of the example's predictions counts as a constant, though it moves with the logits"


class ElrSuite(LossSuite):
    """Early-learning regularisation."""

    component = "elr"
    exempt: ClassVar[dict[str, str]] = {"gradients": _DETACHED, "gradients_of_soft_targets": _DETACHED}
