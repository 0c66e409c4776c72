"""The JSON Schema of recipe files, for editors: sections know the parameters of every component."""

from __future__ import annotations

import copy
from typing import Any

from lsncli.recipe.documents import Collection, Computation
from lsncli.recipe.schema import Recipe, SweepSection
from lsncli.registry import Registry

#: Schema definition of a section → the kind of component that it names.
_SECTIONS = {
    "DataSection": "data set",
    "NoiseSection": "noise model",
    "ComponentSection": "architecture",
    "LossSection": "loss",
    "OptimizerSection": "optimizer",
    "ScheduleSection": "schedule",
    "EstimatorSection": "estimator",
}


def recipe_schema(components: Registry) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a recipe, given the installed components."""
    schema = Recipe.model_json_schema()
    definitions: dict[str, Any] = schema.setdefault("$defs", {})
    for definition, kind in _SECTIONS.items():
        section = definitions[definition]
        section.pop("additionalProperties", None)
        # Nothing is required of a section: a sweep, a case or a profile may give what it lacks.
        branches = []
        for registered in components.all(kind):
            own = copy.deepcopy(registered.info.params.model_json_schema()) if registered.info.params else {}
            definitions.update(own.pop("$defs", {}))
            branches.append(
                {
                    "title": registered.info.name,
                    "description": registered.info.summary,
                    "properties": {
                        **section["properties"],
                        "name": {"const": registered.info.name},
                        **own.get("properties", {}),
                    },
                    "additionalProperties": False,
                }
            )
        if kind == "data set":
            # Data sets prepared from files have names of their own and no parameters.
            names = [r.info.name for r in components.all(kind)]
            branches.append(
                {
                    "title": "prepared data set",
                    "properties": {**section["properties"], "name": {"type": "string", "not": {"enum": names}}},
                    "additionalProperties": False,
                }
            )
        # A section may leave out its name where the base gives it; then only the base's name can decide.
        default = section["properties"]["name"].get("default")
        section["anyOf"] = branches
        if default is None:
            section["required"] = ["name"]
    for section_name in ("ReportSection", "TrainSection"):
        definitions[section_name]["additionalProperties"] = False
    sweep = SweepSection.model_json_schema(ref_template="#/$defs/{model}")
    definitions.update(sweep.pop("$defs"))
    definitions["SweepSection"] = sweep
    schema["properties"]["sweep"] = {
        "$ref": "#/$defs/SweepSection",
        "description": schema["properties"]["sweep"]["description"],
    }
    definitions["Recipe"] = {key: value for key, value in schema.items() if key != "$defs"}
    for model in (Collection, Computation):
        definitions[model.__name__] = model.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lsn recipe",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("Recipe", "Collection", "Computation")],
        "$defs": definitions,
    }
