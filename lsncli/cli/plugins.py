"""``lsn plugins``: what is installed, and what each component is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lsncli.cli import completing
from lsncli.cli.options import FormatOption, ListFormat
from lsncli.cli.plugin_check import check
from lsncli.cli.plugin_new import new

if TYPE_CHECKING:
    from lsncli.registry import Registered

app = typer.Typer(no_args_is_help=True, help="Losses, noise models, architectures and more: what is installed.")
app.command("new")(new)
app.command("check")(check)


@app.command("list")
def list_plugins(
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", help="Only components of this kind: loss, noise, …", autocompletion=completing.kinds
        ),
    ] = None,
    format: FormatOption = ListFormat.table,
) -> None:
    """List every component with its kind, source and summary, and every plugin that did not load."""
    from lsncli.cli.output import print_json, print_table
    from lsncli.errors import UnknownNameError
    from lsncli.registry import KINDS, registry

    # The words of `lsn battery` and `lsn plugins new`, which are one word each.
    kind = {"noise": "noise model", "model": "architecture", "dataset": "data set"}.get(kind or "", kind)
    if kind is not None and kind not in KINDS:
        raise UnknownNameError.of("kind", kind, KINDS, where="--kind")
    known = registry()
    rows = [
        {
            "kind": r.info.kind,
            "name": r.info.name,
            "source": str(r.plugin.origin),
            "plugin": r.plugin.name,
            "summary": r.info.summary,
            "status": "conflict" if (r.info.kind, r.info.name) in known.conflicts else "ok",
            "error": _conflict(known.conflicts.get((r.info.kind, r.info.name))),
        }
        for r in known.all(kind)
    ]
    if kind is None:
        # Beside the components: the plugins that have none, such as observers, and those that failed.
        rows += [
            {
                "kind": "plugin",
                "name": p.name,
                "source": str(p.origin),
                "plugin": p.name,
                "summary": f"implements {', '.join(known.hooks_of(p)) or 'no hook'}",
                "status": "failed" if p.error else "ok",
                "error": p.error,
            }
            for p in known.plugins
            if p.error or not p.components
        ]
    if format is ListFormat.json:
        print_json(rows)
        return
    print_table(
        ("kind", "name", "source", "summary"),
        ((r["kind"], r["name"], r["source"], _summary(r)) for r in rows),
    )


def _summary(row: dict[str, Any]) -> str:
    """What a row says: its summary, or what is wrong (``failed: …``, ``conflict: …``)."""
    return f"{row['status']}: {row['error']}" if row["error"] else str(row["summary"])


def _conflict(owners: list[Any] | None) -> str | None:
    return "registered twice: by " + " and by ".join(str(p.origin) for p in owners) if owners else None


@app.command("show")
def show(
    name: Annotated[
        str, typer.Argument(help="Name of a component or of a plugin.", autocompletion=completing.components)
    ],
    format: FormatOption = ListFormat.table,
) -> None:
    """Show a component: its parameters with types, defaults and meaning; its source and reference."""
    from lsncli.cli.output import print_json, stdout
    from lsncli.errors import UnknownNameError
    from lsncli.registry import registry

    known = registry()
    broken = [p for p in known.failed() if name in (p.name, p.origin.distribution)]
    found = [r for r in known.all() if r.info.name == name]
    # Not a component's name: a plugin's or a distribution's stands for all that it registers.
    found = found or [r for r in known.all() if name in (r.plugin.name, r.plugin.origin.distribution)]
    if not found and not broken:
        names = {r.info.name for r in known.all()} | {p.name for p in known.failed()}
        raise UnknownNameError.of("component", name, names, next="lsn plugins list shows them all")
    if format is ListFormat.json:
        failures = [{"kind": "plugin", "name": p.name, "source": str(p.origin), "error": p.error} for p in broken]
        print_json([describe(r) for r in found] + failures)
        return
    console = stdout()
    for registered in found:
        _print_component(registered)
    for plugin in broken:
        console.print(f"plugin {plugin.name} ({plugin.origin}) did not load:", markup=False)
        console.print(plugin.traceback or plugin.error or "", markup=False)


@app.command("reference")
def print_reference() -> None:
    """Print the reference for plugin authors as Markdown: every hook, record, interface and suite."""
    import sys

    from lsncli.plugin_reference import reference

    sys.stdout.write(reference())


def describe(registered: Registered) -> dict[str, Any]:
    """A component as plain data."""
    from lsncli.registry import registry

    info = registered.info
    return {
        "kind": info.kind,
        "name": info.name,
        "summary": info.summary,
        "reference": info.reference,
        "revision": info.revision,
        "needs": sorted(info.needs),
        "source": str(registered.plugin.origin),
        "plugin": registered.plugin.name,
        "parameters": _parameters(info.params),
        "error": _conflict(registry().conflicts.get((info.kind, info.name))),
    }


def _parameters(model: Any) -> list[dict[str, Any]]:
    if model is None:
        return []
    try:
        schema = model.model_json_schema()
    except Exception:  # noqa: BLE001 - a third party's types may have no JSON Schema; the rest is shown
        schema = {}
    from lsncli.parameters import default_of, is_computed, recipe_name

    rows = []
    for name, field in model.model_fields.items():
        rows.append(
            {
                "name": recipe_name(name, field),
                "type": _type(
                    schema.get("properties", {}).get(recipe_name(name, field), {}), schema.get("$defs", {})
                ),
                "default": default_of(field),
                "computed": is_computed(field),
                "required": field.is_required(),
                "description": field.description or "",
            }
        )
    return rows


def _type(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A JSON Schema type in a few words: ``number >= 0 < 1``, ``"a" | "b"``, ``list of integer``."""
    if "$ref" in schema:
        return _type(definitions.get(schema["$ref"].rpartition("/")[2], {}), definitions)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(_type(option, definitions) for option in schema[key]))
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if "const" in schema:
        return f'"{schema["const"]}"'
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), definitions)}"
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[name]:g}" for name, sign in bounds.items() if name in schema]
    kind = str(schema.get("type", "any")).replace("null", "none")
    return " ".join([kind, *limits])


def _print_component(registered: Registered) -> None:
    from rich.text import Text

    from lsncli.cli.output import print_table, stdout

    about = describe(registered)
    console = stdout()
    console.print(Text.assemble((f"{about['name']}", "bold"), f"  ({about['kind']}, {about['source']})"))
    for label in ("error", "summary", "reference"):
        if about[label]:
            console.print(Text(f"  {about[label]}"))
    extra = [f"revision {about['revision']}"] if about["revision"] != 1 else []
    extra += [f"needs {', '.join(about['needs'])}"] if about["needs"] else []
    if extra:
        console.print(Text(f"  {'; '.join(extra)}"))
    if not about["parameters"]:
        console.print(Text("  no parameters"))
        return
    print_table(
        ("parameter", "type", "default", "meaning"),
        ((p["name"], p["type"], _default(p), p["description"]) for p in about["parameters"]),
    )


def _default(parameter: dict[str, Any]) -> str:
    if parameter["required"]:
        return "(required)"
    return "(from the others)" if parameter["computed"] else _shown(parameter["default"])


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
