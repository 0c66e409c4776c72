"""What the battery can be about: a loss, a noise model or an architecture; and which of them a name means."""

from __future__ import annotations

from dataclasses import dataclass

from lsncli.errors import LsnError, UnknownNameError, close_names
from lsncli.registry import Registry


@dataclass(frozen=True, slots=True)
class Kind:
    """One of them.

    word: of ``--kind``. component: the registry's name of the kind. section: a recipe's of such a component.
    baseline: the one that every battery has already, and why it is the subject of none.
    """

    word: str
    component: str
    section: str
    baseline: tuple[str, str] = ("", "")

    def subjects(self, components: Registry) -> list[str]:
        """The names of those that a battery can be about."""
        return [name for name in components.names(self.component) if name != self.baseline[0]]


BASELINE, NO_NOISE = "standard", "none"
LOSS = Kind("loss", "loss", "loss", (BASELINE, "is what the battery compares with"))
NOISE = Kind("noise", "noise model", "noise", (NO_NOISE, "leaves every label as it is"))
ARCHITECTURE = Kind("architecture", "architecture", "model")
KINDS = (LOSS, NOISE, ARCHITECTURE)

_WHERE = "lsn battery"
#: What is no subject of a battery but an option of one: kind of component → how it is given.
_OPTIONS = {
    "backend": "a backend is what a battery is trained on: lsn battery NAME --device {name}",
    "data set": "a data set is what a battery is trained on: lsn battery NAME --data {name}",
}


def kind_of(name: str, word: str | None, components: Registry) -> Kind:
    """The kind of the component ``name``; ``word`` is that of ``--kind``, None where nobody said.

    Raises :class:`LsnError` for a word that is no kind, a name that nobody registered, one of several kinds, and
    a baseline.
    """
    kind = _found(name, components) if word is None else _said(name, word, components)
    components.find(kind.component, name, where=_WHERE)
    if name == kind.baseline[0]:
        raise LsnError(f"{name!r} {kind.baseline[1]}", where=_WHERE, valid=kind.subjects(components))
    return kind


def _found(name: str, components: Registry) -> Kind:
    """The only kind with such a component."""
    found = [kind for kind in KINDS if name in components.names(kind.component)]
    if not found:
        raise _unknown(name, components)
    if len(found) > 1:
        raise LsnError(
            f"{name!r} is the name of {' and of '.join(map(_one, found))}",
            where=_WHERE,
            valid=[f"--kind {kind.word}" for kind in found],
            next=f"say which: lsn battery {name} --kind {found[0].word}",
        )
    return found[0]


def _said(name: str, word: str, components: Registry) -> Kind:
    """The kind that ``word`` means, if it has such a component or no other has."""
    kind = next((kind for kind in KINDS if kind.word == word), None)
    if kind is None:
        raise UnknownNameError.of("kind", word, [kind.word for kind in KINDS], where="--kind")
    others = [other for other in KINDS if name in components.names(other.component)]
    if others and kind not in others:
        raise UnknownNameError(
            f"unknown {kind.component} {name!r}",
            where=_WHERE,
            valid=kind.subjects(components),
            next=f"{name!r} is {' and '.join(map(_one, others))}: --kind {others[0].word}",
        )
    return kind


def _one(kind: Kind) -> str:
    return f"{'an' if kind.component[0] in 'aeiou' else 'a'} {kind.component}"


def _unknown(name: str, components: Registry) -> UnknownNameError:
    known = {kind: kind.subjects(components) for kind in KINDS}
    close = close_names(name, {each for names in known.values() for each in names}, 3)
    hints = [_told(each, [kind for kind in KINDS if each in known[kind]]) for each in close]
    other = next((kind for kind in _OPTIONS if name in components.names(kind)), None)
    said = (
        [_OPTIONS[other].format(name=name)] if other else [f"did you mean {' or '.join(hints)}?"] if hints else []
    )
    return UnknownNameError(
        f"unknown loss, noise model or architecture {name!r}",
        where=_WHERE,
        valid="; ".join(f"{_several(kind)} {', '.join(names)}" for kind, names in known.items()),
        next="; ".join([*said, *components.not_loaded()]) or None,
    )


def _told(name: str, kinds: list[Kind]) -> str:
    return f"{name!r} ({' or '.join(kind.component for kind in kinds)})"


def _several(kind: Kind) -> str:
    return f"{kind.component}{'es' if kind is LOSS else 's'}"
