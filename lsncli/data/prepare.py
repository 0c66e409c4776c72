"""``lsn data prepare``: from a folder or an archive of images to a data set of one's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from lsncli.data import catalogue, stored
from lsncli.data.arrays import Arrays
from lsncli.data.context import DataContext
from lsncli.data.decoding import Collector, decode_all
from lsncli.data.label_list import read_label_list
from lsncli.data.labelled import arrange_labelled
from lsncli.data.layout import Layout, arrange
from lsncli.data.names import check_name
from lsncli.data.sources import DEFAULT_MAX_BYTES, Source, open_source
from lsncli.data.splits import SPLITS
from lsncli.data.stored import StoredMeta
from lsncli.errors import LsnError, UnknownNameError

#: Progress is told once per so many files: telling it costs more than reading a header.
_TELL_EVERY = 100
_MAX_SIZE = 4096

Outcome = Literal["prepared", "unchanged", "updated", "repaired", "replaced"]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What came of it. outcome: prepared (new), unchanged (the same was there), updated (same images,
    other declarations), repaired (same images, the files were damaged) or replaced (by force).
    notes: what the user should know and need not act on.
    """

    folder: Path
    meta: StoredMeta
    outcome: Outcome
    notes: tuple[str, ...] = ()


def prepare(
    name: str,
    path: Path,
    context: DataContext,
    *,
    stands_in_for: str | None = None,
    noisy_labels: bool = False,
    size: int | None = None,
    labels: Path | None = None,
    force: bool = False,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> Prepared:
    """Read ``path`` (see :data:`lsncli.data.layout.SHAPE`) and keep it decoded as data set ``name``.

    stands_in_for: the data set in whose place reports may show this one; of as many classes. noisy_labels: the
    training labels are noisy by nature, their true values unknown. What was declared of the same images before
    stays declared where nothing is said of it. size: crop and resize to size x size pixels. labels: a CSV file
    that names the images with their labels and splits; they may then lie anywhere in ``path`` (see
    :mod:`lsncli.data.label_list`). force: replace other content of the same name, and what was declared of it.
    max_bytes: most that the source may unpack to.

    Raises :class:`LsnError` for a name that cannot be had, a source that cannot be used (nothing is
    written then), and a folder that cannot be written.
    """
    _check_request(name, stands_in_for, size)
    notes = _unknown_original(stands_in_for, context) if stands_in_for else ()
    folder = context.prepared_dir / name
    existing = _existing(folder, force=force)
    if existing is not None and not force:
        _refuse_another_original(existing, stands_in_for, folder)
    listed = read_label_list(labels) if labels else ()
    source = open_source(path, max_bytes=max_bytes, every_file=labels is not None)
    stored.reserve(folder).rmdir()  # a folder that cannot be written shows now, not after the decoding
    listing = _telling(source.entries(), context, f"listing {path.name}")
    if labels:
        layout, left_out = arrange_labelled(listing, listed, path, labels)
        notes += _left_out(left_out, labels)
    else:
        layout = arrange(listing, path)
    if stands_in_for:
        _check_classes(len(layout.class_names), stands_in_for, context)
    arrays = _decode(source, layout, context, size=size, max_bytes=max_bytes, noisy_labels=noisy_labels)
    meta = stored.describe_arrays(name, arrays, source=path.resolve().name, stands_in_for=stands_in_for)
    if existing is None:
        return Prepared(folder, meta, _keep(folder, arrays, meta, None, force=force), notes)
    declared = meta if force else _declared_before(existing, meta)
    outcome = _keep(folder, arrays, declared, existing, force=force)
    return Prepared(folder, declared, outcome, (*notes, *_changes(existing, meta, declared)))


def fetch(name: str, context: DataContext) -> Arrays:
    """The registered data set ``name``, downloaded and decoded if need be and ``context`` allows it.

    A decoded copy whose digest is wrong is made again. Raises :class:`LsnError` for a name that nobody
    registered, and whatever loading it raises.
    """
    if not catalogue.is_registered(name):
        if (context.prepared_dir / name).is_dir():
            raise LsnError(
                f"data set {name!r} is prepared already, from files: there is nothing to download",
                where=str(context.prepared_dir / name),
                next=f"lsn data list shows it; to make it anew: lsn data prepare {name} SOURCE --force",
            )
        raise LsnError(
            f"there is no registered data set {name!r} to download",
            where="NAME",
            next=f"to make one of your own images: lsn data prepare {name} SOURCE (a folder or an archive)",
        )
    copy = context.cache_dir / name
    if copy.is_dir() and stored.problem(copy):
        shutil.rmtree(copy, ignore_errors=True)
    return catalogue.load(name, {}, context)


def _check_request(name: str, stands_in_for: str | None, size: int | None) -> None:
    check_name(name, where="NAME")
    if catalogue.is_registered(name):
        raise LsnError(
            f"{name!r} is the name of a registered data set, which has its own source",
            where="NAME",
            next=f"choose another name, and say --stands-in-for {name} if it is of the same kind",
        )
    if stands_in_for is not None:
        check_name(stands_in_for, where="--stands-in-for")
        if stands_in_for == name:
            raise LsnError(f"{name!r} cannot stand in for itself", where="--stands-in-for")
    if size is not None and not 1 <= size <= _MAX_SIZE:
        raise LsnError(f"images cannot be resized to {size} pixels", where="--size", valid=f"1 to {_MAX_SIZE}")


def _unknown_original(original: str, context: DataContext) -> tuple[str, ...]:
    """A note if nobody knows ``original`` here; it may be known on the machine that shows the report."""
    try:
        catalogue.describe(original, context.data_dir)
    except UnknownNameError as error:
        hint = f" ({error.next})" if error.next and error.next.startswith("did you mean") else ""
        return (f"{original!r} is not known here, so its number of classes was not compared{hint}",)
    return ()


def _left_out(images: int, labels: Path) -> tuple[str, ...]:
    """A note on images that a label file says nothing of."""
    if not images:
        return ()
    return (f"{images} image{'s' if images > 1 else ''} of the source not named in {labels.name}, and left out",)


def _check_classes(classes: int, original: str, context: DataContext) -> None:
    try:
        expected = catalogue.describe(original, context.data_dir).num_classes
    except UnknownNameError:
        return
    if expected is not None and expected != classes:
        raise LsnError(
            f"a set of {classes} classes cannot stand in for {original!r}, which has {expected}",
            where="--stands-in-for",
            next="leave the option out, or name a data set of as many classes",
        )


def _existing(folder: Path, *, force: bool) -> StoredMeta | None:
    """What the name holds already; a damaged record is an error unless it is to be replaced anyway."""
    if not folder.exists():
        return None
    try:
        return stored.read_meta(folder)
    except LsnError:
        if force:
            return None
        raise


def _decode(
    source: Source, layout: Layout, context: DataContext, *, size: int | None, max_bytes: int, noisy_labels: bool
) -> Arrays:
    counts = {split: len(layout.labels[split]) for split in SPLITS}
    collector = Collector(source.path, counts, max_bytes)
    images = decode_all(source.contents(layout.rows), size=size, source=source.path)
    done = 0
    for name, image in _telling(images, context, "decoding images", total=sum(counts.values())):
        collector.add(name, *layout.rows[name], image)
        done += 1
    if done != sum(counts.values()):
        raise LsnError(
            f"{source.path.name!r} changed while it was being read", where=str(source.path), next="try again"
        )
    return Arrays.of(
        collector.images["train"],
        layout.labels["train"],
        collector.images["test"],
        layout.labels["test"],
        layout.class_names,
        train_labels_clean=not noisy_labels,
    )


def _keep(folder: Path, arrays: Arrays, meta: StoredMeta, existing: StoredMeta | None, *, force: bool) -> Outcome:
    """Write what is new; the same content again costs nothing."""
    if existing is None:
        outcome: Outcome = "replaced" if folder.exists() else "prepared"
    elif existing.digest != meta.digest:
        if not force:
            raise LsnError(
                f"the data set {folder.name!r} exists with other content "
                f"(from {existing.source}, digest {existing.digest[:12]}…; now {meta.digest[:12]}…)",
                where=str(folder),
                next="choose another name, or replace it: --force",
            )
        outcome = "replaced"
    elif stored.problem(folder):
        outcome = "repaired"
    elif _declarations(existing) != _declarations(meta):
        stored.save_meta(folder, meta)
        return "updated"
    else:
        return "unchanged"
    stored.save(folder, arrays, meta)
    return outcome


def _refuse_another_original(existing: StoredMeta, stands_in_for: str | None, folder: Path) -> None:
    before = existing.stands_in_for
    if stands_in_for is not None and before is not None and before != stands_in_for:
        raise LsnError(
            f"the data set {folder.name!r} was declared to stand in for {before!r}, not for {stands_in_for!r}",
            where="--stands-in-for",
            next="to change that: --force, with everything else that is to be declared",
        )


def _declared_before(existing: StoredMeta, meta: StoredMeta) -> StoredMeta:
    """``meta`` with what was declared before and is not said now: labels do not become clean by being left out."""
    return meta.model_copy(
        update={
            "stands_in_for": meta.stands_in_for or existing.stands_in_for,
            "noisy_labels": meta.noisy_labels or existing.noisy_labels,
        }
    )


def _changes(existing: StoredMeta, said: StoredMeta, meta: StoredMeta) -> list[str]:
    """What the user should know of preparing ``existing`` again: ``said`` on the command line, ``meta`` is kept."""
    kept = [word for word in _declarations(meta) if word not in _declarations(said)]
    gone = [word for word in _declarations(existing) if word not in _declarations(meta)]
    new = [word for word in _declarations(meta) if word not in _declarations(existing)]
    notes = []
    if kept:
        notes.append(f"still declared, from before: {' '.join(kept)} (--force without it takes it away)")
    if gone:
        notes.append(f"no longer declared: {' '.join(gone)}")
    if new:
        notes.append(f"newly declared: {' '.join(new)}")
    if existing.digest != meta.digest:
        notes.append(
            f"stored runs of {meta.name} remain those of the old contents (digest {existing.digest[:12]}…): their"
            " keys hold the name alone; lsn run --force trains them anew"
        )
    return notes


def _declarations(meta: StoredMeta) -> list[str]:
    """What is declared of a set, as the options that declare it."""
    original = [f"--stands-in-for {meta.stands_in_for}"] if meta.stands_in_for else []
    return original + (["--noisy-labels"] if meta.noisy_labels else [])


def _telling(items: Iterable[_T], context: DataContext, what: str, *, total: int = 0) -> Iterator[_T]:
    """``items``, telling how many have passed."""
    done = 0
    for item in items:
        yield item
        done += 1
        if done % _TELL_EVERY == 0:
            context.report(what, done, total)
    context.report(what, done, total)
