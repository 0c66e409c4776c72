"""The base class of every component's parameters, and their validation into clear messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from lsncli.errors import LsnError, close_names
from lsncli.exact_types import mistyped
from lsncli.toml_text import toml_text


class Params(BaseModel):
    """Parameters of a component: unknown names are refused, values cannot change afterwards.

    Describe each field with ``pydantic.Field(description=…)``: ``lsn plugins show`` prints it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NoParams(Params):
    """For components without parameters."""


def validate(
    model: type[BaseModel],
    values: Mapping[str, Any],
    *,
    where: str | Callable[[str], str],
    subject: str,
    context: Any = None,
) -> BaseModel:
    """Validate ``values`` by ``model``; raise one :class:`LsnError` that names every wrong key.

    ``where`` is the place of the values (file and section), or tells it for the parameter that is wrong (``""``
    where it is not a single one). ``subject`` is what they belong to (``"loss 'label-smoothing'"``). ``context``
    reaches the model's validators, for example the folder that relative paths start from.
    """

    def place(parameter: str) -> str:
        return where if isinstance(where, str) else where(parameter)

    # A third party's model may ignore unknown keys by pydantic's default; a typo must never pass.
    unknown = sorted(set(values) - accepted_names(model))
    if unknown and model.model_config.get("extra") != "allow":
        raise LsnError(
            f"{subject} has no parameter {', '.join(repr(u) for u in unknown)}",
            where=place(unknown[0]),
            valid=describe_fields(model),
            next=_nearest(unknown[0], accepted_names(model)),
        )
    if wrong := list(mistyped(model, values)):
        told = "; ".join(f"{name}: {expected} is expected (given: {given!r})" for name, expected, given in wrong)
        raise LsnError(
            f"{subject}: {told}",
            where=place(wrong[0][0] if len(wrong) == 1 else ""),
            valid=describe_fields(model),
        )
    try:
        return model.model_validate(dict(values), context=context)
    except ValidationError as error:
        raise LsnError(
            f"{subject}: {explain(error)}",
            where=place(_only_parameter(error)),
            valid=_ranges(model, error) or describe_fields(model),
        ) from None
    except LsnError:
        raise
    except Exception as error:
        raise LsnError(
            f"{subject}: its parameters could not be checked ({type(error).__name__}: {error})",
            where=place(""),
            next="a mistake in the component's own validators; tell its author",
        ) from error


def parameter_names(model: type[BaseModel] | None) -> set[str] | None:
    """The names under which ``model`` takes its fields; None where it takes any."""
    model = model or NoParams
    return None if model.model_config.get("extra") == "allow" else accepted_names(model)


def check_defaults(model: type[BaseModel] | None, subject: str) -> None:
    """Raise ValueError (or TypeError) if ``model`` is no pydantic model, or refuses a default of its own.

    pydantic takes defaults as they are, so that a wrong one would go unnoticed until something is trained.
    """
    if model is None:
        return
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        raise TypeError(f"{subject}: params must be a pydantic model, not {model!r}")
    for inner in (model, *_models_within(model)):
        for name, field in inner.model_fields.items():
            _check_written(name, field, subject)
    defaults = {
        recipe_name(name, field): default_of(field)
        for name, field in model.model_fields.items()
        if not field.is_required() and not is_computed(field)
    }
    try:
        model.model_validate(defaults, context={"base_dir": Path.cwd()})
    except ValidationError as error:
        # What is missing, or wrong only together (no place), the user of the component puts right.
        given = ("missing", "default_factory_not_called")
        wrong = [e for e in error.errors(include_url=False) if e["type"] not in given and e["loc"]]
        if wrong:
            place = ".".join(map(str, wrong[0]["loc"]))
            raise ValueError(f"{subject}: the default of {place} is wrong: {wrong[0]['msg']}") from None
    except Exception:  # noqa: BLE001 - a validator that relies on what is required here; it will be given
        return


def _check_written(name: str, field: FieldInfo, subject: str) -> None:
    """Raise ValueError where a run's spec would not have what the recipe says of the field."""
    if field.serialization_alias != field.validation_alias:
        # A run's key and its training would not mean the same parameter.
        raise ValueError(f"{subject}: {name} is read by one name and written by another; Field(alias=…) is both")
    if field.exclude or getattr(field, "exclude_if", None):
        # Two values would have one key, and training would be given the default.
        raise ValueError(
            f"{subject}: {name} is left out where it is written (exclude), and runs would not have it; every"
            " parameter belongs to a run's key"
        )


def _models_within(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The models that the fields of ``model`` are made of, at any depth."""
    found: list[type[BaseModel]] = []
    waiting: list[Any] = [field.annotation for field in model.model_fields.values()]
    while waiting:
        part = waiting.pop()
        waiting += get_args(part)
        if isinstance(part, type) and issubclass(part, BaseModel) and part is not model and part not in found:
            found.append(part)
            waiting += [field.annotation for field in part.model_fields.values()]
    return found


def recipe_name(name: str, field: FieldInfo) -> str:
    """What recipes and the specs of runs call the field ``name`` of a model: its alias, where it has one."""
    return field.alias or name


def accepted_names(model: type[BaseModel]) -> set[str]:
    """Every name by which a parameter of ``model`` may be meant, by an alias or in spite of it."""
    names = set(model.model_fields)
    return names | {recipe_name(name, field) for name, field in model.model_fields.items()}


def is_computed(field: FieldInfo) -> bool:
    """Whether the default of a field is computed from the fields before it, as pydantic can from 2.10 on."""
    return bool(getattr(field, "default_factory_takes_validated_data", False))


def default_of(field: FieldInfo) -> Any:
    """The default of a field; None where it has none of its own: a required one, or one that is computed."""
    if field.is_required() or is_computed(field):
        return None
    return field.get_default(call_default_factory=True)


#: Problems that pydantic tells in the words of Python, which a recipe has none of, by its name of them.
_IN_OUR_WORDS = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "dataclass_type"), "a table is expected"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list is expected, as in [1, 2]"),
}


def explain(error: ValidationError) -> str:
    """Every problem of a pydantic error, on one line, in the user's words."""
    problems = []
    for item in error.errors(include_url=False):
        place = ".".join(str(part) for part in item["loc"])
        message = _IN_OUR_WORDS.get(item["type"], item["msg"].removeprefix("Value error, "))
        message = message[:1].lower() + message[1:]
        given = item.get("input")
        shown = "" if item["type"] in ("missing", "value_error") or _long(given) else f" (given: {given!r})"
        problems.append(f"{place}: {message}{shown}" if place else f"{message}{shown}")
    return "; ".join(problems)


def describe_fields(model: type[BaseModel]) -> str:
    """The parameters of ``model`` with their defaults, on one line: ``alpha = 0.1, matrix (optional)``."""
    shown = []
    for name, field in model.model_fields.items():
        name, default = recipe_name(name, field), default_of(field)
        if default is None:
            shown.append(f"{name} ({'required' if field.is_required() else 'optional'})")
        else:
            shown.append(f"{name} = {toml_text(default)}")
    return ", ".join(shown) or "no parameters"


#: pydantic's names of a number that is out of its range.
_OUT_OF_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def _ranges(model: type[BaseModel], error: ValidationError) -> str | None:
    """The ranges of the parameters that are out of them; None where something else is wrong, too."""
    found = error.errors(include_url=False)
    if any(item["type"] not in _OUT_OF_RANGE or len(item["loc"]) != 1 for item in found):
        return None
    fields = {recipe_name(name, field): field for name, field in model.model_fields.items()}
    ranges = [_range(str(item["loc"][0]), fields.get(str(item["loc"][0]))) for item in found]
    return ", ".join(filter(None, ranges)) or None


def _range(name: str, field: FieldInfo | None) -> str | None:
    """``0 ≤ alpha < 1``, from the bounds that the field declares."""
    bounds = dict(_bounds(field.metadata)) if field else {}
    for inner in get_args(field.annotation) if field else ():
        bounds.update(_bounds(getattr(inner, "__metadata__", ())))
    lower = next(((bounds[key], sign) for key, sign in (("gt", "<"), ("ge", "≤")) if key in bounds), None)
    most = next(((bounds[key], sign) for key, sign in (("lt", "<"), ("le", "≤")) if key in bounds), None)
    upper = f" {most[1]} {_written(most[0])}" if most else ""
    if lower is None:
        return f"{name}{upper}" if upper else None
    bound, sign = lower
    least = _written(bound)
    return f"{least} {sign} {name}{upper}" if upper else f"{name} {'>' if sign == '<' else '≥'} {least}"


def _written(bound: float) -> str:
    """A bound without decimal places that it does not need, and with all that it has."""
    short = f"{bound:g}"
    return short if float(short) == bound else repr(bound)


def _bounds(metadata: Iterable[Any]) -> Iterator[tuple[str, float]]:
    for item in metadata:
        # Of an optional parameter they stand in a Field of the inner type.
        yield from _bounds(item.metadata) if isinstance(item, FieldInfo) else ()
        for key in ("gt", "ge", "lt", "le"):
            bound = getattr(item, key, None)
            if isinstance(bound, int | float):
                yield key, bound


def _only_parameter(error: ValidationError) -> str:
    """The parameter that is wrong; empty where several are, or only their combination is."""
    names = {str(item["loc"][0]) if item["loc"] else "" for item in error.errors(include_url=False)}
    return names.pop() if len(names) == 1 else ""


def _nearest(name: str, known: set[str]) -> str | None:
    close = close_names(name, known, 1)
    return f"did you mean {close[0]!r}?" if close else None


def _long(value: object) -> bool:
    return len(repr(value)) > 80
