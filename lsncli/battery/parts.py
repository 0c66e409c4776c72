"""The parts of the battery as recipes, in the setting of a shipped recipe or one of the user's own.

A part takes data, architecture, training, seeds and profiles from its setting and sets the comparison itself.
With a shipped base, runs of the paper's methods therefore have the keys that they have in the paper's tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lsncli.battery.candidate import Candidate
from lsncli.battery.kinds import BASELINE, LOSS
from lsncli.battery.possible import MAIN_RATE, Possible
from lsncli.battery.setting import Setting
from lsncli.toml_text import toml_text

#: α of the paper's methods: that of its tables, the one right for 20 % of noise, and one well above (section 4.1).
ALPHAS = (0.1, 0.2, 0.4)
#: α of the paper's teachers (Table 5), and what else they are trained with.
TAUGHT_ALPHA = 0.1
TEACHERS = ("label smoothing", "forward correction")

_TITLES = {
    "accuracy": "Clean test accuracy under noise",
    "denoising": "The parts of the training set",
    "calibration": "Calibration on the test set",
    "distillation": "Test accuracy of a student, by the loss of its teacher",
}
_METRICS = {
    "accuracy": ["test_accuracy"],
    "denoising": [
        "train_accuracy_full_true",
        "train_accuracy_clean_true",
        "train_accuracy_noisy_true",
        "train_accuracy_noisy_given",
    ],
    "calibration": ["test_ece_100", "test_ece_15", "test_nll"],
    "distillation": ["test_accuracy"],
}
_RATE = "noise.rate"


def part_texts(setting: Setting, chosen: Sequence[Candidate], can: Possible) -> dict[str, str]:
    """The recipe of each part as TOML. chosen: what the battery is about. can: what is compared."""
    taken = setting.document()
    return {part: _text(_document(part, taken, chosen, can)) for part in can.parts}


def _document(part: str, taken: Mapping[str, Any], chosen: Sequence[Candidate], can: Possible) -> dict[str, Any]:
    names = ", ".join(candidate.label for candidate in chosen)
    taught = part == "distillation"
    metrics = _METRICS[part]
    rates = {} if can.rates is None else {_RATE: list(can.rates) if part == "accuracy" else [MAIN_RATE]}
    axes = _axes(chosen)
    several = len(metrics) > 1
    return {
        "title": f"{_TITLES[part]}: {names}",
        **taken,
        "sweep": {**rates, **axes, "case": _teachers(chosen, can) if taught else _losses(chosen, can)},
        "report": {
            "rows": [*(rates if several else ()), *axes, "label"],
            "columns": ["metric"] if several else list(rates),
            "metrics": metrics,
        },
    }


def _axes(chosen: Sequence[Candidate]) -> dict[str, list[Any]]:
    """The parameters in which noise models or architectures differ, with their values; losses are cases."""
    first = chosen[0]
    if first.kind is LOSS:
        return {}
    return {
        f"{first.kind.section}.{name}": _distinct(candidate.params[name] for candidate in chosen)
        for name in first.varied
    }


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Values, which may be lists, each once."""
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _own(chosen: Sequence[Candidate]) -> dict[str, dict[str, Any]]:
    """The losses among the candidates, by label."""
    return {candidate.label: candidate.section() for candidate in chosen if candidate.kind is LOSS}


def _losses(chosen: Sequence[Candidate], can: Possible) -> list[dict[str, Any]]:
    losses = [*_own(chosen).items(), (BASELINE, {"name": BASELINE})]
    losses += [
        (f"{label} α={alpha:g}", {"name": name, "alpha": alpha})
        for label, name in can.methods.items()
        for alpha in ALPHAS
    ]
    return [{"label": label, "loss": section} for label, section in losses]


def _teachers(chosen: Sequence[Candidate], can: Possible) -> list[dict[str, Any]]:
    """Students that learn by plain cross-entropy from teachers of each loss."""
    losses = {**_own(chosen), BASELINE: {"name": BASELINE}}
    for label in TEACHERS:
        if label in can.methods:
            losses[f"{label} α={TAUGHT_ALPHA:g}"] = {"name": can.methods[label], "alpha": TAUGHT_ALPHA}
    return [
        {"label": label, "loss": {"name": BASELINE}, "teacher.loss": section} for label, section in losses.items()
    ]


def _text(document: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {toml_text(value)}\n" for key, value in document.items())
