"""Parameters of the built-in noise models, validated while the plan is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from lsncli.matrices import TRANSITION_EXAMPLE, TransitionMatrix
from lsncli.parameters import Params

#: Strict: "0.2" and true are mistakes in a recipe, not numbers.
Rate = Annotated[float, Field(ge=0, lt=1, strict=True)]
Pairs = tuple[tuple[int, int], ...]


class NoiseParams(Params):
    """What every noise model with randomness can be told."""

    count: Literal["independent", "exact"] = Field(
        "independent",
        examples=["exact"],
        description='"independent": every label is drawn for itself; "exact": exactly the expected number of'
        " labels changes (rounded), chosen at random",
    )


class SymmetricParams(NoiseParams):
    """Symmetric noise, equation 3."""

    rate: Rate = Field(examples=[0.3], description="probability that a label becomes one of the other L-1 classes")


class UniformParams(NoiseParams):
    """Uniform replacement."""

    rate: Rate = Field(
        examples=[0.3],
        description="probability that a label is drawn anew from all L classes; it changes with rate (1 - 1/L)",
    )


class ClassConditionalParams(NoiseParams):
    """Noise with any transition matrix."""

    matrix: TransitionMatrix = Field(
        examples=[TRANSITION_EXAMPLE],
        description="T[i, j] = P(noisy j | true i): L rows of L numbers, or the path of a .csv, .json or .npy file",
    )


class PairParams(NoiseParams):
    """Pair noise."""

    rate: Rate = Field(
        examples=[0.3], description="probability that a label of class i becomes class i+1 (the last: class 0)"
    )


def read_pairs(value: Any) -> object:
    """Pairs of class indices (from, to) out of a list of pairs or a table, sorted; names pass through.

    Raises ValueError if an entry is not a pair of different class indices, or a class is mapped twice.
    """
    if isinstance(value, str):
        return value
    entries = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(entries, Sequence) or not entries:
        raise ValueError('a map is "auto", "cifar10", "cifar100", or pairs of class indices [[from, to], ...]')
    pairs = sorted(_pair(entry) for entry in entries)
    sources = [source for source, _ in pairs]
    if len(set(sources)) < len(sources):
        twice = next(source for source in sources if sources.count(source) > 1)
        raise ValueError(f"class {twice} is mapped twice")
    return tuple(pairs)


class AsymmetricParams(NoiseParams):
    """Asymmetric noise between similar classes."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rate": 0.3, "map": [[0, 1], [3, 2]]}]}  # of four classes
    )

    rate: Rate = Field(description="probability that a label of a mapped class becomes its partner")
    map: Annotated[
        Literal["auto", "cifar10", "cifar100"] | Pairs,
        BeforeValidator(
            read_pairs,
            json_schema_input_type=Literal["auto", "cifar10", "cifar100"] | list[list[int]] | dict[str, int],
        ),
    ] = Field(
        "auto",
        description="cifar10: truck to automobile, bird to airplane, deer to horse, cat and dog to each other;"
        " cifar100: to the next class of the same superclass; auto: whichever fits the data; or pairs of class"
        " indices, [[from, to], ...] or {from = to}",
    )


def _pair(entry: Any) -> tuple[int, int]:
    if not isinstance(entry, Sequence) or isinstance(entry, str) or len(entry) != 2:
        raise ValueError(f"{entry!r} is not a pair of class indices [from, to]")
    source, target = (_index(part) for part in entry)
    if source == target:
        raise ValueError(f"class {source} is mapped to itself")
    return source, target


def _index(value: object) -> int:
    # The keys of a TOML or JSON table are text.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"{value!r} is not a class index (0, 1, 2, ...)")
