"""Loads plugins one by one, isolates their failures and knows where each component comes from."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import import_module, metadata
from inspect import iscoroutine
from types import ModuleType
from typing import Any, Protocol

import pluggy

from lsncli import __version__, hookspecs
from lsncli.components import ComponentInfo
from lsncli.errors import LsnError, UnknownNameError
from lsncli.registering import registrar

#: The modules that register the built-in components, through the same hooks as everyone's.
BUILTIN_MODULES = (
    "lsncli.losses.plugin",
    "lsncli.noise.plugin",
    "lsncli.estimators.plugin",
    "lsncli.architectures.plugin",
    "lsncli.data.plugin",
    "lsncli.backends.plugin",
    "lsncli.engine.plugin",
    "lsncli.executors.plugin",
    "lsncli.report.plugin",
)

#: Each registering hook and the kind of record that it accepts.
REGISTERING_HOOKS = {
    "lsn_losses": "loss",
    "lsn_noise_models": "noise model",
    "lsn_architectures": "architecture",
    "lsn_backends": "backend",
    "lsn_datasets": "data set",
    "lsn_estimators": "estimator",
    "lsn_optimizers": "optimizer",
    "lsn_schedules": "schedule",
    "lsn_executors": "executor",
    "lsn_reports": "report format",
}
KINDS = tuple(REGISTERING_HOOKS.values())

_STRICT = "its traceback: lsn --debug …; without LSN_STRICT_PLUGINS it would be passed over"


class EntryPoint(Protocol):
    """The part of :class:`importlib.metadata.EntryPoint` that loading needs."""

    @property
    def name(self) -> str:
        """The plugin's name."""
        ...

    @property
    def value(self) -> str:
        """The module that it points to."""
        ...

    @property
    def dist(self) -> metadata.Distribution | None:
        """The distribution that ships it."""
        ...

    def load(self) -> Any:
        """Import the module."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """The distribution that ships a plugin."""

    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip()


@dataclass(slots=True)
class Plugin:
    """One loaded (or failed) plugin: its entry point's name, origin, components, and error if any."""

    name: str
    origin: Origin
    components: list[ComponentInfo] = field(default_factory=list)
    error: str | None = None
    traceback: str | None = None

    @property
    def full_name(self) -> str:
        """Its name in the plugin manager: two distributions may give one name to their plugins."""
        return f"{self.origin.distribution}:{self.name}"


@dataclass(frozen=True, slots=True)
class Registered:
    """A component together with the plugin that registered it."""

    info: ComponentInfo
    plugin: Plugin


class Registry:
    """All components of all plugins, by kind and name."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.strict = False
        self.plugins: list[Plugin] = []
        self.conflicts: dict[tuple[str, str], list[Plugin]] = {}
        self._components: dict[tuple[str, str], Registered] = {}

    # -- loading ---------------------------------------------------------------------------------------

    def load(self, entry_points: Iterable[EntryPoint] | None = None, *, strict: bool | None = None) -> None:
        """Load the built-ins, then every entry point of group ``lsn``.

        A plugin that fails is recorded with its error and skipped; with ``strict`` (default: environment
        variable LSN_STRICT_PLUGINS) the failure is raised instead, as are later those of its commands, and a name
        that two plugins give to components of one kind.
        """
        if strict is None:
            strict = os.environ.get("LSN_STRICT_PLUGINS", "") not in ("", "0")
        self.strict = strict
        lsn = Origin(hookspecs.DISTRIBUTION, __version__)
        for module in BUILTIN_MODULES:
            self._load_one(module, lsn, partial(import_module, module), strict=True)
        if entry_points is None:
            entry_points = metadata.entry_points(group=hookspecs.ENTRY_POINT_GROUP)
        for entry_point in entry_points:
            self._load_one(entry_point.name, _origin(entry_point), entry_point.load, strict=strict)

    def _load_one(self, name: str, origin: Origin, load: Callable[[], Any], *, strict: bool) -> None:
        plugin = Plugin(name, origin)
        self.plugins.append(plugin)
        module: Any = None
        # Of another of the same name nothing may be taken away.
        taken = self.manager.has_plugin(plugin.full_name)
        try:
            # What a plugin prints while it is imported must not stand in a listing.
            with redirect_stdout(sys.stderr):
                module = load()
                self._refuse_unknown_hooks(module)
                self.manager.register(module, name=plugin.full_name)
                self._collect(module, plugin)
        except (Exception, SystemExit) as error:
            plugin.components.clear()
            plugin.error = _one_line(error)
            plugin.traceback = traceback.format_exc()
            # pluggy before 1.7 keeps what it registered of a module until one of its hooks was refused.
            if not taken and self.manager.has_plugin(plugin.full_name):
                self.manager.unregister(module)
            if strict:
                raise LsnError(
                    f"plugin {name!r} of {origin} did not load: {plugin.error}",
                    next=_STRICT,
                ) from error
        for info in plugin.components:
            self._add(info, plugin)

    def _refuse_unknown_hooks(self, module: Any) -> None:
        """pluggy ignores a misspelt hook until told otherwise; its author should hear of it at once."""
        known = [name for name in vars(hookspecs) if name.startswith("lsn_")]
        for name in dir(module):
            if name not in known and self.manager.parse_hookimpl_opts(module, name) is not None:
                raise UnknownNameError.of("hook", name, known)

    def _collect(self, module: ModuleType, plugin: Plugin) -> None:
        """Call the registering hooks of one plugin alone, so that its failure is its own."""
        for hook, kind in REGISTERING_HOOKS.items():
            for implementation in getattr(self.manager.hook, hook).get_hookimpls():
                if implementation.plugin is module:
                    register = registrar(plugin.components, plugin.name, hook, kind)
                    _refuse_result(hook, implementation.function(register=register))

    def _add(self, info: ComponentInfo, plugin: Plugin) -> None:
        slot = (info.kind, info.name)
        if slot in self._components:
            self.conflicts.setdefault(slot, [self._components[slot].plugin]).append(plugin)
            if self.strict:
                raise self._conflict(*slot)
        else:
            self._components[slot] = Registered(info, plugin)

    def _conflict(self, kind: str, name: str, where: str | None = None) -> LsnError:
        owners = self.conflicts[kind, name]
        return LsnError(
            f"{kind} {name!r} is registered twice: by "
            + " and by ".join(f"{p.origin} (plugin {p.name!r})" for p in owners),
            where=where,
            next="uninstall one of them, or ask its author for another name",
        )

    # -- looking up ------------------------------------------------------------------------------------

    def find(self, kind: str, name: str, *, where: str | None = None) -> Registered:
        """The component ``name`` of ``kind``.

        Raises an :class:`LsnError` if nobody registered it (naming close matches, and plugins that failed
        to load, since it may be theirs), or if two plugins did.
        """
        if (kind, name) in self.conflicts:
            raise self._conflict(kind, name, where)
        found = self._components.get((kind, name))
        if found is None:
            broken = "; ".join(self.not_loaded())
            raise UnknownNameError.of(kind, name, self.names(kind), where=where, next=broken or None)
        return found

    def get(self, kind: str, name: str, *, where: str | None = None) -> Any:
        """The Info record of component ``name`` of ``kind``; errors as in :meth:`find`."""
        return self.find(kind, name, where=where).info

    def names(self, kind: str) -> list[str]:
        """The names registered for ``kind``, sorted."""
        return sorted(name for k, name in self._components if k == kind)

    def all(self, kind: str | None = None) -> Iterator[Registered]:
        """Every component, by kind and name."""
        for (k, _), registered in sorted(self._components.items(), key=lambda item: item[0]):
            if kind is None or k == kind:
                yield registered

    def call_commands(self, app: Any) -> None:
        """Let every plugin add its commands to ``app``, a Typer application.

        A plugin whose hook fails, whose commands cannot be built, or that would replace a command of lsn or
        of another plugin adds nothing: it is recorded with its error, told of in one line and passed over. A strict
        registry raises an :class:`LsnError` instead.
        """
        from typer import Typer
        from typer.main import get_group

        taken = set(get_group(app).commands)
        for implementation in self.manager.hook.lsn_commands.get_hookimpls():
            # A plugin gets an application of its own: what goes wrong in it, now or later, stays in it.
            own = Typer()
            try:
                # What it prints must not stand in what a command prints for programs.
                with redirect_stdout(sys.stderr):
                    implementation.function(app=own)
                if own.registered_callback:
                    raise ValueError("a plugin adds commands and groups; the callback of lsn stays")
                # Typer reads signatures only now; on lsn's own application it would fail for every command.
                own.callback()(_no_callback)
                added = set(get_group(own).commands)
                if both := sorted(taken & added):
                    raise ValueError(f"there already is a command {both[0]!r}")
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a third party's code
                self._commands_failed(implementation.plugin_name, error)
                continue
            taken |= added
            app.registered_commands.extend(own.registered_commands)
            app.registered_groups.extend(own.registered_groups)

    def _commands_failed(self, full_name: str, error: BaseException) -> None:
        for plugin in self.plugins:
            if plugin.full_name == full_name:
                plugin.error = f"its commands: {_one_line(error)}"
                plugin.traceback = "".join(traceback.format_exception(error))
                told = f"plugin {plugin.name!r} of {plugin.origin}: {plugin.error}"
                if self.strict:
                    raise LsnError(told, next=_STRICT) from error
                print(f"warning: {told}", file=sys.stderr)

    def hooks_of(self, plugin: Plugin) -> list[str]:
        """The hooks that a plugin implements; none for one that did not load."""
        module = self.manager.get_plugin(plugin.full_name)
        callers = self.manager.get_hookcallers(module) if module is not None else None
        return sorted(caller.name for caller in callers or ())

    def failed(self) -> list[Plugin]:
        """The plugins that could not be loaded, or whose commands failed."""
        return [plugin for plugin in self.plugins if plugin.error]

    def not_loaded(self) -> list[str]:
        """A line on each of them, for a message on a name that may be theirs."""
        return [f"{plugin.origin} did not load ({plugin.error})" for plugin in self.failed()]


def _refuse_result(hook: str, returned: object) -> None:
    """A hook that returns its records, a generator or a coroutine registers nothing, and nobody would know."""
    if returned is None:
        return
    if iscoroutine(returned):
        returned.close()  # or Python complains, later and elsewhere, that nobody awaited it
    kind = type(returned).__name__
    raise TypeError(f"{hook} returned a {kind}: it must call register(record) for each record, and return None")


def _origin(entry_point: EntryPoint) -> Origin:
    try:
        if entry_point.dist is not None:
            return Origin(entry_point.dist.name or entry_point.value, entry_point.dist.version or "")
    except Exception:  # noqa: BLE001 - damaged metadata of a third party
        pass
    return Origin(entry_point.value, "")


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _no_callback() -> None:
    """Makes Typer build a group even of one command."""


@cache
def registry() -> Registry:
    """The registry of this process, loaded on first use; warns once of each plugin that failed."""
    loaded = Registry()
    loaded.load()
    for plugin in loaded.failed():
        print(
            f"warning: plugin {plugin.name!r} of {plugin.origin} did not load: {plugin.error}"
            " (lsn plugins list shows more)",
            file=sys.stderr,
        )
    return loaded
