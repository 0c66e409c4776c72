"""The conformance suite of architectures.

::

    class TestWideResNet(ArchitectureSuite):
        component = "wide-resnet"
        input_shapes = [(3, 32, 32)]  # optional

Beside what :mod:`lsncli.testing.suite` tells, class attributes: ``input_shapes``, the shapes (channels, height,
width) of images that it must take, and ``class_counts``, the numbers of classes. An architecture that is for one
shape only says which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lsncli.architectures.prelogits import final_linear, with_prelogits
from lsncli.backends.cpu import CpuBackend
from lsncli.components import ArchitectureContext
from lsncli.testing.expectations import expect, expect_close, expect_finite
from lsncli.testing.random_state import expect_unseeded, untouched_random_state
from lsncli.testing.suite import ComponentSuite
from lsncli.testing.variants import Variant

Shape = tuple[int, int, int]


class ArchitectureSuite(ComponentSuite):
    """Subclass it with ``component``; see this module's and :mod:`lsncli.testing.suite`'s docstrings."""

    kind = "architecture"
    input_shapes: ClassVar[Sequence[Shape]] = ((3, 32, 32), (1, 16, 16))
    class_counts: ClassVar[Sequence[int]] = (4, 10)
    batch_size: ClassVar[int] = 3

    def build(
        self, variant: Variant, shape: Shape | None = None, num_classes: int | None = None, seed: int = 0
    ) -> nn.Module:
        """A new module, its parameters drawn from torch's generator at ``seed``, as the engine does it."""
        torch.manual_seed(seed)
        context = ArchitectureContext(num_classes or self.class_counts[0], shape or self.input_shapes[0])
        module = self.info.build(self.params(variant), context)
        expect(isinstance(module, nn.Module), f"the builder returns {type(module).__name__}, not a torch.nn.Module")
        built: nn.Module = module
        return built

    def images(self, shape: Shape | None = None, count: int | None = None) -> Tensor:
        """Normalised images ``[B, C, H, W]``, as float32."""
        generator = torch.Generator().manual_seed(20200306)
        return torch.randn(count or self.batch_size, *(shape or self.input_shapes[0]), generator=generator)

    def combinations(self) -> Iterator[tuple[Shape, int]]:
        """Image shapes and numbers of classes, each of both at least once."""
        for number in range(max(len(self.input_shapes), len(self.class_counts))):
            yield (
                self.input_shapes[number % len(self.input_shapes)],
                self.class_counts[number % len(self.class_counts)],
            )

    # -- checks ----------------------------------------------------------------------------------------

    def test_logits(self, variant: Variant) -> None:
        """Finite float32 logits ``[B, L]``, in training and in evaluation, for each shape and number of classes."""
        for shape, num_classes in self.combinations():
            module = self.build(variant, shape, num_classes)
            for mode in ("training", "evaluation"):
                with torch.no_grad():
                    logits = module.train(mode == "training")(self.images(shape))
                where = f"images of shape {list(shape)}, {num_classes} classes, {mode}"
                expect(
                    isinstance(logits, Tensor) and logits.shape == (self.batch_size, num_classes),
                    f"logits of shape {list(getattr(logits, 'shape', []))} ({where}):"
                    f" {[self.batch_size, num_classes]} is wanted",
                )
                expect(logits.dtype is torch.float32, f"logits in {logits.dtype} ({where})")
                expect_finite(logits, f"logits ({where})")

    def test_prelogits(self, variant: Variant) -> None:
        """The final linear layer is found, and applied to what enters it gives the logits."""
        module = self.build(variant).eval()
        num_classes = self.class_counts[0]
        logits, prelogits = with_prelogits(module, num_classes)(self.images())
        expect(
            prelogits.ndim == 2 and len(prelogits) == self.batch_size,
            f"pre-logits have shape {list(prelogits.shape)}, not [B, D]",
        )
        with torch.no_grad():
            expect_close(
                final_linear(module, num_classes)(prelogits),
                logits,
                "the final linear layer of the pre-logits, and the logits",
                rtol=1e-5,
                atol=1e-5,
            )

    def test_parameters_are_trained(self, variant: Variant) -> None:
        """There are parameters, and each of them gets a gradient."""
        module = self.build(variant).train()
        count = sum(parameter.numel() for parameter in module.parameters())
        expect(count > 0, "there is no parameter")
        targets = torch.arange(self.batch_size) % self.class_counts[0]
        nn.functional.cross_entropy(module(self.images()), targets).backward()
        without = [n for n, p in module.named_parameters() if p.requires_grad and p.grad is None]
        expect(not without, f"no gradient reaches {', '.join(without[:5])}")
        for name, parameter in module.named_parameters():
            if parameter.grad is not None:
                expect_finite(parameter.grad, f"gradient of {name}")

    def test_initialisation(self, variant: Variant) -> None:
        """The parameters are a function of torch's seed, and another seed gives others."""
        first, again, other = (self.build(variant, seed=seed).state_dict() for seed in (5, 5, 6))
        expect(list(first) == list(again), "two modules of one seed have different names of parameters")
        for name, value in first.items():
            expect_close(again[name], value, f"{name} of two modules of one seed")
        expect(
            any(not torch.equal(first[name], other[name]) for name in first),
            "another seed gives the same parameters: draw them from torch's own generator",
        )

    def test_global_random_state(self, variant: Variant) -> None:
        """Parameters and dropout come from torch's generator, which only the run seeds; ``random`` and numpy's are
        not used."""
        params, context = self.params(variant), ArchitectureContext(self.class_counts[0], self.input_shapes[0])
        with untouched_random_state("the architecture", torch_too=False):
            module = self.build(variant)
            module(self.images())
        expect_unseeded("building the architecture", lambda: self.info.build(params, context))
        expect_unseeded("the network", lambda: module.train()(self.images()))

    def test_state_dict_round_trip(self, variant: Variant) -> None:
        """Another module that loads the ``state_dict`` gives the same logits."""
        module, other = self.build(variant, seed=1), self.build(variant, seed=2)
        with torch.no_grad():
            module.train()(self.images())  # moves the running statistics, which belong to the state
        other.load_state_dict({name: value.clone() for name, value in module.state_dict().items()})
        with torch.no_grad():
            expect_close(
                other.eval()(self.images()), module.eval()(self.images()), "logits after loading the state"
            )

    def test_channels_last(self, variant: Variant) -> None:
        """In channels_last, the layout of training, the logits are the same."""
        module = self.build(variant).eval()
        with torch.no_grad():
            plain = module(self.images())
            module = module.to(memory_format=torch.channels_last)
            other = module(self.images().contiguous(memory_format=torch.channels_last))
        expect_close(other, plain, "logits in channels_last and not", rtol=1e-3, atol=1e-4)

    def test_examples_alone(self, variant: Variant) -> None:
        """In evaluation an image's logits do not depend on the others of its batch, nor are images changed."""
        module = self.build(variant).eval()
        images = self.images()
        with torch.no_grad():
            together, alone = module(images), torch.cat([module(image[None]) for image in self.images()])
        expect_close(images, self.images(), "the images after the call")
        expect_close(together, alone, "logits of a batch and of its images alone", rtol=1e-3, atol=1e-4)

    def test_autocast(self, variant: Variant) -> None:
        """Under bf16 autocast, as on a processor, a training step gives finite logits and gradients."""
        module = self.build(variant).train()
        with CpuBackend().autocast("bf16"):
            logits: Any = module(self.images())
        expect_finite(logits, "logits under autocast")
        logits.float().logsumexp(1).sum().backward()
        for name, parameter in module.named_parameters():
            if parameter.grad is not None:
                expect_finite(parameter.grad, f"gradient of {name} under autocast")
