"""One class for everything that a user can put right: what, where, what is valid, what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class LsnError(Exception):
    """A wrong request or an unusable input, told in one message (exit status 2).

    ``what`` is the problem in one sentence; ``where`` the file, line or key; ``valid`` what would have
    been accepted; ``next`` the step that helps. Only ``what`` is required.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        valid: str | Iterable[str] | None = None,
        next: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.valid = valid if valid is None or isinstance(valid, str) else ", ".join(valid)
        self.next = next
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        lines += [f"  {label}: {text}" for label, text in self.details()]
        return "\n".join(lines)

    def details(self) -> list[tuple[str, str]]:
        """The parts beyond ``what`` that are there, in reading order."""
        parts = (("where", self.where), ("valid", self.valid), ("next", self.next))
        return [(label, text) for label, text in parts if text]

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments: the default reduction would lose them between processes.
        return (_rebuild, (type(self), self.what, self.where, self.valid, self.next))


def _rebuild(cls: type[LsnError], what: str, where: str | None, valid: str | None, nxt: str | None) -> LsnError:
    return cls(what, where=where, valid=valid, next=nxt)


class EmptyDatabaseError(LsnError):
    """A database in which nothing has been stored yet, not even lsn's tables: no mistake where one only reports."""


def close_names(name: str, known: Iterable[str], count: int) -> list[str]:
    """At most ``count`` of the ``known`` names that ``name`` probably means; case does not matter."""
    by_lower = {other.lower(): other for other in sorted(known)}
    return [by_lower[close] for close in get_close_matches(name.lower(), by_lower, n=count, cutoff=0.5)]


class UnknownNameError(LsnError):
    """A name that nobody registered, with the close matches."""

    @classmethod
    def of(
        cls, kind: str, name: str, known: Iterable[str], *, where: str | None = None, next: str | None = None
    ) -> UnknownNameError:
        """Build the error for ``name``, suggesting what was probably meant."""
        known = sorted(known)
        close = close_names(name, known, 3)
        hint = f"did you mean {' or '.join(repr(c) for c in close)}?" if close else None
        return cls(
            f"unknown {kind} {name!r}",
            where=where,
            valid=known or "(none)",
            next="; ".join(part for part in (hint, next) if part) or None,
        )


class NoRunLeftError(UnknownNameError):
    """``--only`` leaves a recipe no run: no mistake where it leaves some to another of several recipes."""
