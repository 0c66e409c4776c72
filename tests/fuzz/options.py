"""``--set``, ``--only``, ``--data``, ``--seeds`` and ``--profile``: words and pieces of words put together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.calling import call
from tests.fuzz.driving import Kind
from tests.fuzz.recipes import ASYMMETRIC, COMMANDS, EVERYTHING
from tests.fuzz.toml_text import toml
from tests.fuzz.values import TEXTS, values

KEYS = (
    *("title", "seeds", "table", "figure", "profiles", "report.rows", "report.columns", "report.metrics", "sweep"),
    *("data", "data.name", "data.train_size", "data.test_size", "noise", "noise.name", "noise.rate", "noise.map"),
    *("noise.matrix", "noise.seed", "model", "model.name", "model.hidden", "loss", "loss.name", "loss.alpha"),
    *("loss.matrix", "loss.transition", "train", "train.steps", "train.batch_size", "train.optimizer"),
    *("train.optimizer.lr", "train.schedule.milestones", "train.evaluations", "train.augment", "teacher"),
    *("teacher.seed", "teacher.loss.name", "distillation.temperature", "transition", "transition.run.loss"),
    *("sweep.case", "sweep.train.steps", "label", "metric", "classes", "alpha", "rate", "x", "train.", ".train"),
    *(
        "a" + ".a" * 900,
        "train.steps.x",
        "train.steps.x.y",
        " train.steps ",
        "",
        "=",
        "__class__",
        "train" + ".a" * 900,
    ),
)

PIECES = (
    *("=", "==", ",", ".", "[", "]", "{", "}", "'", '"', '"""', "#", "\n", "=[", "[[", "{a=1}", "1979-05-27"),
    *("[" * 2000, "{a=" * 600, "9" * 5000, "0x" + "f" * 5000, "1e999", "-inf", "1_0", "digits", "standard", "one"),
    *("label-smoothing", "0.1", "20", "smoke", "../x", "/etc/passwd"),
)

_value = st.one_of(
    values(times=True).map(lambda value: toml({"v": value}).removeprefix('"v" = ').rstrip("\n")),
    values().map(lambda value: json.dumps(value, default=str)),
    st.sampled_from(TEXTS),
    st.sampled_from(PIECES),
)
#: What a person would ask for; most of what is drawn from the lists above is refused at its first word.
SENSIBLE = (
    *(
        "train.steps=3",
        "train.steps=[1,2]",
        "loss.alpha=0.2",
        "loss.alpha=[0.1,0.2]",
        "noise.rate=0.1",
        "seeds=[4]",
    ),
    *(
        "label=one",
        "title=x",
        "noise={name='none'}",
        "loss={name='standard'}",
        "data.train_size=99",
        "model=linear",
    ),
    *(
        "digits=digits2",
        "digits=cifar10",
        "noise.rate=[0.1, 0.2]",
        "train.steps=[10]",
        "train.steps=10",
        "classes=3",
    ),
    *(
        "alpha=0.2",
        "rate=0.1",
        "report.which=last",
        "report.rows=[]",
        "teacher={}",
        "model.hidden=[2,3]",
        "table=9",
    ),
)
_pair = st.builds(lambda key, value: f"{key}={value}", st.sampled_from(KEYS), _value)
_pieces = st.lists(st.one_of(st.sampled_from(KEYS), st.sampled_from(PIECES), st.text(max_size=6)), max_size=5)
_changed = st.builds(
    lambda text, at, piece: text[:at] + piece + text[at:],
    *(st.sampled_from(SENSIBLE), st.integers(0, 20), st.sampled_from((*PIECES, *TEXTS)) | st.text(max_size=3)),
)
_text = st.one_of(
    _pair, _pair, st.sampled_from(SENSIBLE), _changed, _changed, _pieces.map("".join), st.text(max_size=20)
)
_option = st.tuples(st.sampled_from(("--set", "--set", "--set", "--only", "--data", "--profile")), _text)
_seeds = st.tuples(st.just("--seeds"), st.integers(-3, 10**12).map(str) | st.sampled_from(("x", "1e3", "9" * 5000)))

#: The computed tables and figures take settings of their own.
COMPUTED = (("report", "--table", "1"), ("report", "--table", "1", "--format", "json"), ("report", "--table", "6"))


@st.composite
def _cases(draw: st.DrawFn) -> dict[str, Any]:
    command = draw(st.sampled_from((*COMMANDS, *COMMANDS, *COMPUTED)))
    # A NUL cannot be in a word of a command line, nor a lone surrogate that is no undecodable byte.
    words = [word for option in draw(st.lists(_option, min_size=1, max_size=2)) for word in option]
    if draw(st.integers(0, 9)) == 0:
        words += draw(_seeds)
    words = [word.replace("\x00", "") for word in words]
    recipe = None if command in COMPUTED else draw(st.sampled_from(("everything.toml", "pairs.toml")))
    return {"command": list(command), "recipe": recipe, "words": words}


def _run(case: dict[str, Any], folder: Path) -> str:
    (folder / "everything.toml").write_text(EVERYTHING, encoding="utf-8")
    (folder / "pairs.toml").write_text(ASYMMETRIC, encoding="utf-8")
    command, *options = case["command"]
    files = not {"--dry-run", "rich"} & set(options) and command != "plan"
    recipe = [] if case["recipe"] is None else [str(folder / case["recipe"]), "--data-dir", str(folder)]
    database = ["--db", str(folder / "absent.db")] if command == "plan" else []
    return call(command, *recipe, *options, *database, *case["words"], files=files)


KIND = Kind("option", _cases(), _run)
