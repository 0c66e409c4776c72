"""Where a database's weights and checkpoints are: a folder of its own, whatever other databases are near.

Two batches on one database tell each other what they train; two on different ones do not, and each would take what
the other is just writing for leftovers of a dead process. So the folder says whose it is, in a file that the first
``lsn run`` or ``lsn db merge`` leaves; an older folder without that file belongs to the first database that is
trained into.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from lsncli.store.location import Location

#: In the folder: the name of the database's file, or the server and the database on it.
OWNER = ".database"
_PORT = 5432


def checkpoint_dir(database: str) -> Path:
    """The folder of a database: beside a file (``results.checkpoints``), else in this folder (``lsn.checkpoints``).

    Where that is another database's (``lab.checkpoints`` of ``lab.db``, for ``lab.sqlite``), it is one whose name
    only this database gets. Nothing is made.
    """
    location = Location.parse(database)
    first, owner = _first(location), _identity(location)
    if not _is_others(first, location, owner):
        return first
    return first.with_name(f"{first.stem}-{hashlib.sha256(owner.encode()).hexdigest()[:8]}.checkpoints")


def keep_checkpoint_dir(database: str) -> Path:
    """As :func:`checkpoint_dir`; from now on the folder is this database's and no other's.

    A folder that cannot be written is told of when a run writes into it.
    """
    owner = _identity(Location.parse(database))
    folder = checkpoint_dir(database)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with (folder / OWNER).open("x", encoding="utf-8") as stream:
                stream.write(f"{owner}\n")
        except FileExistsError:
            if _owner(folder) != owner:
                if (other := checkpoint_dir(database)) != folder:
                    return other  # another batch has just been faster
                (folder / OWNER).write_text(f"{owner}\n", encoding="utf-8")
    return folder


def _first(location: Location) -> Path:
    path = location.path
    return path.with_name(f"{path.stem}.checkpoints") if path else Path("lsn.checkpoints")


def _identity(location: Location) -> str:
    if location.path is not None:
        return location.path.name
    assert location.url is not None
    url = location.url
    host = url.host or url.query.get("host") or ""
    return f"{host}:{url.port or url.query.get('port') or _PORT}/{url.database}"


def _owner(folder: Path) -> str | None:
    try:
        return (folder / OWNER).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _is_others(folder: Path, location: Location, owner: str) -> bool:
    said = _owner(folder)
    if said is None or said == owner:
        return False
    if location.path is None or "/" in said:
        return True
    # A database that was renamed has taken its folder along, or has left its name to this one.
    return Path(said).stem == location.path.stem and location.path.with_name(said).exists()
