"""A loss that takes labels only, told to learn from a teacher's probabilities."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lsncli.engine.teaching import Teacher
from lsncli.errors import LsnError
from lsncli.losses.interface import LossInputs


def of_labels(logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
    return -logits.log_softmax(1).gather(1, targets[:, None])[:, 0]


def test_its_author_is_told_what_to_say() -> None:
    teacher = object.__new__(Teacher)
    teacher.temperature, teacher.factor = 2.0, 1.0
    logits = torch.zeros(3, 4)
    with pytest.raises(LsnError) as told:
        teacher.loss(of_labels, logits, logits.softmax(1), LossInputs(torch.arange(3), torch.tensor(0), None))
    assert "probabilities [B, L]" in told.value.what
    assert "RuntimeError: gather()" in told.value.what
    assert "soft_targets=False" in (told.value.next or "")
