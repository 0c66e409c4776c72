"""What goes wrong in a plugin's own code is told as its, in one message; ``--debug`` shows the traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lsncli.errors import LsnError
from lsncli.registry import Registered


@contextmanager
def blamed(registered: Registered, where: str) -> Iterator[None]:
    """Turn what the code of ``registered`` raises within into a :class:`LsnError` that names its distribution.

    ``where`` is what has asked for the component. An error that is such a message already is passed on.
    """
    try:
        yield
    except LsnError:
        raise
    except (Exception, SystemExit) as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise LsnError(
            f"{registered.info.kind} {registered.info.name!r} of {registered.plugin.origin} failed: {told}",
            where=where,
            next="tell its author; lsn --debug shows the traceback",
        ) from error
