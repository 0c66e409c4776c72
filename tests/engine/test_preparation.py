"""A loss that changes the batch: what the network then sees, with which random numbers, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_samples import CLASSES, ending, install, metrics, resumed_from, run, spec, stop_after, weights

from lsncli.backends.cpu import CpuBackend
from lsncli.engine.events import Started
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stacking import train_stack
from lsncli.plan import ComponentSpec, DistillationSpec, RunSpec
from lsncli.registry import registry

PLUGIN = '''
import numpy as np
from lsncli import LossInfo, hookimpl

DRAWN, PREPARED, CALLED = [], [], []

def cross_entropy(logits, targets):
    from torch.nn import functional
    return functional.cross_entropy(logits.float(), targets, reduction="none")

class Base:
    def __init__(self, params, context):
        self.classes = context.num_classes
    def __call__(self, logits, targets, inputs=None):
        CALLED.append((int(inputs.step), logits.detach(), targets))
        return cross_entropy(logits, targets)

class Shuffling(Base):
    """Mixes every image and target with another one of the batch."""
    def prepare(self, images, targets, generator, inputs):
        import torch
        order = torch.from_numpy(generator.permutation(len(images)))
        share = float(generator.random())
        DRAWN.append((int(inputs.step), share, order.tolist()))
        soft = targets
        if targets.ndim == 1:
            soft = torch.nn.functional.one_hot(targets, self.classes).float()
        mixed = share * images + (1 - share) * images[order], share * soft + (1 - share) * soft[order]
        PREPARED.append((targets, inputs.indices, mixed[1]))
        return mixed

class Blinding(Base):
    """All images black, all labels 0."""
    def prepare(self, images, targets, generator, inputs):
        return images * 0, targets * 0

class Halving(Base):
    def prepare(self, images, targets, generator, inputs):
        return images[::2], targets[::2]

class Widening(Base):
    def prepare(self, images, targets, generator, inputs):
        return images, images.new_zeros(len(images), self.classes + 1)

@hookimpl
def lsn_losses(register):
    for build in (Shuffling, Blinding, Halving, Widening):
        register(LossInfo(name=build.__name__.lower(), build=build))
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install(tmp_path / "preparing-site", "preparing", PLUGIN)
    monkeypatch.syspath_prepend(tmp_path / "preparing-site")
    registry.cache_clear()
    yield
    registry.cache_clear()
    sys.modules.pop("preparing", None)


def seen(name: str) -> list[Any]:
    """What the plugin noted, which is forgotten here."""
    noted: list[Any] = getattr(sys.modules["preparing"], name)
    taken = list(noted)
    noted.clear()
    return taken


pytestmark = pytest.mark.usefixtures("told_every_step", "plugin")


@pytest.mark.parametrize(
    "settings_of_spec",
    [{}, {"model": ComponentSpec(name="resnet8", params={"width": 4}), "augment": "crop-flip", "batch_size": 21}],
    ids=["mlp", "resnet8, augmented"],
)
def test_a_resumed_run_prepares_the_same_batches(
    settings_of_spec: dict[str, Any], settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    run_spec = spec(loss="shuffling", **settings_of_spec)
    whole = run(run_spec, elsewhere)
    drawn = seen("DRAWN")
    assert [step for step, _, _ in drawn] == list(range(20))
    assert len({share for _, share, _ in drawn}) == 20
    pieces = run(run_spec, settings, stop_after(7))
    assert ending(pieces).status == "interrupted"
    pieces += (rest := run(run_spec, settings))
    assert resumed_from(rest) == 7
    assert seen("DRAWN") == drawn
    assert metrics(pieces) == metrics(whole)
    assert weights(settings, run_spec) == weights(elsewhere, run_spec)


def test_its_numbers_follow_the_seed_and_no_other_stream(settings: EngineSettings) -> None:
    run(spec(loss="shuffling"), settings)
    drawn = seen("DRAWN")
    run(spec(loss="shuffling", batch_size=16, optimizer={"lr": 0.1}), settings)
    assert seen("DRAWN") == drawn  # another learning rate changes no draw
    run(spec(loss="shuffling", seed=4), settings)
    assert not {share for _, share, _ in seen("DRAWN")} & {share for _, share, _ in drawn}


def test_network_and_loss_get_what_was_prepared(settings: EngineSettings) -> None:
    assert ending(run(spec(loss="blinding", model="linear"), settings)).status == "done"
    for _, logits, targets in seen("CALLED"):
        assert (logits == logits[0]).all()  # one picture, sixteen times
        assert (targets == 0).all()
    run(spec(loss="shuffling"), settings)
    for (given, indices, mixed), (_, _, targets) in zip(seen("PREPARED"), seen("CALLED"), strict=True):
        assert given.shape == indices.shape == (16,)
        assert targets is mixed


@pytest.mark.parametrize(
    ("name", "told"),
    [("halving", "[8, 3, 8, 6] with targets of shape [8]"), ("widening", f"targets of shape [16, {CLASSES + 1}]")],
)
def test_a_batch_of_another_shape_is_refused(name: str, told: str, settings: EngineSettings) -> None:
    end = ending(run(spec(loss=name), settings))
    assert (end.status, end.final_step) == ("failed", 0)
    assert f"loss '{name}' prepared images of shape" in str(end.error)
    assert told in str(end.error)
    assert f"labels [16] or probabilities [16, {CLASSES}]" in str(end.error)
    assert end.traceback is None


def test_such_a_run_is_not_stacked(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    specs = [spec(loss="shuffling"), spec(), spec(seed=4)]
    events = list(train_stack(specs, settings))
    stacks = {e.key: e.provenance.get("stack") for e in events if isinstance(e, Started)}
    assert stacks == {specs[0].key: None, specs[1].key: 2, specs[2].key: 2}
    run(specs[0], elsewhere)
    assert weights(settings, specs[0]) == weights(elsewhere, specs[0])


def test_a_teachers_probabilities_are_prepared(settings: EngineSettings) -> None:
    teacher = spec(seed=9)
    assert ending(run(teacher, settings)).status == "done"
    own = spec(loss="shuffling")
    student = RunSpec(
        **{name: getattr(own, name) for name in ("data", "noise", "model", "loss", "train", "seed")},
        teacher=teacher,
        distillation=DistillationSpec(temperature=2.0),
    )
    assert ending(run(student, settings)).status == "done"
    for given, _, mixed in seen("PREPARED"):
        assert given.shape == mixed.shape == (16, CLASSES)
        assert given.sum(1).tolist() == pytest.approx([1.0] * 16, abs=1e-6)
        assert mixed.sum(1).tolist() == pytest.approx([1.0] * 16, abs=1e-6)
        assert (given != mixed).any()


def test_its_steps_are_not_recorded(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record would repeat the draws of the step that was recorded."""
    compiled = []
    monkeypatch.setattr(CpuBackend, "compile_step", lambda self, step: compiled.append(step) or step)
    assert ending(run(spec(loss="shuffling"), settings)).status == "done"
    assert compiled == []
    assert ending(run(spec(), settings)).status == "done"
    assert len(compiled) == 1
