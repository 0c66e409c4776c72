"""The versions of what computes: lsn's own packages, and those that the loaded plugins ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import metadata

from lsncli.hookspecs import DISTRIBUTION

#: Of lsn's own requirements, those that its results may depend on.
OWN = ("numpy", "pydantic", "safetensors", "scikit-learn", "sqlmodel", "torch", "torchvision")


def package_versions(distributions: Iterable[str]) -> dict[str, str | None]:
    """Versions by name: of :data:`OWN`, and of what each of ``distributions`` requires directly.

    None for one of our own that is not installed. A requirement that is not installed, because it is of another
    system, say, is left out; and so is lsn itself, which has a place of its own in the provenance.
    """
    found = {name: _version(name) for name in OWN}
    for distribution in distributions:
        for name in _requirements(distribution):
            # Their metadata may spell a name in another way than ours, or each other's: torch_xla is torch-xla.
            normal = re.sub(r"[-_.]+", "-", name).lower()
            version = None if normal == DISTRIBUTION or normal in found else _version(normal)
            if version is not None:
                found[normal] = version
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except (metadata.PackageNotFoundError, KeyError, ValueError):
        # Not there, or with metadata that cannot be read.
        return None


def _requirements(distribution: str) -> Iterator[str]:
    """The names of what an installed distribution requires on this system, that of its extras left out."""
    try:
        lines = metadata.requires(distribution) or []
    except (metadata.PackageNotFoundError, KeyError, ValueError):
        # A plugin without metadata of its own, or with damaged: nobody knows.
        return
    for line in lines:
        name = _required_here(line)
        if name is not None:
            yield name


def _required_here(line: str) -> str | None:
    """The name in one line of requirements; None where its marker does not hold here, or nobody can read it.

    lsn does not require ``packaging`` itself: without it, all but extras are taken to be required, and what is not
    installed is left out anyway.
    """
    try:
        from packaging.requirements import Requirement
    except ImportError:
        words = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)([^;]*);?(.*)", line)
        return None if words is None or re.search(r"\bextra\b", words[3]) else words[1]
    try:
        required = Requirement(line)
        holds = required.marker is None or required.marker.evaluate({"extra": ""})
    except ValueError:
        return None
    return required.name if holds else None
