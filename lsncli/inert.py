"""Text that is only text, wherever it is shown: names come from recipes, archives and other people's databases.

LaTeX, HTML and Markdown have escapes of their own in :mod:`lsncli.report.formats`.
"""

from __future__ import annotations

import re

#: What a terminal may obey (C0 but for the end of a line, DEL, C1), what breaks a line without looking like it,
#: what turns the direction of writing around, and halves of characters, which no UTF-8 stream can carry.
_OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

#: What JSON leaves as it is although a terminal, or an encoder, does not.
_NOT_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

#: What a spreadsheet takes for the beginning of a formula, in its usual and in its wide form.
_FORMULA = re.compile(r"[\s;]*[=+\-@＝＋－＠]|[\t\r\n;]")


def for_terminal(text: str) -> str:
    r"""``text`` with everything that a terminal would obey written out: ``\x1b[31m`` turns nothing red.

    Ends of lines stay; a tabulator becomes spaces.
    """
    return _OBEYED.sub(_written_out, text)


def for_json(document: str) -> str:
    """A JSON document that says the same, and has nothing in it that a terminal obeys or no stream can carry."""
    return _NOT_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def for_spreadsheet(text: str) -> str:
    """``text`` with an apostrophe in front where a spreadsheet would take it for a formula, and run it.

    What a terminal would obey is written out: such a file is printed as often as it is opened.
    """
    return for_terminal(f"'{text}" if _FORMULA.match(text) else text)


def _written_out(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\t":
        return "    "
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
