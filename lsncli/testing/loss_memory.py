"""Checks of what a loss remembers from step to step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lsncli.testing.expectations import expect_close, skip
from lsncli.testing.loss_basis import LossBasis, draws
from lsncli.testing.loss_samples import returned
from lsncli.testing.variants import Variant


class LossMemoryChecks(LossBasis):
    """The part of :class:`lsncli.testing.losses.LossSuite` that takes several steps."""

    def test_memory_by_example(self, variant: Variant) -> None:
        """What is remembered of an example is found again by its index, wherever in a batch it comes next."""
        sample = self.sample()
        if draws(self.build(variant), sample):
            skip("the loss draws random numbers")
        places = torch.arange(len(sample.logits))
        orders = places, places.flip(0), places.roll(len(places) // 2)
        straight, moved = self.build(variant), self.build(variant)
        # Early and late in a run, when a warm-up is over.
        for first in (0, 10_000):
            expect_close(
                self._three_steps(moved, first, orders),
                self._three_steps(straight, first),
                "losses by step and example, where the batch changes its order from step to step and where not",
                rtol=1e-5,
                atol=1e-6,
            )

    def test_state_dict_round_trip(self, variant: Variant) -> None:
        """What a loss remembers is in its ``state_dict``: a new one that loads it goes on alike."""
        loss = self.build(variant)
        self._three_steps(loss)
        if not isinstance(loss, nn.Module):
            again = self.build(variant)
            torch.manual_seed(1)
            fresh = returned(again, self.sample())
            torch.manual_seed(1)
            expect_close(
                returned(loss, self.sample()),
                fresh,
                "a loss that remembers must be a torch.nn.Module with buffers, or a resumed run differs: its losses"
                " after three steps and at first",
            )
            skip("no state")
        if not loss.state_dict():
            expect_same = self.build(variant)
            torch.manual_seed(1)
            fresh = returned(expect_same, self.sample())
            torch.manual_seed(1)
            expect_close(
                returned(loss, self.sample()), fresh, "the state_dict is empty, but losses change by steps"
            )
            skip("no state")
        kept = {name: value.clone() for name, value in loss.state_dict().items()}
        other = self.build(variant)
        other.load_state_dict(kept)
        torch.manual_seed(1)
        expected = self._three_steps(loss, first=3)
        torch.manual_seed(1)
        expect_close(self._three_steps(other, first=3), expected, "losses after loading the state and without")

    def _three_steps(self, loss: Any, first: int = 0, orders: Sequence[Tensor] = ()) -> Tensor:
        """Losses ``[3, B]`` of three steps over the same examples, with different logits.

        orders: the places of the examples in each step's batch; the losses come back in the order without them.
        """
        found = []
        for number in range(3):
            sample = self.sample(scale=1.0 + min(first, 3) + number)
            inputs = replace(sample.inputs, step=torch.tensor(first + number))
            sample = sample.replaced(inputs=inputs)
            losses = returned(loss, sample.taken(orders[number]) if orders else sample).detach()
            found.append(losses[orders[number].argsort()] if orders else losses)
        return torch.stack(found)
