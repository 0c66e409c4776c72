"""Every generated page by its name in ``docs/``."""

from __future__ import annotations

import json

from lsncli.plugin_reference import reference
from lsncli.recipe.json_schema import recipe_schema
from lsncli.registry import Registry
from reference_pages.commands import command_page
from reference_pages.database import database_page
from reference_pages.recipes import recipe_page
from reference_pages.results import results_page


def pages() -> dict[str, str]:
    """The text of each page, for the built-in components alone, whatever else is installed."""
    builtin = Registry()
    builtin.load([])
    schema = recipe_schema(builtin)
    return {
        "recipe.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        "recipes-reference.md": recipe_page(schema),
        "commands.md": command_page(),
        "database-schema.md": database_page(),
        "plugins-reference.md": reference(),
        "results.md": results_page(),
    }
