"""Every data set by name: the registered ones and those that the user has prepared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lsncli.components import DatasetInfo
from lsncli.data import stored
from lsncli.data.arrays import Arrays
from lsncli.data.context import DataContext, NamesItsCopy, TellsAvailability, TellsImageShape
from lsncli.errors import LsnError, UnknownNameError
from lsncli.parameters import NoParams, validate

if TYPE_CHECKING:
    from lsncli.registry import Registered

KIND = "data set"
_HINT = "to use images of your own: lsn data prepare NAME SOURCE"


@dataclass(frozen=True, slots=True)
class DataDescription:
    """A data set, as far as it can be told without reading it.

    image_shape: height, width, channels. available: whether it can be used on this machine without a
    download. origin: the distribution that registers it, or the file that it was prepared from.
    stands_in_for: the data set in whose place reports may show it. digest: of the decoded content, once
    there is one (see :func:`lsncli.data.arrays.content_digest`). Fields are None where only the data know.
    true_labels: False where the training labels are known to be noisy by nature.
    """

    name: str
    num_classes: int | None
    image_shape: tuple[int, int, int] | None
    class_names: tuple[str, ...]
    train_size: int | None
    test_size: int | None
    available: bool
    origin: str
    stands_in_for: str | None = None
    digest: str | None = None
    true_labels: bool = True


def is_registered(name: str) -> bool:
    """Whether a plugin (ours or another's) registers a data set ``name``."""
    from lsncli.registry import registry

    return name in registry().names(KIND)


def is_kept_on_disk(name: str) -> bool:
    """Whether the registered data set ``name`` is read from files that may be missing, unlike a package's own."""
    from lsncli.registry import registry

    builder: object = cast("DatasetInfo", registry().get(KIND, name)).build
    return isinstance(builder, TellsAvailability)


def copy_folder(name: str, params: Mapping[str, Any], context: DataContext) -> Path:
    """Where the decoded copy of the registered data set ``name`` is, or would be, for ``params``."""
    from lsncli.registry import registry

    info = cast("DatasetInfo", registry().get(KIND, name))
    builder: object = info.build
    if not isinstance(builder, NamesItsCopy):
        return context.cache_dir / name
    return context.cache_dir / builder.copy_name(_checked(info, params))


def image_shape(name: str, params: Mapping[str, Any], data_dir: Path | None) -> tuple[int, int, int] | None:
    """Height, width and channels of the images of ``name``, built with ``params``, without reading them.

    None where that is not known: of a set that is not on this machine (``data_dir`` None looks for none), or whose
    plugin is not installed. Raises :class:`LsnError` for a wrong parameter or a damaged record.
    """
    if not is_registered(name):
        folder = None if data_dir is None else _prepared_folder(name, data_dir)
        return None if folder is None else stored.read_meta(folder).image_shape
    from lsncli.registry import registry

    info = cast("DatasetInfo", registry().get(KIND, name))
    builder: object = info.build
    if isinstance(builder, TellsImageShape):
        return builder.image_shape(_checked(info, params))
    return info.image_shape


def cached_digest(folder: Path) -> str | None:
    """The digest that a decoded copy names; None where there is none, or a damaged one, which is made again."""
    try:
        return stored.read_meta(folder).digest
    except LsnError:
        return None


def describe(name: str, data_dir: Path, *, where: str | None = None) -> DataDescription:
    """The data set ``name``; a registered one goes before a prepared one of the same name.

    Raises :class:`UnknownNameError` if there is none (naming close matches), and :class:`LsnError` if its
    record on disk is damaged.
    """
    if is_registered(name):
        return _describe_registered(name, data_dir, where)
    folder = _prepared_folder(name, data_dir)
    if folder is None:
        raise UnknownNameError.of(KIND, name, _all_names(data_dir), where=where, next=_HINT)
    return _describe_prepared(folder, stored.read_meta(folder))


def has_true_labels(name: str, data_dir: Path) -> bool:
    """Whether the true training labels of ``name`` are known, as far as that can be told without reading it."""
    try:
        return describe(name, data_dir).true_labels
    except UnknownNameError:
        return True  # a report of runs from another machine


def known(data_dir: Path) -> list[DataDescription]:
    """Every registered and every prepared data set, by name.

    A prepared set whose record is damaged, and a registered one that cannot say whether it is there, are listed as
    not available, with the reason as their origin.
    """
    found = []
    for name in _all_names(data_dir):
        try:
            found.append(describe(name, data_dir))
        except LsnError as error:
            found.append(DataDescription(name, None, None, (), None, None, False, error.what))
    return found


def load(name: str, params: Mapping[str, Any], context: DataContext, *, where: str | None = None) -> Arrays:
    """The arrays of data set ``name``, built with ``params`` (validated here).

    Raises :class:`UnknownNameError`, and :class:`LsnError` for a wrong parameter or where the data are
    missing, damaged or cannot be downloaded.
    """
    subject, place = f"{KIND} {name!r}", where or "data"
    if not is_registered(name):
        describe(name, context.data_dir, where=where)
        validate(NoParams, params, where=place, subject=subject)
        return stored.load(context.prepared_dir / name)
    from lsncli.registry import registry

    info = cast("DatasetInfo", registry().get(KIND, name, where=where))
    arrays = info.build(_checked(info, params, place), context)
    if not isinstance(arrays, Arrays):
        raise LsnError(
            f"{subject} was built as {type(arrays).__name__}, not as lsncli.data.arrays.Arrays",
            next=f"tell the author of {registry().find(KIND, name).plugin.origin}",
        )
    return arrays


def stand_ins(data_dir: Path) -> dict[str, str]:
    """Every prepared set that stands in for another, and for which."""
    pairs = ((entry.name, entry.stands_in_for) for entry in known(data_dir))
    return {name: original for name, original in pairs if original is not None}


def on_disk(data_dir: Path) -> dict[str, Path]:
    """Every folder of decoded arrays, prepared or cached, by the name of its data set."""
    context = DataContext(data_dir)
    cached = {folder.name: folder for folder in _folders(context.cache_dir)}
    return dict(sorted((cached | _prepared(data_dir)).items()))


def _checked(info: DatasetInfo, params: Mapping[str, Any], where: str = "data") -> Any:
    return validate(info.params or NoParams, params, where=where, subject=f"{KIND} {info.name!r}")


def _describe_registered(name: str, data_dir: Path, where: str | None) -> DataDescription:
    from lsncli.registry import registry

    entry = registry().find(KIND, name, where=where)
    info = cast("DatasetInfo", entry.info)
    return DataDescription(
        name=name,
        num_classes=info.num_classes,
        image_shape=info.image_shape,
        class_names=info.class_names,
        train_size=info.train_size,
        test_size=info.test_size,
        available=_is_available(entry, data_dir),
        origin=str(entry.plugin.origin),
        digest=cached_digest(DataContext(data_dir).cache_dir / name),
    )


def _is_available(entry: Registered, data_dir: Path) -> bool:
    builder: object = entry.info.build
    try:
        return bool(builder.available(data_dir)) if isinstance(builder, TellsAvailability) else True
    except LsnError:
        raise
    except (Exception, SystemExit) as error:
        raise LsnError(
            f"{KIND} {entry.info.name!r} of {entry.plugin.origin} cannot say whether it is there:"
            f" {type(error).__name__}: {error}",
            next="tell its author; lsn --debug shows the traceback",
        ) from error


def _describe_prepared(folder: Path, meta: stored.StoredMeta) -> DataDescription:
    return DataDescription(
        name=folder.name,
        num_classes=len(meta.class_names),
        image_shape=meta.image_shape,
        class_names=meta.class_names,
        train_size=meta.train_size,
        test_size=meta.test_size,
        available=all((folder / f"{part}.npy").is_file() for part in stored.PARTS),
        origin=f"prepared from {meta.source}" + (" (noisy labels)" if meta.noisy_labels else ""),
        stands_in_for=meta.stands_in_for,
        digest=meta.digest,
        true_labels=not meta.noisy_labels,
    )


def _all_names(data_dir: Path) -> list[str]:
    from lsncli.registry import registry

    return sorted({*registry().names(KIND), *_prepared(data_dir)})


def _prepared(data_dir: Path) -> dict[str, Path]:
    return {folder.name: folder for folder in _folders(DataContext(data_dir).prepared_dir)}


def _prepared_folder(name: str, data_dir: Path) -> Path | None:
    # Looked up among the folders that are there: a name with a slash must not lead elsewhere.
    return _prepared(data_dir).get(name)


def _folders(parent: Path) -> list[Path]:
    """The data sets' folders in ``parent``; names with a dot are unfinished work."""
    stored.bring_back(parent)
    try:
        return sorted(f for f in parent.iterdir() if f.is_dir() and not f.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LsnError(
            f"cannot read the folder of data sets: {error.strerror or error}",
            where=str(parent),
            next="choose another folder: --data-dir DIR (or LSN_DATA_DIR)",
        ) from None
