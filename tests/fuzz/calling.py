"""``lsn`` called in this process, and its answer judged: a result or one message, without power over a terminal."""

from __future__ import annotations

import contextlib
import io
import re
from functools import cache
from typing import Any

#: Everything that a terminal obeys: C0 but for the line's end, DEL, C1. A table has no tabulators either.
_STEERS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class WrongAnswerError(Exception):
    """The command neither did its work nor refused it as a command must."""


@cache
def _command() -> Any:
    import typer.main

    from lsncli.cli.main import build_app

    return typer.main.get_command(build_app())


def call(*words: str, files: bool = False) -> str:
    """``accepted`` or ``refused``; raises what the command raises, or :class:`WrongAnswerError`.

    files: the answer is a file's content (CSV, JSON), where line ends inside a text may stay.
    """
    # As a terminal in a UTF-8 locale has them: what cannot be encoded ends the program.
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", newline="\n")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            _command().main(args=list(words), prog_name="lsn")
            status: Any = 0
        except SystemExit as ended:
            status = ended.code
        out.flush()
        err.flush()
    shown = out.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]
    told = err.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]
    if status not in (0, 1, 2):
        raise WrongAnswerError(f"exit status {status!r}: {told}")
    if "Traceback" in told or (status == 2 and not told.strip()):
        raise WrongAnswerError(f"exit status {status} and {told!r}")
    for text in (told, "" if files else shown):
        if steers := _STEERS.search(text):
            around = text[max(0, steers.start() - 60) : steers.end() + 20]
            raise WrongAnswerError(f"the output holds the control character {steers[0]!r}: {around!r}")
    return "refused" if status == 2 else "accepted"
