"""Which class the asymmetric noise moves each class to: CIFAR's maps by class name, or given pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsncli.noise.cifar import CIFAR10, CIFAR10_MAP, CIFAR100, CIFAR100_MAP
from lsncli.noise.params import Pairs

INSIST = 'say map = "cifar10", map = "cifar100", or map = [[from, to], ...]'


@dataclass(frozen=True, slots=True)
class NamedMap:
    """A map between classes by name, and the classes in their usual order."""

    names: tuple[str, ...]
    partners: dict[str, str]

    def fits(self, class_names: Sequence[str]) -> bool:
        """Whether the data has exactly these classes, in any order."""
        return sorted(map(_plain, class_names)) == sorted(map(_plain, self.names))

    def indices(self, class_names: Sequence[str]) -> dict[int, int]:
        """The map by index, for classes in the order of ``class_names`` (or the usual one if they do not fit)."""
        order = class_names if self.fits(class_names) else self.names
        index = {_plain(name): i for i, name in enumerate(order)}
        return {index[_plain(a)]: index[_plain(b)] for a, b in self.partners.items()}


#: Longest name first: "cifar100" begins with "cifar10".
NAMED_MAPS = {"cifar100": NamedMap(CIFAR100, CIFAR100_MAP), "cifar10": NamedMap(CIFAR10, CIFAR10_MAP)}


def resolve_map(
    wanted: str | Pairs, dataset: str, num_classes: int | None, class_names: Sequence[str] = ()
) -> dict[int, int]:
    """The map by class index.

    ``wanted`` is "cifar10", "cifar100", pairs, or "auto": the CIFAR whose class names the data has, else the
    one whose name the data set's begins with. ``num_classes`` None (not known yet) is not checked.

    Raises ValueError if no map is known for the data or it does not fit the number of classes.
    """
    if not isinstance(wanted, str):
        return _given(wanted, num_classes)
    name = _choose(dataset, class_names) if wanted == "auto" else wanted
    if name is None:
        raise ValueError(f"no class map is known for data set {dataset!r}: {INSIST}")
    named = NAMED_MAPS[name]
    if num_classes not in (None, len(named.names)):
        raise ValueError(
            f"the map {name!r} is for {len(named.names)} classes, but the data has {num_classes}: {INSIST}"
        )
    return named.indices(class_names)


def _choose(dataset: str, class_names: Sequence[str]) -> str | None:
    for name, named in NAMED_MAPS.items():
        if named.fits(class_names):
            return name
    for name, named in NAMED_MAPS.items():
        if dataset.lower().startswith(name):
            if any(not label.isdigit() for label in class_names):
                raise ValueError(
                    f"data set {dataset!r} has other class names than {', '.join(named.names[:3])}, …: {INSIST}"
                )
            return name
    return None


def _given(pairs: Pairs, num_classes: int | None) -> dict[int, int]:
    if num_classes is not None:
        outside = [index for pair in pairs for index in pair if index >= num_classes]
        if outside:
            raise ValueError(f"map names class {outside[0]}, but the data has classes 0 to {num_classes - 1}")
    return dict(pairs)


def _plain(name: str) -> str:
    """A class name without the differences between copies of a data set: case, underscores, hyphens."""
    return name.lower().replace("_", " ").replace("-", " ").strip()
