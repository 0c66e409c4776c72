"""From recipes to trained runs: plan the union, skip what is done, train and store the rest."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from lsncli.backends.interface import Backend
from lsncli.backends.selection import select_devices, select_precision
from lsncli.blame import blamed
from lsncli.data.catalogue import describe, has_true_labels, is_registered
from lsncli.data.context import DataContext
from lsncli.data.readiness import make_ready
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stack_kinds import stack_kind
from lsncli.errors import LsnError, NoRunLeftError, UnknownNameError
from lsncli.executors.foreign import ForeignExecutor
from lsncli.executors.interface import Control, Executor
from lsncli.executors.processes import usable_cores
from lsncli.hookspecs import DISTRIBUTION
from lsncli.noise.files import find_noise_files
from lsncli.parameters import NoParams
from lsncli.plan import Plan
from lsncli.recipe.loading import LoadedRecipe, Overrides, load
from lsncli.recipe.resolve import (
    Classes,
    ResolvedRecipe,
    refuse_unused_replacements,
    resolve,
    used_data,
)
from lsncli.registry import registry
from lsncli.store.location import Location

if TYPE_CHECKING:
    from lsncli.store import Store


def resolve_recipes(
    names: Sequence[str], overrides: Overrides, data_dir: Path, tell: Callable[[str], None] = lambda text: None
) -> list[ResolvedRecipe]:
    """Load and resolve recipes that train; raises :class:`LsnError` for the first mistake in any of them.

    ``--data`` applies to the recipes that use the data set, ``--only`` to those with such runs, and at least one
    must be there; ``tell`` is called for each recipe that ``--only`` leaves out.
    """
    loaded = [load(name, replace(overrides, shared=len(names) > 1)) for name in names]
    return resolve_loaded(loaded, overrides, data_dir, tell)


def resolve_loaded(
    loaded: Sequence[LoadedRecipe],
    overrides: Overrides,
    data_dir: Path,
    tell: Callable[[str], None] = lambda text: None,
) -> list[ResolvedRecipe]:
    """As :func:`resolve_recipes`, of recipes that are loaded already."""
    if not loaded:
        return []

    def classes(name: str) -> Classes:
        about = describe(name, data_dir)
        return about.num_classes, about.class_names

    def true_labels(name: str) -> bool:
        return has_true_labels(name, data_dir)

    def train_size(name: str) -> int | None:
        try:
            return describe(name, data_dir).train_size
        except UnknownNameError:
            return None

    refuse_unused_replacements(overrides, set().union(*map(used_data, loaded)))
    resolved: list[ResolvedRecipe] = []
    empty: list[NoRunLeftError] = []
    for recipe in loaded:
        try:
            resolved.append(resolve(recipe, classes=classes, true_labels=true_labels, train_size=train_size))
        except NoRunLeftError as error:
            empty.append(error)
    if not resolved:
        raise empty[0]
    for left_out in empty:
        tell(f"left out: {left_out.where} ({left_out.what})")
    return resolved


def plan_of(recipes: Sequence[ResolvedRecipe]) -> Plan:
    """The union of the recipes' runs; equal keys are one run."""
    plan = Plan()
    for recipe in recipes:
        for spec in recipe.specs():
            plan.add(spec, recipe.title)
    return plan


def fetch_data(plan: Plan, context: DataContext) -> None:
    """Get, decode and check the data sets, once, before several workers would.

    Raises :class:`LsnError` where one can neither be found nor downloaded, where its files are not what they were,
    or where a file that a noise model reads is missing: nothing has been trained yet.
    """
    # One set with other parameters is another set: another copy, which every worker would make for itself.
    # And that of finished runs which are read: their networks see images as their own training set normalises them.
    specs = [spec for run in plan for spec in (run.spec, *run.spec.dependencies())]
    needed = {(d.name, json.dumps(d.params, sort_keys=True)): d for d in (spec.data for spec in specs)}
    for spec in needed.values():
        name, params = spec.name, spec.params
        try:
            make_ready(name, params, context)
        except LsnError as error:
            others = [other.name for other in needed.values() if other.name != name]
            if others:
                without = f"without its runs: --only data.name={others[0]}"
                error.next = f"{error.next}; or {without}" if error.next else without
            raise
    find_noise_files(plan, context.data_dir)


#: The most runs of a small network that are trained in one step, where nobody says otherwise.
STACK_SIZE = 32


def choose_executor(name: str | None, replicas: str, settings: EngineSettings, plan: Plan) -> Executor:
    """The executor called ``name``, or else the one that suits the device and the number of runs.

    ``plan`` is the whole one, with what of it is done already: the choice, and with it the number of threads, must
    not depend on how much is left. ``replicas`` is how many of its runs are trained at once, ``auto`` for as many
    as suit. On a processor they are shared among worker processes, one for each core; on a GPU they take their
    steps together; of several GPUs, each has a worker process, and ``replicas`` is how many are trained at once on
    each. Small networks (:func:`~lsncli.engine.stack_kinds.stack_kind`) are trained in stacks. ``1`` trains run
    after run. Raises :class:`LsnError` for an unknown name, device or precision, or a wrong number.
    """
    backend, devices = select_devices(settings.device)
    select_precision(backend, settings.precision)
    count = None if replicas == "auto" else _positive(replicas)
    planned = len(plan)
    if name is None:
        gains = len(devices) > 1 or (backend.name == "cpu" and (count or usable_cores()) > 1)
        name = "processes" if gains and planned > 1 else "in-process"
    registered = registry().find("executor", name, where="--executor")
    info = registered.info
    model = info.params or NoParams
    chosen: dict[str, int | None] = {}
    # Even a single one: a stack of one is faster than the loop for large networks, and its numbers are those that
    # it has in any stack, so that a recipe that was narrowed by --only finds the same.
    stackable = "stack" in model.model_fields and any(stack_kind(run.spec) is not None for run in plan)
    sharing = 1
    if "workers" in model.model_fields:
        workers, sharing = _workers(count, backend, len(devices), stackable)
        # No more than there are runs, so that few runs have all cores; of the whole plan, because it decides how
        # many threads each worker has, which must be the same again when only a part of the plan is left.
        chosen["workers"] = max(1, min(workers, planned))
    elif count not in (None, 1) and planned > 1 and not stackable and not backend.parallel:
        raise LsnError(
            f"executor {name!r} trains one run at a time", where=f"--replicas {replicas}", valid="1 or auto"
        )
    if "replicas" in model.model_fields:
        chosen["replicas"] = count if count is None else -(-count // sharing)
    if stackable:
        chosen["stack"] = STACK_SIZE if count is None else -(-count // sharing)
    with blamed(registered, "--executor"):
        executor: Executor = info.build(model.model_validate(chosen), None)
    ours = registered.plugin.origin.distribution == DISTRIBUTION
    return executor if ours else ForeignExecutor(executor, registered)


def _workers(count: int | None, backend: Backend, devices: int, stackable: bool) -> tuple[int, int]:
    """The number of worker processes, and how many of them share ``count``, the runs that are trained at once."""
    if devices > 1 or backend.parallel:
        # A GPU by itself has one process, as each of several. Where a device gains nothing by training several
        # together, each has a process, as on a single device.
        each = 1 if count is None or stackable or backend.parallel else count
        return each * devices, each
    # Small runs beyond the cores go into stacks; of large ones, each gets a process.
    workers = count if count is not None and not stackable else min(count or usable_cores(), usable_cores())
    return workers, workers


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise LsnError(f"--replicas {text!r} is not a number of runs", valid="auto, or a whole number from 1 on")
    return int(text)


#: How often a batch waits for a database that another program keeps, each time for the database's timeout: ten
#: minutes, in which runs go on training.
WAITS = 20


def patient(tell: Callable[[str], None]) -> Callable[[int], bool]:
    """How long a batch waits for a locked database: a sweep of hours must not end for a backup of a minute.

    Once it has given up it waits for nothing more, and ends.
    """
    over = threading.Event()

    def wait(waits: int) -> bool:
        if waits >= WAITS:
            over.set()
        elif waits == 1 and not over.is_set():
            tell("the result database is locked by another program: waiting for it")
        return not over.is_set()

    return wait


#: Seconds in which a second signal is the first one again: ``timeout`` and ``uv run`` pass on to us what the
#: whole process group was sent.
ONE_SIGNAL = 0.5


@contextmanager
def stopping_on_signals(control: Control, tell: Callable[[], None]) -> Iterator[None]:
    """Turn the first Ctrl-C (or SIGTERM) into a request to stop; the second ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    asked_at: float | None = None

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked_at
        now = time.monotonic()
        if asked_at is not None:
            if now - asked_at < ONE_SIGNAL:
                return
            raise KeyboardInterrupt
        asked_at = now
        control.stop()
        control.interrupted = True
        tell()

    previous: dict[int, Any] = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def artifact_prefix(folder: Path, database: str) -> str | None:
    """The checkpoint folder relative to the database's folder, with ``/``; None if it is elsewhere."""
    path = Location.parse(database).path
    if path is None:
        return None
    relative = Path(os.path.relpath(folder.absolute(), path.absolute().parent)).as_posix()
    return None if relative.startswith("..") else relative


def remember_stand_ins(store: Store, stand_ins: dict[str, str]) -> None:
    """Store which data sets stand in for others, so that reports know it on any machine."""
    known = store.stand_ins()
    for name, other in stand_ins.items():
        if known.get(name) != other and not is_registered(name):
            store.set_stand_in(name, other)
