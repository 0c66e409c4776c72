"""The four parts of the battery as recipes, in the setting of a shipped recipe or one of the user's own.

A part takes data, architecture, training, seeds and profiles from its base recipe and sets the comparison itself.
With a shipped base, runs of the paper's methods therefore have the keys that they have in the paper's tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tomli

from lsncli.battery.candidate import BASELINE, Candidate
from lsncli.recipe.loading import read_source
from lsncli.recipe.other_data import kept_for
from lsncli.toml_text import toml_text

PARTS = ("accuracy", "denoising", "calibration", "distillation")

#: Rates of the accuracy part: without noise, the paper's, and twice as much; the other parts have the paper's.
RATES = (0.0, 0.2, 0.4)
MAIN_RATE = 0.2
#: α of the paper's methods: that of its tables, the one right for 20 % of noise, and one well above (section 4.1).
ALPHAS = (0.1, 0.2, 0.4)
#: α of the paper's teachers (Table 5).
TAUGHT_ALPHA = 0.1

METHODS = {
    "label smoothing": "label-smoothing",
    "forward correction": "forward-correction",
    "backward correction": "backward-correction",
}
TEACHERS = ("label smoothing", "forward correction")

#: Data set → shipped recipe with its setting; images of any other set are trained on as the paper's CIFAR.
DIGITS, DIGITS_BASE, IMAGES_BASE = "digits", "quickstart", "table7"

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
_TAKEN = ("seeds", "data", "noise", "model", "train", "distillation", "transition")


def part_texts(base: str, data: str | None, chosen: Sequence[Candidate], parts: Iterable[str]) -> dict[str, str]:
    """The recipe of each part as TOML. base: a recipe by name or path; data: a data set in place of its own."""
    taken = _taken(tomli.loads(read_source(base).text))
    own = taken["data"].get("name")
    if data is not None and own != data:
        taken["data"] = {**kept_for(data, taken["data"], own), "name": data}
        for profile in taken["profiles"].values():
            if isinstance(section := profile.get("data"), Mapping) and "name" not in section:
                profile["data"] = kept_for(data, section, own)
    return {part: _text(_document(part, taken, chosen)) for part in parts}


def _taken(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What a part has from the base recipe: no sweep of its own, no report, no place in the paper."""
    taken = {key: raw[key] for key in _TAKEN if key in raw}
    if "transition" not in taken:
        # For losses that estimate the matrix, as in Table 7; it is no part of any other run.
        table7 = tomli.loads(read_source(IMAGES_BASE).text)
        taken["transition"] = table7["transition"]
        smoke = {"transition": table7["profiles"]["smoke"]["transition"]}
        profiles = {**raw.get("profiles", {})}
        profiles["smoke"] = {**smoke, **profiles.get("smoke", {})}
        raw = {**raw, "profiles": profiles}
    taken["profiles"] = {
        name: {key: value for key, value in changes.items() if key in _TAKEN}
        for name, changes in raw.get("profiles", {}).items()
    }
    return taken


def _document(part: str, taken: Mapping[str, Any], chosen: Sequence[Candidate]) -> dict[str, Any]:
    names = ", ".join(candidate.label for candidate in chosen)
    taught = part == "distillation"
    metrics = _METRICS[part]
    return {
        "title": f"{_TITLES[part]}: {names}",
        **taken,
        "sweep": {
            "noise.rate": list(RATES) if part == "accuracy" else [MAIN_RATE],
            "case": _teachers(chosen) if taught else _losses(chosen),
        },
        "report": {
            "rows": ["noise.rate", "label"] if len(metrics) > 1 else ["label"],
            "columns": ["metric"] if len(metrics) > 1 else ["noise.rate"],
            "metrics": metrics,
        },
    }


def _losses(chosen: Sequence[Candidate]) -> list[dict[str, Any]]:
    own = [{"label": candidate.label, "loss": candidate.section()} for candidate in chosen]
    smeared = [
        {"label": f"{label} α={alpha:g}", "loss": {"name": name, "alpha": alpha}}
        for label, name in METHODS.items()
        for alpha in ALPHAS
    ]
    return [*own, {"label": BASELINE, "loss": {"name": BASELINE}}, *smeared]


def _teachers(chosen: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Students that learn by plain cross-entropy from teachers of each loss."""
    losses = {candidate.label: candidate.section() for candidate in chosen}
    losses[BASELINE] = {"name": BASELINE}
    for label in TEACHERS:
        losses[f"{label} α={TAUGHT_ALPHA:g}"] = {"name": METHODS[label], "alpha": TAUGHT_ALPHA}
    return [
        {"label": label, "loss": {"name": BASELINE}, "teacher.loss": section} for label, section in losses.items()
    ]


def _text(document: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {toml_text(value)}\n" for key, value in document.items())
