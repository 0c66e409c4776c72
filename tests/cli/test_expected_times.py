"""``lsn plan`` tells how long runs take by stored ones: by those of their kind, or else roughly by others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec
from lsncli.store import Store

#: As the fixture of that name.
Lsn = Any

RECIPE = """\
title = "Timed"
seeds = [0]
[data]
name = "cifar10"
size = 16
[model]
name = "resnet8"
[loss]
name = "standard"
[train]
steps = 200
batch_size = 50
"""
TAUGHT = RECIPE + '[teacher]\nloss = { name = "label-smoothing" }\n'

SGD = ComponentSpec(name="sgd", params={"lr": 0.1})


@dataclass(frozen=True)
class Timed:
    """A run that has taken so many seconds for 100 steps."""

    seconds: float
    data: str = "cifar10"
    size: int | None = 16
    model: str = "resnet8"
    params: tuple[tuple[str, Any], ...] = ()
    batch: int = 50
    taught: bool = False

    def spec(self, seed: int) -> RunSpec:
        plain = RunSpec(
            data=DataSpec(name=self.data, params={} if self.size is None else {"size": self.size}),
            noise=NoiseSpec(name="none"),
            model=ComponentSpec(name=self.model, params=dict(self.params)),
            loss=ComponentSpec(name="forward-correction", params={"alpha": 0.3}),
            train=TrainSpec(steps=100, batch_size=self.batch, optimizer=SGD),
            seed=seed,
        )
        return plain.model_copy(update={"teacher": plain}) if self.taught else plain


def store(lsn: Lsn, *runs: Timed, status: str = "done") -> None:
    with Store.open(str(lsn.folder / "results.db")) as results:
        for number, run in enumerate(runs):
            spec = run.spec(100 + number)
            results.begin_run(spec.key, spec.plain(), steps=100, provenance={})
            results.finish_run(spec.key, status, final_step=100, seconds=run.seconds)  # type: ignore[arg-type]


def expected(lsn: Lsn, text: str = RECIPE) -> tuple[float | None, bool]:
    (lsn.folder / "timed.toml").write_text(text, encoding="utf-8")
    answer = lsn("plan timed.toml --format json")
    assert answer.status == 0, answer.err
    last = json.loads(answer.out)[-1]  # a student comes after its teacher
    return last["expected_seconds"], last["expected_rough"]


@pytest.mark.parametrize(
    ("runs", "seconds", "rough"),
    [
        # Of the same kind, whatever the loss: the median, for twice the steps.
        ([Timed(10), Timed(11), Timed(90)], 22, False),
        # Then nothing else counts.
        ([Timed(10), Timed(1, data="elsewhere", size=None), Timed(1, batch=128)], 20, False),
        # Other data, of which nobody here knows the size of the images.
        ([Timed(10, data="elsewhere", size=None), Timed(14, data="another", size=None)], 24, True),
        # CIFAR-100's have four times the pixels, by its default; digits have a quarter.
        ([Timed(10, data="cifar100", size=None)], 5, True),
        ([Timed(10, data="digits", size=None)], 80, True),
        # Images that can be compared before images that cannot.
        ([Timed(10, data="cifar100", size=None), Timed(70, data="elsewhere", size=None)], 5, True),
        # The same data at another size before other data at this one.
        ([Timed(10, size=32), Timed(90, data="cifar100")], 5, True),
        # A batch of half the size, and the same one before it.
        ([Timed(10, batch=25)], 40, True),
        ([Timed(10, batch=25, data="cifar100"), Timed(7, data="cifar100")], 14, True),
        # Students ask their teachers, too: other data before that, where there are some.
        ([Timed(10, taught=True)], 20, True),
        ([Timed(10, taught=True, data="cifar100"), Timed(7, data="cifar100")], 14, True),
        # Of another architecture nothing follows.
        ([Timed(10, model="resnet14")], None, False),
        ([Timed(10, params=(("width", 4),))], None, False),
        ([], None, False),
    ],
)
def test_a_run_takes_as_long_as_its_like(lsn: Lsn, runs: list[Timed], seconds: float | None, rough: bool) -> None:
    store(lsn, *runs)
    found = expected(lsn)
    assert found == (seconds if seconds is None else pytest.approx(seconds), rough)


def test_students_by_students(lsn: Lsn) -> None:
    store(lsn, Timed(10), Timed(15, taught=True), Timed(99, taught=True, data="elsewhere", size=None))
    assert expected(lsn, TAUGHT) == (pytest.approx(30), False)
    other = TAUGHT.replace('"cifar10"\nsize = 16', '"cifar100"\nsize = 16')
    assert expected(lsn, other) == (pytest.approx(30), True)


def test_prepared_images_say_how_large_they_are(lsn: Lsn) -> None:
    generator = np.random.default_rng(0)
    for part in ("train", "test"):
        for label in ("cat", "dog"):
            folder = lsn.folder / "images" / part / label
            folder.mkdir(parents=True)
            for number in range(3):
                pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    assert lsn("data prepare mine images").status == 0
    store(lsn, Timed(10, data="mine", size=None))
    assert expected(lsn) == (pytest.approx(80), True)
    assert "of another size" not in lsn("plan timed.toml").err


def test_what_is_not_done_tells_nothing(lsn: Lsn) -> None:
    store(lsn, Timed(10), status="failed")
    assert expected(lsn) == (None, False)


def test_specs_that_lsn_has_not_written_tell_nothing(lsn: Lsn) -> None:
    store(lsn, Timed(10, data="elsewhere", size=None))
    model = {"name": "resnet8"}
    odd: list[dict[str, Any]] = [
        {"seed": 1},
        {"data": "cifar10", "model": model},
        {"data": {"name": ["cifar10"]}, "model": model},
        {"data": {"name": "cifar10", "params": 3}, "model": model},
        {"data": {"name": "cifar10", "params": {"size": "16"}}, "model": model, "train": {"batch_size": 0}},
        {"data": {"name": "cifar10"}, "model": model, "train": {"batch_size": "50"}},
        {"data": {"name": "cifar10"}, "model": model, "train": 3},
    ]
    with Store.open(str(lsn.folder / "results.db")) as results:
        for number, spec in enumerate(odd):
            results.begin_run(f"{number:020d}", spec, steps=100, provenance={})
            results.finish_run(f"{number:020d}", "done", final_step=100, seconds=1)
    assert expected(lsn) == (pytest.approx(20), True)


def test_the_table_says_what_is_rough(lsn: Lsn) -> None:
    store(lsn, Timed(10, data="elsewhere", size=None))
    text = f'{RECIPE}[sweep]\n"model.name" = ["resnet8", "resnet14"]\n'
    (lsn.folder / "timed.toml").write_text(text, encoding="utf-8")
    answer = lsn("plan timed.toml")
    assert [" ".join(line.split()[1:4]) for line in answer.out.splitlines()[2:]] == [
        "pending ~20 s",
        "pending ? cifar10",
    ]
    assert answer.err == (
        "2 runs, 2 to train; expected time ~20 s for 1 of them, one run at a time; ~ for 1: judged by other runs of"
        " the same architecture, whose images may be of another size; no time known for 1: no run like them in the"
        " database\n"
    )
    store(lsn, Timed(10), Timed(10, model="resnet14"))
    assert lsn("plan timed.toml").err == "2 runs, 2 to train; expected time 40 s, one run at a time\n"
