"""Which training examples are projected: a share of all that have the label, wherever they stand in the set."""

from __future__ import annotations

import torch

from lsncli.engine.final_outputs import spread


def test_all_where_there_are_not_more() -> None:
    few = torch.tensor([3, 5, 8])
    assert spread(few, 3).tolist() == spread(few, 200).tolist() == [3, 5, 8]
    assert spread(few[:0], 200).tolist() == []


def test_of_a_sorted_set_as_many_labels_are_wrong_as_in_all_of_it() -> None:
    """Ten classes of 500 in their order; 80 % of class 0 have label 0, and 2.2 % of each other one."""
    generator = torch.Generator().manual_seed(0)
    true = torch.arange(10).repeat_interleave(500)
    moved = (true + torch.randint(1, 10, true.shape, generator=generator)) % 10
    given = torch.where(torch.rand(true.shape, generator=generator) < 0.2, moved, true)
    with_label = (given == 0).nonzero()[:, 0]
    chosen = spread(with_label, 200)
    assert len(chosen) == len(chosen.unique()) == 200
    wrong = true[chosen][true[chosen] != 0]
    # Each stands for 500 / 200 examples: no part of the set has one more or less than its share.
    assert abs(len(wrong) - 200 * int((true[with_label] != 0).sum()) / len(with_label)) <= 1
    assert set(wrong.tolist()) == set(range(1, 10))
