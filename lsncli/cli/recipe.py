"""``lsn recipe``: the recipe format and the shipped recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lsncli.cli import completing
from lsncli.cli.options import FormatOption, ListFormat

app = typer.Typer(no_args_is_help=True, help="The recipe format, and the recipes that come with lsn.")


@app.command("schema")
def schema(
    builtin: Annotated[
        bool, typer.Option("--builtin", help="Only the built-in components, whatever else is installed.")
    ] = False,
) -> None:
    """Print the JSON Schema of recipe files, with the parameters of every installed component."""
    from lsncli.cli.output import print_json
    from lsncli.recipe.json_schema import recipe_schema
    from lsncli.registry import Registry, registry

    components = registry()
    if builtin:
        components = Registry()
        components.load([])
    print_json(recipe_schema(components))


@app.command("list")
def list_recipes(format: FormatOption = ListFormat.table) -> None:
    """List the recipes that come with lsn."""
    from lsncli.cli.output import print_json, print_table
    from lsncli.recipe.documents import Collection, document_of
    from lsncli.recipe.loading import load, read_source, shipped_recipes

    rows: list[dict[str, Any]] = []
    for name in shipped_recipes():
        document = document_of(read_source(name))
        if document is None:
            loaded = load(name)
            about = {"title": loaded.recipe.title, "table": loaded.recipe.table, "figure": loaded.recipe.figure}
            profiles = loaded.available_profiles()
        else:
            figure = None if isinstance(document, Collection) else document.figure
            about = {"title": document.title, "table": None, "figure": figure}
            profiles = []
        rows.append({"name": name, **about, "profiles": profiles})
    if format is ListFormat.json:
        print_json(rows)
        return
    print_table(("name", "title", "profiles"), ((r["name"], r["title"], ", ".join(r["profiles"])) for r in rows))


@app.command("copy")
def copy(
    name: Annotated[str, typer.Argument(help="Name of a shipped recipe.", autocompletion=completing.shipped)],
    target: Annotated[Path | None, typer.Argument(help="File to write; NAME.toml by default.")] = None,
) -> None:
    """Copy a shipped recipe into a file, to start from."""
    from lsncli.cli.output import stderr
    from lsncli.errors import LsnError, UnknownNameError
    from lsncli.recipe.loading import shipped_recipes

    shipped = shipped_recipes()
    if name not in shipped:
        raise UnknownNameError.of("recipe", name, shipped)
    path = target or Path(f"{name}.toml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(shipped[name].read_text(encoding="utf-8"))
    except FileExistsError:
        raise LsnError(f"{path} is already there", next="give another file name") from None
    except OSError as error:
        raise LsnError(f"cannot write {path}: {error.strerror}") from None
    stderr().print(f"wrote {path}", markup=False)
