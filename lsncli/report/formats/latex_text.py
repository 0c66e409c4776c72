"""Text for LaTeX: any string becomes characters that are set as they are, and never a command.

The result needs no package, whatever the string holds, so that a report compiles in anyone's document.
"""

from __future__ import annotations

import unicodedata

from lsncli.report.wording import one_line

#: What means something to TeX, or would be set as something else. Brackets and stars are protected because a line
#: of a table may begin with them, where ``\\`` would take them for its own argument.
_ASCII = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\symbol{34}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
}

_SMALL_GREEK = frozenset(
    """
    alpha beta gamma delta epsilon zeta eta theta iota kappa mu nu xi pi rho sigma tau upsilon phi chi psi omega
    """.split()  # noqa: SIM905 - quotation marks would not help the eye
)
#: The capitals that are no Latin letters.
_CAPITAL_GREEK = frozenset("Gamma Delta Theta Xi Pi Sigma Upsilon Phi Psi Omega".split())  # noqa: SIM905

_SYMBOLS = {
    "−": r"\ensuremath{-}",
    "±": r"\ensuremath{\pm}",
    "·": r"\ensuremath{\cdot}",
    "×": r"\ensuremath{\times}",
    "÷": r"\ensuremath{\div}",
    "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}",
    "≠": r"\ensuremath{\ne}",
    "≈": r"\ensuremath{\approx}",
    "∞": r"\ensuremath{\infty}",
    "→": r"\ensuremath{\rightarrow}",
    "←": r"\ensuremath{\leftarrow}",
    "∈": r"\ensuremath{\in}",
    "√": r"\ensuremath{\surd}",
    "∑": r"\ensuremath{\sum}",
    "λ": r"\ensuremath{\lambda}",
    "Λ": r"\ensuremath{\Lambda}",
    "µ": r"\ensuremath{\mu}",
    "ᵀ": r"\ensuremath{^{\top}}",
    "⁻": r"\ensuremath{^{-}}",
    "‖": r"\ensuremath{\|}",
    "°": r"\ensuremath{^{\circ}}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "…": r"\ldots{}",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "§": r"\S{}",
    "©": r"\copyright{}",
    "ß": r"\ss{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "\u00a0": "~",
    "\u202f": r"\,",
}

#: Combining marks that every font encoding of LaTeX can set.
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}


def escape(text: str) -> str:
    """``text`` on one line, so that LaTeX shows it as it is.

    What LaTeX's default fonts cannot show (another script, an emoji) is written as its code point, ``[U+4E2D]``.
    """
    # A hyphen after another would become a dash: options of a command must stay what they are.
    plain = one_line(text)
    return "".join(
        "{}-" if character == "-" and plain[index - 1 : index] == "-" else _character(character)
        for index, character in enumerate(plain)
    )


def _character(character: str) -> str:
    if character in _ASCII:
        return _ASCII[character]
    if character.isascii():
        return character
    known = _SYMBOLS.get(character) or _greek(character) or _raised(character) or _accented(character)
    return known or f"{{[}}U+{ord(character):04X}{{]}}"


def _greek(character: str) -> str | None:
    name = unicodedata.name(character, "")
    small, capital = (name.removeprefix(f"GREEK {size} LETTER ") for size in ("SMALL", "CAPITAL"))
    if small.lower() in _SMALL_GREEK:
        return rf"\ensuremath{{\{small.lower()}}}"
    return rf"\ensuremath{{\{capital.capitalize()}}}" if capital.capitalize() in _CAPITAL_GREEK else None


def _raised(character: str) -> str | None:
    """Digits above or below the line."""
    kind, _, code = unicodedata.decomposition(character).partition(" ")
    if kind not in ("<super>", "<sub>") or not (digit := chr(int(code.split()[0], 16))).isdecimal():
        return None
    return rf"\ensuremath{{{'^' if kind == '<super>' else '_'}{{{digit}}}}}"


def _accented(character: str) -> str | None:
    """A Latin letter with one accent."""
    parts = unicodedata.normalize("NFD", character)
    letter, accent = parts[0], parts[1:]
    if accent not in _ACCENTS or not (letter.isascii() and letter.isalpha()):
        return None
    # i and j lose their dot under an accent.
    base = rf"\{letter}" if letter in "ij" and accent != "\u0327" else letter
    return rf"\{_ACCENTS[accent]}{{{base}}}"
