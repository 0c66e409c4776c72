"""Writes the generated pages into ``docs/``, or with ``--check`` says which of them are out of date."""

from __future__ import annotations

import sys
from pathlib import Path

from reference_pages.pages import pages

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main(words: list[str]) -> int:
    """0, or with ``--check`` 1 if a page is not what the code says."""
    old = []
    for name, text in pages().items():
        path = DOCS / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        old.append(name)
        if "--check" not in words:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")
    if old and "--check" in words:
        print(f"out of date: {', '.join(old)}; write them with: python -m reference_pages", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
