"""One run: its materials, its state and what it tells, whoever takes its steps."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn, optim

from lsncli.backends.interface import Backend
from lsncli.backends.selection import select_precision
from lsncli.engine.building import build_component
from lsncli.engine.checkpoint import (
    TrainingState,
    UnusableCheckpointError,
    load_checkpoint,
    save_checkpoint,
)
from lsncli.engine.evaluation import accuracy, measure_test, measure_train
from lsncli.engine.events import Event, Finished, Measured, Notice, Outcome, Progress, Recorded, Started
from lsncli.engine.final_outputs import FinalOutputs, figure_arrays, final_outputs
from lsncli.engine.kept_files import keep_files
from lsncli.engine.learnt_loss import add_loss_parameters, learnt_transition
from lsncli.engine.provenance import describe_run
from lsncli.engine.settings import EngineSettings
from lsncli.engine.workspace import Workspace, prepare_workspace
from lsncli.errors import LsnError
from lsncli.estimators.distance import distances
from lsncli.plan import RunSpec


class Run:
    """The materials and the state of one run, and the events that do not depend on how its steps are taken.

    ``device`` is prepared by whoever makes the run. ``like`` is a workspace of the same data and augmentation,
    whose images are shared.
    """

    def __init__(
        self,
        spec: RunSpec,
        settings: EngineSettings,
        backend: Backend,
        device_name: str,
        device: torch.device,
        like: Workspace | None = None,
    ) -> None:
        self.spec = spec
        self.settings = settings
        self.backend = backend
        self.device_name = device_name
        self.precision = select_precision(self.backend, settings.precision)
        self.device = device
        self.work: Workspace = prepare_workspace(spec, settings, device, backend, self.precision, like)
        optimizer = build_component("optimizer", spec.train.optimizer, self.work.module.parameters())
        add_loss_parameters(optimizer, self.work.loss)
        self.rates = [group["lr"] for group in optimizer.param_groups]
        if backend.recorded:
            _keep_on_device(optimizer)
        self.factor: Callable[[int], float] = build_component("schedule", spec.train.schedule, spec.train.steps)
        self.state = TrainingState(
            module=self.work.module,
            optimizer=optimizer,
            loss=self.work.loss if isinstance(self.work.loss, nn.Module) else None,
            loss_sum=torch.zeros((), dtype=torch.float64, device=self.device),
            identity={
                "key": spec.key,
                "data": self.work.data_digest,
                "precision": self.precision,
                "backend": self.backend.name,
            },
            backend=backend,
        )
        self.per_epoch = self.work.train.count // spec.train.batch_size
        self.told_of_disk = False
        #: What the network says now, where it was just asked; the evaluation asks it otherwise, and keeps the last.
        self.outputs: FinalOutputs | None = None

    def beginning(self, notice: str | None, **how: Any) -> Iterator[Event]:
        """What is known before the first step; ``how`` the run is trained goes to its provenance."""
        key, state = self.spec.key, self.state
        provenance = {
            **describe_run(self.spec, self.settings, self.work),
            **self.backend.describe(self.device_name),
            "precision": self.precision,
            **how,
        }
        yield Started(key, self.spec.train.steps, provenance, state.step)
        if notice:
            yield Notice(key, notice)
        if self.work.noise_metrics:
            yield Measured(key, 0, self.work.noise_metrics)
        if self.work.noise_counts is not None:
            yield Recorded(key, 0, "noise_transition_counts", self.work.noise_counts)
        if self.work.estimate is not None:
            yield Recorded(key, 0, "transition_estimate", self.work.estimate)
        if self.work.estimate_errors is not None:
            yield Recorded(key, 0, "transition_total_variation", self.work.estimate_errors)
        for step, metrics in state.measured:
            yield Measured(key, step, metrics)

    def ending(self, outcome: Outcome, error: str | None = None) -> Iterator[Event]:
        """The files of a run that is done, and its last event."""
        if outcome == "done":
            yield from keep_files(self.spec.key, self.settings, self.work, self.outputs, self.state.step)
        yield Finished(self.spec.key, outcome, self.state.step, self.state.seconds, error)

    def look(self, evaluating: bool, images_per_second: float) -> Iterator[Event | str]:
        """Look whether the run diverged, and evaluate it where that is due; a string is why it diverged."""
        key, state = self.spec.key, self.state
        loss = self._mean_loss()
        if not math.isfinite(loss):
            # The last that is known of it; not kept in a checkpoint, for there is nothing to go on with.
            yield Measured(key, state.step, {"train_loss": loss})
            yield f"the training loss is {loss} after {state.step} steps"
            return
        if not evaluating:
            return
        self.backend.synchronize()
        metrics, bins = self._measure(images_per_second)
        if not math.isfinite(metrics["test_nll"]):
            # The loss of the last step was finite, the update that it caused was not.
            yield Measured(key, state.step, metrics)
            yield f"the logits are not finite after {state.step} steps"
            return
        state.measured.append((state.step, metrics))
        yield Measured(key, state.step, metrics)
        if state.step == self.spec.train.steps:
            yield Recorded(key, state.step, "test_reliability_bins", bins)
            yield from self._last_words()

    def progress(self, images_per_second: float) -> Progress:
        """How far the run is; right after an evaluation, with the mean loss that it has measured."""
        state = self.state
        loss = self._mean_loss()
        if not state.steps_since_evaluation and state.measured:
            loss = state.measured[-1][1]["train_loss"]
        return Progress(self.spec.key, state.step, loss, images_per_second)

    def checked(self, losses: Tensor, indices: Tensor) -> Tensor:
        """``losses``, if the loss gave one for each of the examples ``indices`` ``[B]``, with a gradient.

        Raises :class:`LsnError` otherwise.
        """
        if losses.shape != indices.shape:
            raise LsnError(
                f"loss {self.spec.loss.name!r} returned shape {list(losses.shape)}"
                f" for a batch of {len(indices)} examples",
                valid="one loss per example",
            )
        if not losses.requires_grad:
            raise LsnError(
                f"loss {self.spec.loss.name!r} returned losses without a gradient: the network would learn nothing",
                next="is something detached, or turned into numbers, on the way from the logits?",
            )
        return losses

    def _mean_loss(self) -> float:
        return float(self.state.loss_sum.item()) / max(1, self.state.steps_since_evaluation)

    # -- evaluation and files --------------------------------------------------------------------------

    def _measure(self, images_per_second: float) -> tuple[dict[str, float], npt.NDArray[np.float64]]:
        """The metrics of this step and the reliability bins ``[3, 100]``; the mean loss starts anew."""
        state, work = self.state, self.work
        metrics = {"train_loss": self._mean_loss(), "images_per_second": images_per_second}
        outputs = self.outputs or final_outputs(work, self.backend, self.precision)
        # Where a backend has its results measured: on the device, or on the CPU.
        home = outputs.test_logits.device
        true = None if work.true is None else work.true.to(home)
        tested, bins = measure_test(outputs.test_logits, work.test_labels.to(home))
        metrics |= tested | measure_train(outputs.train_logits.argmax(1), work.given.to(home), true)
        if outputs.validation_logits is not None and work.validation_given is not None:
            predicted = outputs.validation_logits.argmax(1)
            metrics["validation_accuracy"] = accuracy(predicted, work.validation_given.to(home))
        learnt = learnt_transition(work.loss, work.num_classes)
        if learnt is not None:
            metrics |= distances(learnt, work.noise_transition)
        self.outputs = outputs if state.step == self.spec.train.steps else None
        state.loss_sum.zero_()
        state.steps_since_evaluation = 0
        # The sum that starts anew is the end of this evaluation and not the beginning of the next step.
        self.backend.synchronize()
        return metrics, bins.numpy()

    def resume(self) -> str | None:
        """Load the checkpoint if there is a usable one; what there is to tell of it, or why it is not used."""
        path = self.settings.checkpoint_path(self.spec.key)
        if path is None or not path.exists():
            return None
        try:
            loaded = load_checkpoint(path, self.state)
        except UnusableCheckpointError as error:
            return f"the checkpoint {path} is not used: {error}; the run starts from its first step"
        told = []
        threads = torch.get_num_threads()
        if loaded.threads is not None and loaded.threads != threads:
            told.append(
                f"the run was begun with {loaded.threads} threads and goes on with {threads}: from here on its sums"
                " are rounded in another way"
            )
        if loaded.left_out:
            told.append(
                f"optimizer {self.spec.train.optimizer.name!r} keeps in its parameter groups what no checkpoint"
                f" holds ({', '.join(loaded.left_out)}): from here on that is as it is at the start of a run"
            )
        return "; ".join(told) or None

    def save(self) -> Iterator[Event]:
        """Write a checkpoint, where the settings have a place for it.

        A disk that refuses is told of once. The run goes on: what it would lose by a crash, it would lose for
        certain by ending here.
        """
        path = self.settings.checkpoint_path(self.spec.key)
        if path is None:
            return
        try:
            save_checkpoint(path, self.state)
            self.told_of_disk = False
        except LsnError as error:
            if not self.told_of_disk:
                text = f"no checkpoint after {self.state.step} steps: {error.what}; the one before stays"
                yield Notice(self.spec.key, text)
            self.told_of_disk = True

    def _last_words(self) -> Iterator[Event]:
        """What the figures need of the trained network."""
        assert self.outputs is not None, "the last step was evaluated"
        learnt = learnt_transition(self.work.loss, self.work.num_classes)
        if learnt is not None:
            yield Recorded(self.spec.key, self.state.step, "transition_estimate", learnt)
        for name, array in figure_arrays(self.work, self.outputs).items():
            yield Recorded(self.spec.key, self.state.step, name, array)


def _keep_on_device(optimizer: optim.Optimizer) -> None:
    """Let an optimiser that can keep its counters and its rate on the device do so, so that no step waits.

    Adam and its kin have a switch for it; of torch's SGD, only the fused kernel reads a rate that is a tensor.
    """
    for group in optimizer.param_groups:
        if "capturable" in group:
            group["capturable"] = True
        elif type(optimizer) is optim.SGD and not group["differentiable"] and group["params"][0].is_cuda:
            group["fused"], group["foreach"] = True, False


def failure(spec: RunSpec, error: Exception, step: int, seconds: float) -> Finished:
    """The end of a run that ``error`` stopped after ``step`` steps, in one line and with its traceback."""
    foreseen = isinstance(error, LsnError)
    text = str(error).replace("\n", ";") if foreseen else f"{type(error).__name__}: {error}".splitlines()[0]
    return Finished(spec.key, "failed", step, seconds, text, "".join(traceback.format_exception(error)))
