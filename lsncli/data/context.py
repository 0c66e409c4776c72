"""What the builder of a data set is told: where data lie, whether it may download, whom it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

#: Called with what is being done, how much is done and how much there is (0 where that is unknown).
Progress = Callable[[str, int, int], None]


def default_data_dir() -> Path:
    """The user's data folder for lsn, as the operating system has it; not created here."""
    import platformdirs

    return platformdirs.user_data_path("lsn", appauthor=False)


@dataclass(frozen=True, slots=True)
class DataContext:
    """Where a data set may read and write.

    data_dir: folder of data sets and their caches. download: whether the network may be used.
    progress: see :data:`Progress`; None for silence.
    """

    data_dir: Path = field(default_factory=default_data_dir)
    download: bool = False
    progress: Progress | None = None

    @property
    def cache_dir(self) -> Path:
        """Folder of decoded copies, which can be made again at any time."""
        return self.data_dir / "cache"

    @property
    def prepared_dir(self) -> Path:
        """Folder of the sets made by ``lsn data prepare``."""
        return self.data_dir / "prepared"

    def report(self, what: str, done: int, total: int = 0) -> None:
        """Tell the progress to whoever listens."""
        if self.progress is not None:
            self.progress(what, done, total)


@runtime_checkable
class TellsAvailability(Protocol):
    """What a ``DatasetInfo.build`` may offer beside being called.

    A builder without it counts as always available, like a data set that ships inside a package.
    """

    def available(self, data_dir: Path) -> bool:
        """Whether the data are on this machine, told without reading them."""
        ...


@runtime_checkable
class TellsImageShape(Protocol):
    """What a ``DatasetInfo.build`` may offer whose images have the size that a parameter says.

    The images of a builder without it are as its record says, whatever the parameters.
    """

    def image_shape(self, params: Any) -> tuple[int, int, int]:
        """Height, width and channels of the images, for validated parameters."""
        ...


@runtime_checkable
class NamesItsCopy(Protocol):
    """What a ``DatasetInfo.build`` may offer whose decoded copy depends on the parameters.

    The copy of a builder without it bears the data set's name, whatever the parameters.
    """

    def copy_name(self, params: Any) -> str:
        """The folder of the decoded copy in :attr:`DataContext.cache_dir`, for validated parameters."""
        ...
