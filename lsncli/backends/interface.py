"""What a device backend is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import torch
    from torch import nn

Step = Callable[[], None]


class Backend(ABC):
    """A kind of device: whether it is there, its precisions, and how a step is made fast on it.

    A backend imports its libraries in its methods, so that asking whether it is there stays cheap. What a subclass
    says of itself:

    name: as ``--device`` and the record have it.
    recorded: whether a step is recorded once and then repeated by the device: all that changes from step to step
        must then be a tensor on the device, where other devices may be told by numbers of Python.
    parallel: whether several runs of a large network that take their steps together are faster than one after
        another.
    process_per_device: whether each of its devices can be given to a worker process of its own. Not where a
        runtime takes all of them for the first process that starts it, as that of a TPU does.
    traced: whether steps are traced into programs, compiled once for each shape and constant (XLA). Tensors are
        then values without memory to make views of, a position or size that changes is another program, there is
        no inference mode, and what is measured is measured on the CPU.
    """

    name: ClassVar[str]
    recorded: ClassVar[bool] = False
    parallel: ClassVar[bool] = False
    process_per_device: ClassVar[bool] = True
    traced: ClassVar[bool] = False

    @abstractmethod
    def unavailable(self) -> str | None:
        """Why this backend cannot be used here, or None if it can."""

    @abstractmethod
    def devices(self) -> list[str]:
        """The devices, as ``--device`` takes them."""

    @abstractmethod
    def precisions(self) -> tuple[str, ...]:
        """The precisions that the device computes in, the default one first: ``fp32``, ``bf16``."""

    @abstractmethod
    def prepare(self, device: str, *, threads: int | None) -> torch.device:
        """Set up this process for ``device`` (threads, deterministic kernels) and return the torch device."""

    def release(self) -> None:
        """Undo what :meth:`prepare` changed for everything else in this process; also called if it was not."""
        return

    def seed(self, number: int) -> None:
        """Seed the device's own generator, where ``torch.manual_seed`` does not reach it."""
        return

    def random_state(self) -> torch.Tensor | None:
        """The state of the device's own generator, a tensor on the CPU; None where it has none beside the CPU's.

        Checkpoints keep it, so that a resumed run draws the numbers (of dropout, say) that it would have drawn.
        """
        return None

    def restore_random_state(self, state: torch.Tensor) -> None:
        """Go on from a state that :meth:`random_state` gave; raises RuntimeError or ValueError for any other."""
        return

    def room(self) -> int | None:
        """The bytes that are free in the device's own memory; None where it has none, or nobody can tell.

        Images that would take more than half of it stay in this machine's memory, and are brought batch by batch.
        """
        return None

    @abstractmethod
    def autocast(self, precision: str) -> AbstractContextManager[Any]:
        """The context in which the forward pass and the loss run."""

    @abstractmethod
    def place(self, module: nn.Module, device: torch.device) -> nn.Module:
        """Move a module to the device, in the memory format that is fast there."""

    def compile_step(self, step: Step) -> Step:
        """A faster equivalent of a training step, where the device has one.

        ``step`` takes nothing and returns nothing: it reads and changes tensors on the device. Every call of the
        result is one step. Where it has an attribute ``refused``, this is why the step could not be made faster.
        """
        return step

    def recording(self) -> bool:
        """Whether what is asked of the device now is recorded, and not done."""
        return False

    def in_parallel(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Do ``tasks``, which do not depend on each other, all at once where the device can, else in their order.

        What is asked of the device afterwards finds all of them done.
        """
        for task in tasks:
            task()

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until the device has finished what was asked of it."""

    @abstractmethod
    def describe(self, device: str) -> dict[str, Any]:
        """The device in plain data, for provenance: model, threads, memory format."""
