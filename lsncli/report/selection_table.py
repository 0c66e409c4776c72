"""The choices of a recipe as a table: what is selected in every setting, beside the best and the worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsncli.report import statistics
from lsncli.report.listing import Column, Listing, Value
from lsncli.report.selection import Choice, Option, Selection
from lsncli.report.wording import key_words, value_words

ABOUT = "Selected: the highest mean validation accuracy, against noisy labels, over n seeds."
NOTES = (
    "Validation: the selected one's accuracy in %; like it: the values that cannot be told from it (paired t-test"
    " over the seeds, p ≥ 0.05, from 3 seeds on).",
    "The other numbers are test accuracies in %, against the labels that the test images have, which the choice did"
    " not see: mean ± sample standard deviation (ddof 1). Lost: by the selected against the best, paired over"
    " seeds; the best was picked by its test accuracy, so that it is flattered.",
    "Seed by seed: what is selected with one run of each, how often, and what is lost then.",
)


COLUMNS = ("selected", "validation", "best", "worst", "lost", "seed by seed", "n")


def selection_table(selection: Selection, notes: Sequence[str] = ()) -> Listing:
    """The table of ``selection``; its JSON has every option of every setting, with the values of each seed."""
    said = [f"Train the missing runs: {selection.fill}"] if selection.fill else []
    return Listing(
        title=selection.title,
        number=None,
        about=f"Profile {selection.profile}. {ABOUT}",
        columns=(
            *(Column(key_words(key)) for key in selection.place_keys),
            *(Column(name, True) for name in COLUMNS),
        ),
        rows=tuple(_row(choice, selection.place_keys) for choice in selection.choices),
        notes=(*selection.notes, *_all_warnings(selection), *NOTES, *notes, *said),
        profile=selection.profile,
        extra={"over": list(selection.over), "choices": [_plain(choice) for choice in selection.choices]},
    )


def _row(choice: Choice, place_keys: Sequence[str]) -> tuple[Value, ...]:
    place = tuple(value_words(choice.place.get(key)) for key in place_keys)
    if choice.selected is None or choice.best is None or choice.worst is None:
        return (*place, _nothing(choice), None, None, None, None, None, 0)
    selected = _told(choice.selected, choice)
    if choice.missing:
        selected = (*selected, f"of {len(choice.options)}, {choice.missing} missing")
    votes = tuple(f"{_short(option)}: {count}" for option, count in choice.votes())
    return (
        *place,
        selected,
        _validation(choice.selected, choice),
        _told(choice.best, choice),
        _told(choice.worst, choice),
        _spread(choice.lost()),
        (*votes, f"lost {_spread(choice.lost_alone())}"),
        len(choice.seeds),
    )


def _nothing(choice: Choice) -> str:
    """Why nothing is selected."""
    if choice.options:
        return "no common seed"
    return "diverged" if choice.unstable and not choice.missing else "missing"


def _validation(selected: Option, choice: Choice) -> tuple[str, ...]:
    spread = _spread([selected.by_seed[seed][0] for seed in choice.seeds])
    alike = choice.alike()
    return (spread, f"like it: {_listed(alike)}") if alike else (spread,)


def _all_warnings(selection: Selection) -> list[str]:
    """Each once, with the settings that it is about, where these are not all."""
    places: dict[str, list[str]] = {}
    known = [choice for choice in selection.choices if choice.options or choice.unstable]
    for choice in known:
        for warning in _warnings(choice):
            places.setdefault(warning, []).append(
                ", ".join(f"{key_words(key)} = {value_words(value)}" for key, value in choice.place.items())
            )
    return [
        warning if len(where) == len(known) else f"{'; '.join(where)}: {warning}"
        for warning, where in places.items()
    ]


def _warnings(choice: Choice) -> list[str]:
    """What a reader should know before acting on the choice."""
    said = []
    if len(equals := choice.equals()) > 1:
        said.append(f"{_listed(equals)} have the same validation accuracy; the first is taken.")
    if choice.selected is not None and (end := choice.at_an_end()):
        said.append(f"{_name(choice.selected)} is the {end} value tried: sweep others beyond it.")
    said += [
        f"{_name(option)}: {len(option.diverged)} of {option.planned} runs diverged, so it is not chosen from."
        for option in choice.unstable
    ]
    if choice.left_out:
        seeds, one = ", ".join(map(str, choice.left_out)), len(choice.left_out) == 1
        said.append(
            f"Seed {seeds} is not compared, as some value has no run of it."
            if one
            else f"Seeds {seeds} are not compared, as some value has no run of them."
        )
    if choice.selected is not None and choice.alike() is None:
        said.append("Fewer than 3 seeds: whether the choice is more than chance cannot be told.")
    return said


def _told(option: Option, choice: Choice) -> tuple[str, ...]:
    return _name(option), _spread(option.test(choice.seeds))


def _name(option: Option) -> str:
    return ", ".join(f"{key_words(key)} = {value_words(value)}" for key, value in _said(option).items())


def _short(option: Option) -> str:
    """The values alone."""
    return ", ".join(map(value_words, _said(option).values()))


def _said(option: Option) -> Mapping[str, Any]:
    """The keys that ``option`` has a value of: cross-entropy has no α."""
    return {key: value for key, value in option.value.items() if value is not None} or option.value


def _listed(options: Sequence[Option]) -> str:
    """Their values, parted by semicolons where one option has several."""
    return ("; " if any(len(_said(option)) > 1 for option in options) else ", ").join(map(_short, options))


def _spread(values: Sequence[float]) -> str:
    mean, std = statistics.mean(values), statistics.sample_std(values)
    told = "" if mean is None else f"{100 * mean:.2f}"
    return told if std is None else f"{told} ± {100 * std:.2f}"


def _plain(choice: Choice) -> dict[str, Any]:
    def named(option: Option | None) -> dict[str, Any] | None:
        return None if option is None else dict(option.value)

    return {
        "setting": dict(choice.place),
        "seeds": list(choice.seeds),
        "selected": named(choice.selected),
        "best": named(choice.best),
        "worst": named(choice.worst),
        "lost": choice.lost(),
        "selected_alone": [named(option) for option in choice.chosen_alone],
        "lost_alone": choice.lost_alone(),
        "missing": choice.missing,
        "diverged": [{"value": dict(option.value), "seeds": list(option.diverged)} for option in choice.unstable],
        "options": [
            {
                "value": dict(option.value),
                "validation_accuracy": [option.by_seed[seed][0] for seed in choice.seeds],
                "test_accuracy": option.test(choice.seeds),
            }
            for option in choice.options
        ],
    }
