"""A plugin that kills the whole process group at a chosen moment, and the recipes of the runs that are killed.

The plugin is installed into a folder on ``PYTHONPATH``; its orders lie in a file beside the recipes. It changes no
code of lsn's: it wraps what lsn calls (the commit of the database's driver, fsync, rename), and its losses take a
little time, so that there is a middle of a run to be killed in.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from survival_data import draw

ORDERS = "fault.json"


@dataclass(frozen=True)
class Fault:
    """Kill at the ``number``-th time (in one process) that ``point`` is reached; ``wait`` seconds later.

    Points: ``commit`` and ``committed`` (the database), ``fsync`` (a file is written, the disk not asked),
    ``half`` (the file is cut in two first), ``replace`` and ``replaced`` (it has its name), ``evaluate``, ``step``
    and ``teacher`` (a step of the teacher).
    """

    point: str
    number: int
    wait: float = 0.0

    def order(self, folder: Path) -> None:
        (folder / ORDERS).write_text(json.dumps(asdict(self)))


#: How far to count at each point, so that most faults are reached before the runs are done.
REACH = {
    "commit": 12,
    "committed": 12,
    "fsync": 6,
    "half": 3,
    "replace": 4,
    "replaced": 4,
    "evaluate": 8,
    "step": 100,
    "teacher": 80,
}

PLUGIN = '''
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from lsncli import LossInfo, hookimpl

try:
    ORDER = json.loads(Path("fault.json").read_text())
except OSError:
    ORDER = {"point": None, "number": 0, "wait": 0.0}
COUNTS = {}


def kill():
    os.killpg(os.getpgid(0), signal.SIGKILL)


def reached(point):
    """Count; whether this is the moment."""
    COUNTS[point] = COUNTS.get(point, 0) + 1
    return ORDER["point"] == point and COUNTS[point] == ORDER["number"]


def at(point):
    if not reached(point):
        return
    if ORDER["wait"]:
        # In the middle of what comes next, not before it.
        threading.Thread(target=lambda: (time.sleep(ORDER["wait"]), kill()), daemon=True).start()
    else:
        kill()


def wrap(module, name, before, after=None):
    genuine = getattr(module, name)

    def wrapped(*args, **kwargs):
        before(*args)
        result = genuine(*args, **kwargs)
        if after is not None:
            after()
        return result

    setattr(module, name, wrapped)


def before_fsync(descriptor, *_):
    at("fsync")
    if reached("half"):
        os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
        kill()


wrap(os, "fsync", before_fsync)
wrap(os, "replace", lambda *_: at("replace"), lambda: at("replaced"))


def watch_database():
    from sqlalchemy.engine.default import DefaultDialect

    wrap(DefaultDialect, "do_commit", lambda *_: at("commit"), lambda: at("committed"))


watch_database()


def watch_evaluation():
    run = sys.modules["lsncli.engine.run"]
    if not hasattr(run, "watched"):
        run.watched = True
        wrap(run, "predict", lambda *_: at("evaluate"))


def loss_with(point, seconds):
    def build(params, context):
        def loss(logits, targets, inputs=None):
            from torch.nn import functional

            watch_evaluation()
            at(point)
            time.sleep(seconds)
            return functional.cross_entropy(logits.float(), targets, reduction="none")

        return loss

    return build


@hookimpl
def lsn_losses(register):
    register(LossInfo(name="paced", build=loss_with("step", 0.003)))
    register(LossInfo(name="paced-teacher", build=loss_with("teacher", 0.006)))
'''

SMALL = """\
title = "Small runs, in a stack"
seeds = [0, 1]
[data]
name = "drawn"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
hidden = [8]
[train]
steps = 200
batch_size = 20
evaluations = 8
[sweep]
"loss.name" = ["paced", "label-smoothing"]
"""

#: A residual network under augmentation; a student with its teacher; a transition matrix from another run.
LARGE = """\
title = "A residual network"
seeds = [0]
[data]
name = "drawn"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "resnet8"
[loss]
name = "paced"
[train]
steps = 60
batch_size = 20
evaluations = 4
augment = "crop-flip"
optimizer = { name = "sgd", lr = 0.05, momentum = 0.9 }
"""

TAUGHT = """\
title = "A student"
seeds = [0]
[data]
name = "drawn"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
hidden = [8]
[loss]
name = "paced"
[teacher]
loss = { name = "paced-teacher" }
[train]
steps = 150
batch_size = 20
evaluations = 5
"""

ESTIMATED = """\
title = "An estimated matrix"
seeds = [0]
[data]
name = "drawn"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
hidden = [8]
[loss]
name = "forward-correction"
transition = "estimated"
[transition]
[train]
steps = 200
batch_size = 20
evaluations = 8
"""

RECIPES = {"small.toml": SMALL, "large.toml": LARGE, "taught.toml": TAUGHT, "estimated.toml": ESTIMATED}


def install(folder: Path) -> Path:
    """Put the plugin into ``folder/site`` as an installer would, and the data into ``folder/data``; the site."""
    site = folder / "site"
    info = site / "deadly-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "deadly.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lsn]\ndeadly = deadly\n")
    draw(folder / "data")
    return site
