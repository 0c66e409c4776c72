"""Values of a type that pydantic would convert in silence: the text ``"200"`` is no number, and ``true`` neither.

A recipe means what it says. pydantic's own strict mode would also refuse lists for tuples and text for paths, which
TOML cannot write otherwise; so only numbers, booleans and text are told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, PlainValidator, WrapValidator
from pydantic.fields import FieldInfo

#: Type → what one of it is called, and several.
_WORDS = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "true and false"),
}
#: What sees a value before pydantic does.
_VALIDATORS = (BeforeValidator, PlainValidator, WrapValidator)
_SEQUENCES = (list, tuple, set, frozenset)


def mistyped(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Name, what is expected, and value, of those that are of another type than their field.

    Fields and models whose own validators see the value first are passed over: these may take what they like.
    """
    decorators = model.__pydantic_decorators__
    if any(d.info.mode != "after" for d in decorators.model_validators.values()):
        return
    own = {name for d in decorators.field_validators.values() if d.info.mode != "after" for name in d.info.fields}
    for name, field in model.model_fields.items():
        for given in {name, field.alias or name} & values.keys():
            if not own & {name, "*"} and not _has_validators(field):
                expected = _expected(values[given], field.annotation)
                if expected is not None:
                    yield given, expected, values[given]


def _has_validators(field: FieldInfo) -> bool:
    return any(isinstance(item, _VALIDATORS) for item in field.metadata)


def _expected(value: Any, annotation: Any, *, many: bool = False) -> str | None:
    """What is expected in the place of ``value``; None where it may stand there, or where pydantic is to judge."""
    kinds = _kinds(annotation)
    if isinstance(value, list):
        inner = _expected_in(value, kinds[0]) if len(kinds) == 1 else None
        return inner and f"{'lists' if many else 'a list'} of {inner}"
    if not kinds or not set(kinds) <= _WORDS.keys() or not isinstance(value, str | bool | int | float):
        return None
    # A number with decimal places in the place of a whole one is pydantic's to judge: 2.0 is one.
    if type(value) in kinds or (type(value) in (int, float) and {int, float} & set(kinds)):
        return None
    words = dict.fromkeys(_WORDS[kind][many] for kind in kinds if not (kind is int and float in kinds))
    return " or ".join(words)


def _expected_in(values: list[Any], kind: Any) -> str | None:
    parts = [part for part in get_args(kind) if part is not Ellipsis] if get_origin(kind) in _SEQUENCES else []
    if len(parts) == 1:
        parts *= len(values)
    told = (_expected(value, part, many=True) for value, part in zip(values, parts, strict=False))
    return next((words for words in told if words), None)


def _kinds(annotation: Any) -> list[Any]:
    """The types that an annotation allows beside None; nothing of what has validators of its own."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return [object] if any(isinstance(item, _VALIDATORS) for item in metadata) else _kinds(inner)
    if get_origin(annotation) in (Union, UnionType):
        return [kind for inner in get_args(annotation) for kind in _kinds(inner)]
    return [] if annotation is NoneType else [annotation]
