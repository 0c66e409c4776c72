"""The conformance suite of losses.

::

    class TestGce(LossSuite):
        component = "gce"
        variants = [{}, {"q": 0.3}]  # optional

Beside what :mod:`lsncli.testing.suite` tells: a loss that takes labels only says so in its record
(``LossInfo(…, soft_targets=False)``). A loss may hold state (a ``torch.nn.Module`` with buffers) and may draw from
torch's generator, which the engine seeds for every run; a loss that draws is excused from what chance decides.
One whose definition ties the examples of a batch to each other (a mean or a rank in the batch is part of each loss)
says so with ``exempt = {"examples_alone": "the reason"}``.
Class attributes: ``num_examples``, the size of the training set that it is built for.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from string import Formatter

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.gradcheck import GradcheckError, gradcheck

from lsncli.errors import LsnError
from lsncli.losses.interface import LossInputs
from lsncli.plain_params import plain_params
from lsncli.plan import ComponentSpec
from lsncli.testing.expectations import expect, expect_close, expect_finite, skip
from lsncli.testing.loss_basis import draws, tensor_of
from lsncli.testing.loss_memory import LossMemoryChecks
from lsncli.testing.loss_samples import Sample, returned
from lsncli.testing.random_state import expect_unseeded, untouched_random_state
from lsncli.testing.variants import Variant


class LossSuite(LossMemoryChecks):
    """Subclass it with ``component``; see this module's and :mod:`lsncli.testing.suite`'s docstrings."""

    def test_label(self, variant: Variant) -> None:
        """The record's label, the short form for tables, can be filled with the parameters."""
        label, params = self.info.label, self.params(variant)
        if not label:
            skip("the record has no label, the short form for tables")
        names = [field for _, field, _, _ in Formatter().parse(label) if field]
        unknown = sorted(set(names) - set(type(params).model_fields))
        expect(not unknown, f"the label {label!r} names {', '.join(unknown)}, which is no parameter")
        values = {name: getattr(params, name) for name in names}
        if None not in values.values():
            expect(bool(label.format_map(values).strip()), f"the label {label!r} is empty")

    def test_shape_and_type(self, variant: Variant) -> None:
        """One loss for each example, in float32 or the logits' wider type, finite, and differentiable."""
        for dtype in (torch.float32, torch.float64):
            sample = self.sample(dtype=dtype)
            sample.logits.requires_grad_()
            losses = returned(self.build(variant, dtype=dtype), sample)
            expect(losses.dtype is dtype, f"logits in {dtype} give losses in {losses.dtype}")
            expect_finite(losses, "losses")
            (gradient,) = torch.autograd.grad(losses.mean(), sample.logits)
            expect(gradient.dtype is dtype, f"logits in {dtype} have gradients in {gradient.dtype}")

    def test_soft_targets(self, variant: Variant) -> None:
        """Probabilities as targets give one loss each; at one-hot probabilities, the label's own loss."""
        self.soft_or_skip()
        soft = returned(self.build(variant), self.sample(soft=True))
        expect_finite(soft, "losses of soft targets")
        hard = self.sample()
        one_hot = nn.functional.one_hot(hard.targets, self.num_classes).float()
        if draws(self.build(variant), hard):
            skip("the loss draws random numbers")
        expect_close(
            returned(self.build(variant), hard.replaced(targets=one_hot)),
            returned(self.build(variant), hard),
            "losses of one-hot probabilities and of labels",
            rtol=1e-4,
            atol=1e-5,
        )

    def test_soft_targets_are_used(self, variant: Variant) -> None:
        """All of the probabilities count: other shares of the same most probable class give other losses."""
        self.soft_or_skip()
        sample = self.sample(soft=True)
        # In every second example the network agrees with a nearly sure target: a loss that leaves out what it
        # cannot believe gives all others the same.
        sure = (torch.arange(len(sample.logits)) % 2 == 0)[:, None]
        favourite = nn.functional.one_hot(sample.targets.argmax(1), sample.targets.shape[1])
        sample = sample.replaced(
            logits=torch.where(sure, sample.logits + 6 * favourite, sample.logits),
            targets=torch.where(sure, 0.2 * sample.targets + 0.8 * favourite, sample.targets),
        )
        losses = returned(self.build(variant), sample)
        for what, targets in _same_favourite(sample.targets).items():
            # New losses, each seeded alike: one that draws, draws the same.
            other = returned(self.build(variant), sample.replaced(targets=targets))
            expect(
                not torch.allclose(other, losses, rtol=1e-5, atol=1e-7),
                f"no loss changes when {what}: a loss that takes labels only says soft_targets=False",
            )

    def test_gradients(self, variant: Variant) -> None:
        """In float64 the gradient is the derivative of the loss (torch.autograd.gradcheck)."""
        self._gradcheck(variant, self.sample(dtype=torch.float64))

    def test_gradients_of_soft_targets(self, variant: Variant) -> None:
        """The same for probabilities as targets."""
        self.soft_or_skip()
        self._gradcheck(variant, self.sample(soft=True, dtype=torch.float64))

    def _gradcheck(self, variant: Variant, sample: Sample) -> None:
        fresh = self.build(variant, dtype=torch.float64)
        # Every entry of the Jacobian is compared: a few examples say as much as many, and cost less.
        sample = sample.taken(torch.arange(min(5, len(sample.logits))))

        def losses(logits: Tensor) -> Tensor:
            # A new copy at each call: what the loss remembers must not come between two values of it.
            torch.manual_seed(0)
            return returned(copy.deepcopy(fresh), sample.replaced(logits=logits))

        try:
            gradcheck(losses, (sample.logits.requires_grad_(),), eps=1e-6, atol=1e-5, rtol=1e-3)
        except GradcheckError as error:
            told = " ".join(str(error).split())
            raise AssertionError(f"the gradient is not the derivative of the loss: {told[:400]}") from None

    def test_order_of_the_batch(self, variant: Variant) -> None:
        """An example's loss does not depend on its place in the batch."""
        sample = self.sample()
        if draws(self.build(variant), sample):
            skip("the loss draws random numbers")
        order = torch.arange(len(sample.logits)).flip(0)
        expect_close(
            returned(self.build(variant), sample.taken(order)),
            returned(self.build(variant), sample)[order],
            "losses in reverse order",
            rtol=1e-5,
            atol=1e-6,
        )

    def test_examples_alone(self, variant: Variant) -> None:
        """An example's loss does not depend on the others of its batch."""
        sample = self.sample()
        losses = returned(self.build(variant), sample)
        other = sample.replaced(
            logits=-2 * sample.logits.roll(1, 0), targets=(sample.targets.roll(1, 0) + 1) % self.num_classes
        )
        found = []
        for place in range(len(sample.logits)):
            # As many examples at the same places: neither the batch's size nor what is drawn is another.
            here = torch.arange(len(sample.logits)) == place
            mixed = sample.replaced(
                logits=torch.where(here[:, None], sample.logits, other.logits),
                targets=torch.where(here, sample.targets, other.targets),
            )
            found.append(returned(self.build(variant), mixed)[place])
        expect_close(
            torch.stack(found),
            losses,
            "losses among other examples, and in this batch (a loss that is defined by its batch is exempt)",
            rtol=1e-5,
            atol=1e-6,
        )

    def test_extreme_logits(self, variant: Variant) -> None:
        """Losses and gradients are finite for logits of ±10⁴, and for equal ones, in float32 and bf16."""
        for dtype in (torch.float32, torch.bfloat16):
            for soft in (False, True) if self.info.soft_targets else (False,):
                for scale in (1e4, 0.0):
                    sample = self.sample(soft=soft, dtype=dtype, scale=scale)
                    sample.logits.requires_grad_()
                    losses = returned(self.build(variant), sample)
                    where = f"{'soft' if soft else 'hard'} targets, logits of ±{scale:g} in {dtype}"
                    expect_finite(losses, f"losses ({where})")
                    (gradient,) = torch.autograd.grad(losses.sum(), sample.logits)
                    expect_finite(gradient, f"gradients ({where})")

    def test_bf16_logits(self, variant: Variant) -> None:
        """bf16 logits are computed with in float32: the loss is that of the rounded logits."""
        narrow = self.sample(dtype=torch.bfloat16)
        if draws(self.build(variant), narrow):
            skip("the loss draws random numbers")
        losses = returned(self.build(variant), narrow)
        expect(losses.dtype is torch.float32, f"bf16 logits give losses in {losses.dtype}, not in float32")
        wide = narrow.replaced(logits=narrow.logits.float())
        expect_close(
            losses,
            returned(self.build(variant), wide),
            "losses of bf16 logits and of the same in float32",
            rtol=1e-4,
            atol=1e-5,
        )

    def test_determinism(self, variant: Variant) -> None:
        """Two new losses say the same, over three steps, when torch's generator has the same seed."""
        first, second = (self._three_steps(self.build(variant)) for _ in "ab")
        expect_close(first, second, "losses of two equal runs")

    def test_arguments_stay(self, variant: Variant) -> None:
        """Neither logits nor targets nor inputs are changed."""
        sample = self.sample()
        before = sample.replaced(logits=sample.logits.clone(), targets=sample.targets.clone())
        returned(self.build(variant), sample)
        expect_close(sample.logits, before.logits, "the loss changes its logits in place: logits after the call")
        expect_close(
            sample.targets, before.targets, "the loss changes its targets in place: targets after the call"
        )
        expect_close(
            sample.inputs.indices,
            torch.arange(len(sample.logits)),
            "the loss changes the indices in place: indices after the call",
        )

    def test_without_transition(self, variant: Variant) -> None:
        """A matrix that ``needs`` do not ask for changes nothing; where they do, a run without one is refused."""
        if "transition" in self.info.needs:
            self._refused_or_computed(variant)
            return
        matrix = self.transition()
        sample = self.sample()
        inputs = LossInputs(sample.inputs.indices, sample.inputs.step, tensor_of(matrix))
        expect_close(
            returned(self._build(variant, None), sample),
            returned(self._build(variant, matrix), sample.replaced(inputs=inputs)),
            'losses without a transition matrix and with one, though "transition" is not in the record\'s needs',
        )

    def _refused_or_computed(self, variant: Variant) -> None:
        """What is to happen in a run whose noise has no matrix, and that estimates none."""
        told = replace(self.check_context(), has_transition=False, transition=None, has_estimate=False)
        sample = self.sample()
        inputs = LossInputs(sample.inputs.indices, sample.inputs.step, None)
        try:
            if self.info.check is not None:
                self.info.check(self.params(variant), told)
            losses = returned(self._build(variant, None), sample.replaced(inputs=inputs))
        except (ValueError, LsnError):
            return
        except (AttributeError, TypeError) as error:
            raise AssertionError(
                f"without a transition matrix the loss fails in training ({error}): raise ValueError in the"
                " record's check where neither has_transition nor has_estimate is true"
            ) from None
        expect_finite(losses, "losses without a transition matrix")

    def test_global_random_state(self, variant: Variant) -> None:
        """Neither ``random`` nor numpy's global generator is used; torch's is the run's: it may be drawn from, not
        seeded."""
        sample, params = self.sample(), self.params(variant)
        with untouched_random_state("the loss", torch_too=False):
            loss = self.build(variant)
            returned(loss, sample)
        expect_unseeded("building the loss", lambda: self.info.build(params, self.context()))
        expect_unseeded("the loss", lambda: returned(loss, sample))

    def test_preparation(self, variant: Variant) -> None:
        """A loss that changes the batch (``prepare``) does it by its generator alone, and not in place."""
        # Built before anybody watches: the suite itself seeds torch's generator for that, as a run does.
        built = [self.build(variant) for _ in "ab"]
        if not hasattr(built[0], "prepare"):
            skip("it does not change the batch")
        sample = self.sample()
        images = torch.randn(len(sample.logits), 3, 4, 4, generator=torch.Generator().manual_seed(1))
        before = images.clone(), sample.targets.clone()
        with untouched_random_state("the preparation of batches"):
            first, again = (
                loss.prepare(images, sample.targets, np.random.default_rng(3), sample.inputs) for loss in built
            )
        for name, given, kept, one, other in zip(
            ("images", "targets"), (images, sample.targets), before, first, again, strict=True
        ):
            expect_close(given, kept, f"{name} after the call")
            expect_close(other, one, f"{name} prepared by two equal generators")
        prepared, targets = first
        expect(prepared.shape == images.shape, f"prepared images have shape {list(prepared.shape)}")
        expect_finite(prepared, "prepared images")
        losses = returned(self.build(variant), sample.replaced(targets=targets))
        expect_finite(losses, "losses of prepared targets")

    def test_stacking(self, variant: Variant) -> None:
        """A run of an mlp in a stack with another run ends as it ends alone."""
        from lsncli.testing.loss_training import compare_stacked_and_alone

        params = plain_params(self.params(variant))
        spec = ComponentSpec(name=self.component, params=params, revision=self.info.revision)
        compare_stacked_and_alone(spec, self.num_classes)


def _same_favourite(shares: Tensor) -> dict[str, Tensor]:
    """Other probabilities ``[B, L]`` of which the same classes are the most probable, by what was changed."""
    ordered, classes = shares.sort(1, descending=True)
    halfway = ordered / 2
    halfway[:, 0] += 0.5
    changed = {"the most probable class takes half of the others' shares": halfway}
    if shares.shape[1] > 2:
        changed["the other classes exchange their shares"] = torch.cat(
            (ordered[:, :1], ordered[:, 1:].roll(1, 1)), dim=1
        )
    return {what: torch.empty_like(shares).scatter(1, classes, values) for what, values in changed.items()}
