"""Names of runs for people: as their specs say, with the defaults that matter written out."""

from __future__ import annotations

from string import Formatter

from lsncli.errors import LsnError
from lsncli.parameters import default_of, recipe_name
from lsncli.plan import ComponentSpec, RunSpec
from lsncli.registry import registry


def describe_run(spec: RunSpec) -> str:
    """One line: data, noise, model, loss with its α even where that is the default, seed."""
    update: dict[str, object] = {"loss": _spelt_out(spec.loss)}
    if spec.teacher is not None:
        update["teacher"] = spec.teacher.model_copy(update={"loss": _spelt_out(spec.teacher.loss)})
    return spec.model_copy(update=update).describe()


def _spelt_out(loss: ComponentSpec) -> ComponentSpec:
    """The loss with the default of every parameter that its label names (``LS α={alpha:g}``)."""
    try:
        info = registry().get("loss", loss.name)
    except LsnError:
        return loss  # of a plugin that is not installed here
    if info.params is None:
        return loss
    fields = info.params.model_fields
    named = [field for _, field, _, _ in Formatter().parse(info.label) if field is not None and field in fields]
    defaults = {recipe_name(name, fields[name]): default_of(fields[name]) for name in named}
    shown = {name: value for name, value in defaults.items() if value is not None and name not in loss.params}
    return loss.model_copy(update={"params": {**shown, **loss.params}})
