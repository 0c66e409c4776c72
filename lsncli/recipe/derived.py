"""Settings of the runs that a run depends on: its teacher, and the run behind its transition matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsncli.recipe.loading import merge

#: Sections that belong to a run itself, as opposed to the runs that it depends on.
OWN_SECTIONS = ("data", "noise", "model", "loss", "train")


def teacher_settings(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The teacher's settings: the student's, changed by ``[teacher]``; None for a run without a teacher."""
    teacher = settings.get("teacher")
    return None if teacher is None else _changed(settings, teacher)


def estimated_run_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the run whose predictions ``[transition]`` reads: by default the same with plain
    cross-entropy, as Patrini et al. pre-train their network."""
    changes = settings.get("transition", {}).get("run", {})
    return _changed(settings, {"loss": {"name": "standard"}, **changes})


def _changed(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: settings[name] for name in OWN_SECTIONS if name in settings}
    return merge(own, {name: value for name, value in changes.items() if name in OWN_SECTIONS})
