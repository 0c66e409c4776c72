"""Where a wrong value stands that nobody typed: in the configuration, or in the environment."""

from __future__ import annotations

import os
import re
from typing import Any

from typer.core import TyperCommand

from lsncli.errors import LsnError


class LsnCommand(TyperCommand):
    """Says of a wrong value that nobody typed where it comes from: the configuration, or the environment."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except LsnError as error:
            for parameter in self.params:
                if origin := _origin(ctx, parameter):
                    _blame(error, parameter, ctx.params.get(parameter.name), origin)
            raise


def _origin(ctx: Any, parameter: Any) -> str | None:
    """Where the parameter's value comes from, if from neither the command line nor its own default."""
    from lsncli.cli.config import find_config

    source = ctx.get_parameter_source(parameter.name)
    name = "" if source is None else source.name
    variable = parameter.envvar if isinstance(parameter.envvar, str) else f"LSN_{parameter.name.upper()}"
    if name == "ENVIRONMENT" or (name == "DEFAULT_MAP" and os.environ.get(variable)):
        return f"{variable}, a variable of the environment"
    found = find_config() if name == "DEFAULT_MAP" else None
    return None if found is None else f"{found[0]}, {parameter.name}"


def _blame(error: LsnError, parameter: Any, value: Any, origin: str) -> None:
    """Let ``error``, if it is about the parameter, name the ``origin`` of its value."""
    for option in parameter.opts:
        named = error.where is not None and re.match(rf"{re.escape(option)}(?![\w-])", error.where)
        if named or (error.where is None and f"{option} {value!r}" in error.what):
            error.where = origin
    if parameter.name == "profile" and f"profile {value!r}" in error.what:
        error.where = origin
