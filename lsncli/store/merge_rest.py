"""What else than runs comes from another database: computations, and which data set stands in for which."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from lsncli.store import array_codec
from lsncli.store.computations import digest
from lsncli.store.failures import explained
from lsncli.store.merge_decision import Prefer
from lsncli.store.merge_report import SourceReport
from lsncli.store.models import computation, stand_in
from lsncli.store.stored_values import read_text
from lsncli.store.upsert import upsert
from lsncli.store.whole_run import MISREADINGS, undecoded


@dataclass(slots=True)
class Rest:
    """One pass over the sources; what ours holds after each of them is remembered, written or not."""

    prefer: Prefer
    write: bool
    _computed: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    _real: dict[str, str] = field(default_factory=dict)

    def bring_computations(
        self, theirs: Connection, ours: Connection | None, shown: str, report: SourceReport
    ) -> None:
        """Add what ours lacks; of one computation with two results, the preferred one."""
        names = select(computation.c.name, computation.c.digest).order_by(computation.c.name, computation.c.digest)
        with explained(shown):
            rows = theirs.execute(names).all()
        for name in rows:
            with explained(shown):
                row, why = read_computation(theirs, *name)
            if row is None:
                report.refused.append((f"computation {name[0]}", str(why)))
                report.computations["refused"] += 1
                continue
            word = self._word(ours, (row["name"], row["digest"]), _made(row))
            report.computations[word] += 1
            if word in ("added", "replaced"):
                self._computed[row["name"], row["digest"]] = _made(row)
                if self.write and ours is not None:
                    upsert(ours, computation, [row])

    def _word(self, ours: Connection | None, name: tuple[str, str], made: tuple[str, datetime]) -> str:
        mine = self._computed.get(name)
        if mine is None and ours is not None:
            row, why = read_computation(ours, *name)
            if why is not None and why != _ABSENT:
                return "replaced"  # ours cannot be read any more
            mine = None if row is None else _made(row)
        if mine is None:
            return "added"
        if mine[0] == made[0]:
            return "same"
        newer = self.prefer == "newer" and made[1] > mine[1]
        return "replaced" if self.prefer == "theirs" or newer else "kept"

    def bring_stand_ins(
        self, theirs: Connection, ours: Connection | None, shown: str, report: SourceReport
    ) -> None:
        """Add what ours does not say; where it says otherwise, it stays."""
        columns = select(stand_in.c.name, stand_in.c.stands_in_for).order_by(stand_in.c.name)
        if ours is not None:
            self._real.update({name: real for name, real in ours.execute(columns) if _are_texts(name, real)})
        with explained(shown):
            rows = theirs.execute(columns).all()
        for name, real in rows:
            if not _are_texts(name, real):
                report.refused.append((f"stand-in {name}", "a name is no text"))
                continue
            mine = self._real.get(name)
            if mine is None:
                report.stand_ins["added"] += 1
                self._real[name] = real
                if self.write and ours is not None:
                    ours.execute(insert(stand_in).values(name=name, stands_in_for=real))
            elif mine == real:
                report.stand_ins["same"] += 1
            else:
                report.stand_ins["kept"] += 1
                report.notes.append(f"data set {name} stands in for {mine} here, for {real} there: ours stays")


def _are_texts(*values: object) -> bool:
    return all(isinstance(value, str) for value in values)


_ABSENT = "it is not there"


def read_computation(connection: Connection, name: str, key: str) -> tuple[dict[str, Any] | None, str | None]:
    """One computation, or what is wrong with it."""
    query = select(computation).where(computation.c.name == name, computation.c.digest == key)
    try:
        found = connection.execute(query).first()
        if found is None:
            return None, _ABSENT
        row = dict(found._mapping)
        read_text(row["name"], "computation")
        if row["created_at"] is None:
            return None, "nothing says when it was made"
        if digest(row["params"]) != row["digest"]:
            return None, "its digest is not that of its parameters"
    except MISREADINGS as error:
        return None, f"its row cannot be read ({error})"
    why = undecoded(row["dtype"], row["shape"], row["data"])
    return (row, None) if why is None else (None, f"its array cannot be decoded ({why})")


def _made(row: dict[str, Any]) -> tuple[str, datetime]:
    """What tells one result of a computation from another, whatever it was compressed by, and when it was made."""
    values = array_codec.decode(row["dtype"], row["shape"], row["data"])
    state = hashlib.sha256(f"{row['dtype']} {row['shape']}\n".encode())
    state.update(values.tobytes())
    return state.hexdigest(), row["created_at"]
