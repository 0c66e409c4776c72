"""Kill ``lsn run`` many times, and count how often what is left differs from a batch that was let be.

    uv run python tests/survival/kill_many.py --kills 100

Each batch trains eight runs (small ones in a stack, a residual network, a teacher and its student, a run with an
estimated transition matrix), is killed up to a dozen times, finished, and compared with an uninterrupted one: every
weight, every metric, every array, to the bit. Half of the batches train in worker processes, half in one process.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from pathlib import Path

from faults import install
from killing import MODES, Batch, Score, kill_one_batch, reference


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=100, help="at least so many kills")
    parser.add_argument("--seed", type=int, default=0, help="of the moments at which it is killed")
    parser.add_argument("--keep", type=Path, default=None, help="keep the folders here")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="lsn-kills-"))
    shared = folder / "shared"
    install(shared)
    dice, score = random.Random(arguments.seed), Score()
    expected = {mode: reference(folder / f"reference-{mode}", shared, mode) for mode in MODES}
    while score.total < arguments.kills:
        mode = list(MODES)[score.batches % len(MODES)]
        left, seconds = expected[mode]
        name = f"{mode}-{score.batches}"
        kill_one_batch(Batch(folder / name, shared, mode), left, seconds, 12, dice, score)
        print(f"{name}: {score.total} kills so far, {len(score.wrong)} differences", flush=True)
    for point, count in sorted(score.kills.items()):
        print(f"  {point}: {count}")
    print(f"{score.total} kills in {score.batches} batches; {len(score.wrong)} differences from the uninterrupted")
    print("\n".join(score.wrong))
    if arguments.keep is None and not score.wrong:
        shutil.rmtree(folder)
    return 1 if score.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
