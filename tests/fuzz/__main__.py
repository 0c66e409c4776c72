"""``python -m tests.fuzz --kind recipe --cases 10000``: fuzz one kind, or all of them one after the other.

Exit status 1 if anything was found. What is found is printed with its smallest case as JSON; put that into
``tests/fuzz/corpus/KIND/NAME.json``, mend the defect, and the case is tried again in every run of the tests.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib import import_module

from tests.fuzz.driving import Kind, Tally, fuzz, replay

#: Kind → its module; imported when it is asked for, since not all of them need torch.
KINDS = {
    "recipe": "recipes",
    "option": "options",
    "database": "databases",
    "checkpoint": "checkpoints",
    "archive": "archives",
}


def main() -> int:
    """Read the command line and fuzz."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--kind", choices=KINDS, action="append", help="what to fuzz (repeatable; default: all)")
    parser.add_argument("--cases", type=int, default=10_000, help="new cases of each kind (default: 10000)")
    parser.add_argument("--seed", type=int, default=0, help="another number gives other cases (default: 0)")
    parser.add_argument("--quiet", action="store_true", help="tell only what was found and the sums")
    asked = parser.parse_args()
    defects = 0
    for name in asked.kind or KINDS:
        kind: Kind = import_module(f"tests.fuzz.{KINDS[name]}").KIND
        begun, used = time.monotonic(), time.process_time()
        old = replay(kind)
        _tell(f"{name}, corpus", old, set())
        told: set[str] = set()

        def teller(tally: Tally, name: str = name, told: set[str] = told) -> None:
            _tell(name, tally, told)
            if not asked.quiet:
                print(f"{name}: {tally.cases} cases, {len(tally.findings)} defects", file=sys.stderr, flush=True)

        tally = fuzz(kind, asked.cases, asked.seed, teller) if asked.cases else Tally()
        seconds, processor = time.monotonic() - begun, time.process_time() - used
        found = len(old.findings) + len(tally.findings)
        defects += found
        became = ", ".join(f"{count} {word}" for word, count in sorted(tally.outcomes.items()))
        print(
            f"{name}: {old.cases} of the corpus, {tally.cases} new cases ({became}); {found} defects; "
            f"{seconds:.0f} s, {processor:.0f} s of processor",
            flush=True,
        )
    return int(defects > 0)


def _tell(name: str, tally: Tally, told: set[str]) -> None:
    """Print what is new: a long run may be ended before its end."""
    for signature, finding in tally.findings.items():
        if signature not in told:
            told.add(signature)
            print(
                f"\n{name}: {signature}\n{finding.details}\ncase: {json.dumps(finding.case)[:20_000]}\n", flush=True
            )


if __name__ == "__main__":
    sys.exit(main())
