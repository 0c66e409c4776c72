"""The names of a new plugin: of its component, distribution and module, all from one word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from lsncli.errors import LsnError
from lsncli.registry import Registry

PREFIX = "lsn-"

#: What ``--kind`` takes, with the kind as records name it and the module of the package that computes it.
KINDS = {
    "loss": ("loss", "loss"),
    "noise": ("noise model", "noise"),
    "architecture": ("architecture", "architecture"),
    "backend": ("backend", "backend"),
    "dataset": ("data set", "dataset"),
    "estimator": ("estimator", "estimator"),
}


@dataclass(frozen=True, slots=True)
class PluginNames:
    """component: as recipes call it (``gce``). distribution: ``lsn-gce``. module: ``lsn_gce``. title: ``Gce``."""

    component: str
    distribution: str
    module: str
    title: str


def plugin_names(name: str) -> PluginNames:
    """The names that follow from ``gce`` or ``lsn-gce``; :class:`LsnError` if it cannot be a name."""
    component = name.removeprefix(PREFIX)
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", component):
        better = re.sub(r"[^a-z0-9]+", "-", component.lower()).strip("-").lstrip("0123456789-")
        raise LsnError(
            f"{name!r} cannot be the name of a plugin",
            where="NAME",
            valid="lower-case letters and digits, beginning with a letter; words joined by hyphens: my-loss",
            next=f"lsn plugins new {better}" if better else None,
        )
    distribution = PREFIX + component
    title = "".join(word.capitalize() for word in component.split("-"))
    return PluginNames(component, distribution, distribution.replace("-", "_"), title)


def refuse_taken(names: PluginNames, kind: str, known: Registry) -> None:
    """Raise :class:`LsnError` if a component, a distribution or a module of this name is there already."""
    if names.component in known.names(kind):
        owner = known.all(kind)
        origin = next(r.plugin.origin for r in owner if r.info.name == names.component)
        raise LsnError(
            f"there is a {kind} {names.component!r} already, of {origin}",
            where="NAME",
            next=f"choose another name; lsn plugins show {names.component} says what it is",
        )
    try:
        installed = metadata.distribution(names.distribution)
    except metadata.PackageNotFoundError:
        installed = None
    if installed is not None:
        raise LsnError(
            f"the distribution {names.distribution!r} is installed already, in version {installed.version}",
            where="NAME",
            next="choose another name, or uninstall it first",
        )
    if find_spec(names.module) is not None:
        raise LsnError(f"there is a module {names.module!r} already", where="NAME", next="choose another name")
