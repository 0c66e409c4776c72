"""The reference of the recipe format, from its JSON Schema, which is made from the pydantic models."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lsncli.recorded_metrics import RECORDED
from reference_pages.tables import code, table

HEAD = """\
# Recipe reference

Made from the code by `python -m reference_pages`; every section and key of a recipe file, and the parameters of
every built-in component. `lsn recipe schema` prints the same as JSON Schema, with the components of installed
plugins, for an editor that completes and checks. [Recipes](recipes.md) explains how they work together.
"""

Schema = Mapping[str, Any]


def recipe_page(schema: Schema) -> str:
    """The whole page."""
    definitions: Schema = schema["$defs"]
    recipe = definitions["Recipe"]
    parts = [HEAD, "## The file\n\n" + _keys(recipe, definitions)]
    for name, field in recipe["properties"].items():
        section = _section(field, definitions)
        if section is not None:
            parts.append(_told(f"[{name}]", section, definitions))
            for inner, value in section.get("properties", {}).items():
                nested = _section(value, definitions)
                if nested is not None:
                    parts.append(_told(f"[{name}.{inner}]", nested, definitions))
                elif (tables := _section(value.get("items", {}), definitions)) is not None:
                    parts.append(_told(f"[[{name}.{inner}]]", tables, definitions))
    parts.append(_metrics())
    parts.append(_others(definitions))
    return "\n".join(parts)


def _told(title: str, section: Schema, definitions: Schema) -> str:
    """A section: what it is, its keys, and the parameters of the components that it can name."""
    text = f"## `{title}`\n\n{section.get('description', '')}\n\n{_keys(section, definitions)}"
    own = set(section.get("properties", {}))
    for component in section.get("anyOf", ()):
        parameters = {k: v for k, v in component["properties"].items() if k not in own}
        if "description" not in component:
            continue
        text += f'\n### {title} `name = "{component["title"]}"`\n\n{_sentence(component["description"])}\n'
        if parameters:
            # None of them is required of a section, since a sweep may give it; the component needs it all the same.
            needed = [name for name, parameter in parameters.items() if "default" not in parameter]
            text += "\n" + _keys({"properties": parameters, "required": needed}, definitions)
    return text


def _metrics() -> str:
    """What `[report] metrics` may name."""
    rows = [(code(name), meaning) for name, meaning in RECORDED.items()]
    return (
        "## Metrics\n\nWhat `report.metrics` can name, and queries find in the table `metric`. Shares are fractions"
        f" there, and per cent in reports.\n\n{table(('metric', 'meaning'), rows)}"
    )


def _others(definitions: Schema) -> str:
    """Files of the two other kinds."""
    text = ""
    for name in ("Collection", "Computation"):
        kind = definitions[name]
        text += (
            f"## A file that is a {name.lower()}\n\n{kind.get('description', '')}\n\n{_keys(kind, definitions)}\n"
        )
    return text.rstrip("\n") + "\n"


def _keys(section: Schema, definitions: Schema) -> str:
    required = set(section.get("required", ()))
    rows = [
        (code(name), _type(field, definitions), _default(name, field, required), _meaning(field, definitions))
        for name, field in section.get("properties", {}).items()
    ]
    return table(("key", "type", "default", "meaning"), rows) if rows else "No keys.\n"


def _meaning(field: Schema, definitions: Schema) -> str:
    """What a key is; where the key says nothing, what its section is."""
    said = field.get("description") or (_section(field, definitions) or {}).get("description", "")
    return re.sub(r"(\[\[?[\w.]+\]\]?)", r"`\1`", str(said).partition("\n\n")[0])


def _default(name: str, field: Schema, required: set[str]) -> str:
    if name in required:
        return "required"
    if field.get("default") is None:
        return ""
    return code(json.dumps(field["default"], ensure_ascii=False))


def _section(field: Schema, definitions: Schema) -> Schema | None:
    """The section that a key holds, where it holds one."""
    for reference in (field, *field.get("anyOf", ())):
        if "$ref" in reference:
            section: Schema = definitions[reference["$ref"].rpartition("/")[2]]
            return section if section.get("type") == "object" else None
    return None


def _type(field: Schema, definitions: Schema) -> str:
    if "const" in field:
        return code(json.dumps(field["const"], ensure_ascii=False))
    if "enum" in field:
        return ", ".join(code(json.dumps(value, ensure_ascii=False)) for value in field["enum"])
    if "$ref" in field:
        target = definitions.get(field["$ref"].rpartition("/")[2], {})
        return "section" if target.get("type") == "object" else _type(target, definitions)
    if "anyOf" in field:
        kinds = (_type(one, definitions) for one in field["anyOf"] if one.get("type") != "null")
        return " or ".join(dict.fromkeys(kinds))
    words = str(field.get("type", "any"))
    if words == "array":
        of = _type(field.get("items", {}), definitions)
        return f"list of {'sections' if of == 'section' else of}"
    words = {"object": "table", "integer": "whole number", "string": "text", "boolean": "true or false"}.get(
        words, words
    )
    return words + _bounds(field)


def _bounds(field: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    told = [f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field]
    return f" {', '.join(told)}" if told else ""


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
