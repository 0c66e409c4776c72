"""What of the battery a noise model and a data set allow, and why the rest is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsncli.battery.candidate import takes
from lsncli.battery.kinds import LOSS, NO_NOISE, NOISE, Kind
from lsncli.errors import LsnError
from lsncli.parameters import NoParams, parameter_names
from lsncli.registry import Registry

PARTS = ("accuracy", "denoising", "calibration", "distillation")
#: The part that needs to know which labels are wrong.
OF_WRONG_LABELS = "denoising"

#: Rates of the accuracy part: without noise, the paper's, and twice as much; the other parts have the paper's.
RATES = (0.0, 0.2, 0.4)
MAIN_RATE = 0.2

METHODS = {
    "label smoothing": "label-smoothing",
    "forward correction": "forward-correction",
    "backward correction": "backward-correction",
}
_CORRECTIONS = ("forward correction", "backward correction")


@dataclass(frozen=True, slots=True)
class Possible:
    """rates: of the accuracy part; None where the noise has none, and every part one column.

    methods: of the paper's, beside standard training; label → loss. noisy: whether the noise makes labels wrong.
    natural: whether they are wrong by nature, as far as anybody knows. notes: a sentence on all that is left out.
    """

    rates: tuple[float, ...] | None
    methods: Mapping[str, str]
    parts: tuple[str, ...]
    noisy: bool = True
    natural: bool = False
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> set[bool]:
        """Whether there are runs with wrong labels, without, or both; told by True and False."""
        if self.natural:
            return {True}
        return {self.noisy} if self.rates is None else {self.noisy, *(rate != 0 for rate in self.rates)}


def possible(
    kind: Kind,
    noise: Mapping[str, Any],
    data: str,
    components: Registry,
    *,
    parts: Sequence[str] = (),
    rate_given: bool = False,
    true_labels: bool = True,
) -> Possible:
    """What can be compared under ``noise``, a recipe's section, on the data set ``data``.

    parts: those that are asked for, empty for all. rate_given: whether the rates are the user's own. true_labels:
    whether those of the training examples are known. Raises :class:`LsnError` for a part that is asked for and
    cannot be.
    """
    name = str(noise.get("name", NO_NOISE))
    rates = RATES if rate_given and has_rate(name, components) else rates_of(noise, components)
    notes = []
    if rates is not None and not rate_given and 0.0 not in rates:
        notes.append(f"There is no column without noise: {NOISE.component} {name!r} takes no rate of 0.")
    methods = METHODS
    # A loss is compared with the corrections of every α, whatever the noise; the paper's findings are about noise
    # that they correct.
    if kind is not LOSS and not _has_transition(name, components):
        methods = {label: loss for label, loss in METHODS.items() if label not in _CORRECTIONS}
        notes.append(
            f"{' and '.join(_CORRECTIONS).capitalize()} are left out: {NOISE.component} {name!r} has no transition"
            " matrix to correct for."
        )
    reason = _unknown_part(name, data, true_labels)
    if reason and OF_WRONG_LABELS in parts:
        raise LsnError(
            f"the part {OF_WRONG_LABELS!r} cannot be: {reason}",
            where=f"--part {OF_WRONG_LABELS}",
            valid=[part for part in PARTS if part != OF_WRONG_LABELS],
        )
    if reason and not parts:
        notes.append(
            f"The part {OF_WRONG_LABELS} (clean and noisy part of the training set) is left out: {reason}."
        )
    kept = [part for part in PARTS if part in (parts or PARTS) and not (reason and part == OF_WRONG_LABELS)]
    return Possible(rates, methods, tuple(kept), name != NO_NOISE, not true_labels, tuple(notes))


def has_rate(name: str, components: Registry) -> bool:
    """Whether the noise model has a parameter ``rate``."""
    if name not in components.names(NOISE.component):
        return False  # which is told where the section is read
    return "rate" in (parameter_names(components.get(NOISE.component, name).params) or ())


def rates_of(noise: Mapping[str, Any], components: Registry) -> tuple[float, ...] | None:
    """Those of the battery's rates that the noise takes; None if it has no rate, or takes not the paper's."""
    name = str(noise.get("name", NO_NOISE))
    if not has_rate(name, components):
        return None
    model = components.get(NOISE.component, name).params or NoParams
    params = {key: value for key, value in noise.items() if key not in ("name", "seed")}
    taken = tuple(rate for rate in RATES if takes(model, {**params, "rate": rate}, "rate"))
    return taken if MAIN_RATE in taken else None


def _has_transition(name: str, components: Registry) -> bool:
    return name not in components.names(NOISE.component) or bool(
        components.get(NOISE.component, name).has_transition
    )


def _unknown_part(noise: str, data: str, true_labels: bool) -> str:
    """Why the parts of the training set cannot be told apart; empty where they can."""
    if not true_labels:
        return f"nobody knows the true labels of data set {data!r}"
    return f"{NOISE.component} {noise!r} makes no label wrong" if noise == NO_NOISE else ""
