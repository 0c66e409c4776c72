"""``lsn doctor``: what is installed, which devices and plugins work."""

from __future__ import annotations

from typing import Any

import typer

from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, DataDirOption, FormatOption, ListFormat


def command(
    db: DatabaseOption = DEFAULT_DATABASE,
    data_dir: DataDirOption = None,
    format: FormatOption = ListFormat.table,
) -> None:
    """Check packages, devices, plugins, data folder and database; exit status 1 if a check fails."""
    from lsncli.cli.output import print_json, stdout
    from lsncli.data.context import default_data_dir

    checks = [*_packages(), *_backends(), *_plugins(), _data(data_dir or default_data_dir()), _database(db)]
    if format is ListFormat.json:
        print_json(checks)
    else:
        from rich.text import Text

        for check in checks:
            mark, style = {"ok": ("ok   ", "green"), "note": ("note ", "yellow"), "bad": ("BAD  ", "bold red")}[
                check["status"]
            ]
            stdout().print(Text.assemble((mark, style), f"{check['check']}: {check['detail']}"), soft_wrap=True)
    raise typer.Exit(1 if any(check["status"] == "bad" for check in checks) else 0)


def _check(name: str, status: str, detail: str) -> dict[str, Any]:
    return {"check": name, "status": status, "detail": detail}


def _packages() -> list[dict[str, Any]]:
    """Import the heavy packages: that a pair of torch and torchvision is installed does not mean that it works."""
    from importlib import import_module

    from lsncli.engine.provenance import software

    about = software()
    found = [_check("lsn", "ok", f"{about['lsn']} on Python {about['python']}, {about['platform']}")]
    for module in ("torch", "torchvision", "sklearn", "sqlmodel", "safetensors"):
        try:
            version = getattr(import_module(module), "__version__", "")
        except Exception as error:  # noqa: BLE001 - any failure to import is the finding
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            advice = " (install torch and torchvision as a pair of one release)" if "torch" in module else ""
            found.append(_check(module, "bad", text + advice))
        else:
            found.append(_check(module, "ok", version))
    return found


def _backends() -> list[dict[str, Any]]:
    from lsncli.registry import registry

    found = []
    for registered in registry().all("backend"):
        name = f"backend {registered.info.name}"
        try:
            backend = registered.info.build(None, None)
            reason = backend.unavailable()
            if reason is not None:
                found.append(_check(name, "note", f"not available: {reason}"))
                continue
            devices = backend.devices()
            detail = f"{', '.join(devices)}; precision {', '.join(backend.precisions())}"
            models = dict.fromkeys(str(backend.describe(device)["device"]) for device in devices)
            found.append(_check(name, "ok", f"{detail}; {', '.join(models)}"))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a third party's code
            found.append(_check(name, "bad", f"{type(error).__name__}: {error}"))
    return found


def _plugins() -> list[dict[str, Any]]:
    from lsncli.hookspecs import DISTRIBUTION
    from lsncli.registry import registry

    known = registry()
    others = [p for p in known.plugins if p.origin.distribution != DISTRIBUTION]
    found = [_check(f"plugin {p.name}", "bad" if p.error else "ok", p.error or str(p.origin)) for p in others]
    for (kind, name), owners in known.conflicts.items():
        found.append(
            _check(f"{kind} {name}", "bad", "registered by " + " and ".join(str(p.origin) for p in owners))
        )
    if not others:
        found.append(_check("plugins", "ok", "none beside the built-in components"))
    return found


def _data(folder: Any) -> dict[str, Any]:
    import os

    from lsncli.data.catalogue import known

    there = [d.name for d in known(folder) if d.available]
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    status = "ok" if os.access(place, os.W_OK) else "note"
    writable = "" if status == "ok" else " (read-only: nothing can be downloaded or prepared)"
    return _check("data", status, f"{folder}{writable}; at hand: {', '.join(there) or 'none'}")


def _database(db: str) -> dict[str, Any]:
    from lsncli.errors import LsnError
    from lsncli.store import Store
    from lsncli.store.location import Location

    try:
        location = Location.parse(db)
        if not location.exists():
            return _check("database", "ok", f"{location.shown} is not there yet; the first run makes it")
        with Store.open(db, create=False, read_only=True) as store:
            done = len(store.runs(status="done"))
        return _check("database", "ok", f"{location.shown}: {done} runs done")
    except LsnError as error:
        return _check("database", "bad", error.what)
