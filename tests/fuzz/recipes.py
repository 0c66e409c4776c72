"""Recipes: shipped ones and others with bytes or values changed, planned and reported without a database."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import tomli
from hypothesis import strategies as st

from tests.fuzz.calling import call
from tests.fuzz.driving import Kind
from tests.fuzz.edits import apply, edits
from tests.fuzz.toml_text import toml
from tests.fuzz.values import values

REPOSITORY = Path(__file__).resolve().parents[2]

#: Every section and every way to sweep, in little.
EVERYTHING = """\
title = "All that a recipe can say"
description = "more words"
table = 7
figure = [2, 4]
seeds = [0, 3]
[data]
name = "digits"
train_size = 200
test_size = 100
subset_seed = 1
[noise]
name = "class-conditional"
matrix = [[0.9, 0.1, 0, 0, 0, 0, 0, 0, 0, 0], [0.1, 0.9, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0, 0, 0, 0], \
[0, 0, 0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0, 0, 0, 0], \
[0, 0, 0, 0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 1, 0], \
[0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]
seed = 4
[model]
name = "mlp"
hidden = [8]
[loss]
name = "forward"
transition = "estimated"
[train]
steps = 20
batch_size = 50
optimizer = { name = "sgd", lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 1e-4 }
schedule = { name = "step", milestones = [0.5, 0.75], gamma = 0.1 }
augment = "crop-flip"
crop_padding = 1
evaluations = 2
[teacher]
loss = { name = "label-smoothing", alpha = 0.1 }
train = { steps = 10 }
seed = 1
[distillation]
temperature = 3.0
[transition]
estimator = { name = "anchor" }
run = { train = { steps = 5 } }
[sweep]
"train.steps" = [10, 20]
[[sweep.case]]
label = "one"
loss = { name = "standard" }
at = { "loss.alpha" = 0.0 }
[[sweep.case]]
label = "two"
loss = { name = "label-smoothing" }
sweep = { "loss.alpha" = [0.1, 0.4] }
[report]
rows = ["label", "loss.alpha"]
columns = ["train.steps", "metric"]
metrics = ["test_accuracy", "test_ece_100"]
which = "best"
[profiles.smoke.train]
steps = 4
"""

ASYMMETRIC = """\
title = "Pairs"
[data]
name = "digits"
[noise]
name = "asymmetric"
rate = 0.3
map = [[0, 1], [2, 3]]
[model]
name = "linear"
[train]
steps = 3
[sweep]
"noise.rate" = [0.1, 0.2]
"loss.name" = ["standard", "label-smoothing"]
"""

WORDS = (
    *("[", "]", "[[", "]]", "{", "}", '"', "'''", '"""', "=", ".", ",", "#", "\\", "\n", "\r", "\x00", "\x1b[2J"),
    *("inf", "nan", "-", "_", "0x", "true", "[sweep]\n", "[[sweep.case]]\n", "[profiles.x]\n", "name=", "\ufeff"),
    *("include = ['.']\n", f"include = ['{'x' * 300}']\n", "include = ['recipe.toml']\n", "[computation]\n"),
    *(
        "a." * 300,
        "a." * 3000 + "b = 1\n",
        'matrix = "/dev/zero"\n',
        '"data.name" = ["x"]\n',
        "seeds = [1, 2, 3]\n",
    ),
)

#: What may stand for a value in TOML, and strains whoever reads or shows it.
LITERALS = (
    *("1e999", "9" * 30, "9" * 5000, "0x" + "f" * 6000, "1979-05-27T07:32:00Z", '"\\u0000"', '"\\uD800"'),
    *("[" * 3000, "[" * 90 + "]" * 90, "{a=" * 900, "{a=" * 60 + "1" + "}" * 60, '"\\U00110000"', '"../../x.npy"'),
    *('"/dev/zero.npy"', '"/dev/zero"', '"/proc/self/mem"', '"."', f'"{"x" * 300}.csv"', '"x\\u0000.csv"'),
)

TOKENS = [*(text.encode() for text in (*WORDS, *LITERALS)), b"\xff", b"\xc2\x9b"]

#: Axes whose product is far beyond what can be planned.
BOMB = {f"train.{name}": list(range(1, 1001)) for name in ("steps", "batch_size", "evaluations")}

#: Where one of LITERALS is put in.
LITERAL = "@literal@"

COMMANDS = (
    ("plan",),
    ("plan", "--format", "json"),
    ("plan", "--profile", "smoke", "--seeds", "3"),
    ("report", "--format", "md"),
    ("report", "--format", "rich"),
    ("report", "--format", "latex"),
    ("report", "--format", "html"),
    ("report", "--format", "csv"),
    ("report", "--format", "json"),
    ("report", "--claims"),
    ("run", "--dry-run"),
)


@cache
def texts() -> list[str]:
    """What is changed: the two above and the shipped recipes."""
    shipped = [path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "recipes").glob("*.toml"))]
    # The shipped ones are alike, and large; the two above are drawn as often as all of them.
    return [EVERYTHING, ASYMMETRIC] * (len(shipped) // 2) + shipped


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every value inside plain data."""
    found = [path] if path else []
    entries = enumerate(document) if isinstance(document, list) else ()
    for key, value in document.items() if isinstance(document, dict) else entries:
        found += places(value, (*path, key))
    return found


def changed(document: dict[str, Any], changes: list[tuple[int, str, Any]]) -> dict[str, Any]:
    """Plain data after changes, each at one of its places: replaced, removed, doubled, or put in beside it."""
    result = copy.deepcopy(document)
    for index, operation, drawn in changes:
        value = copy.deepcopy(drawn)  # a value that is drawn twice may come as one object, to be put into itself
        ways = places(result)
        if not ways:
            break
        *path, last = ways[index % len(ways)]
        at: Any = result
        for key in path:
            at = at[key]
        if operation == "remove":
            del at[last]
        elif operation == "add" and isinstance(at, dict):
            at[f"{last}x" if isinstance(value, list) else str(value)[:40]] = value
        elif operation == "add":
            at.append(value)
        elif operation == "wrap":
            at[last] = [at[last], value]
        elif operation == "bomb":
            result["sweep"] = copy.deepcopy(BOMB)
        elif operation == "literal":
            at[last] = LITERAL
        else:
            at[last] = value
    return result


@st.composite
def _restructured(draw: st.DrawFn) -> str:
    document = tomli.loads(draw(st.sampled_from(texts())))
    operations = st.sampled_from(("replace", "replace", "replace", "literal", "remove", "add", "wrap", "bomb"))
    changes = st.tuples(st.integers(0, 500), operations, values(times=True))
    text = toml(changed(document, draw(st.lists(changes, max_size=3))))
    while f'"{LITERAL}"' in text:
        text = text.replace(f'"{LITERAL}"', draw(st.sampled_from(LITERALS)), 1)
    return text.encode().decode("latin-1")


def _edited() -> st.SearchStrategy[str]:
    seeds = st.sampled_from([text.encode() for text in texts()])
    return st.builds(apply, seeds, edits(TOKENS)).map(lambda data: data.decode("latin-1"))


def _run(case: dict[str, Any], folder: Path) -> str:
    path = folder / "recipe.toml"
    path.write_bytes(case["text"].encode("latin-1"))
    command, *options = case["command"]
    files = not {"--dry-run", "rich"} & set(options) and command != "plan"
    database = folder / "absent.db" if command == "plan" else None
    where = ["--data-dir", str(folder), *(["--db", str(database)] if database else [])]
    return call(command, str(path), *options, *where, files=files)


KIND = Kind(
    "recipe",
    st.fixed_dictionaries({"text": st.one_of(_restructured(), _edited()), "command": st.sampled_from(COMMANDS)}),
    _run,
)
