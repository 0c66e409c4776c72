"""Finds the files that noise models read, before anything is trained."""

from __future__ import annotations

from pathlib import Path

from lsncli.components import NoiseModelInfo
from lsncli.errors import LsnError
from lsncli.parameters import NoParams
from lsncli.plan import Plan
from lsncli.registry import registry


def find_noise_files(plan: Plan, data_dir: Path) -> None:
    """Ask every noise model of the plan for its files; raises :class:`LsnError` where one is missing."""
    asked: set[str] = set()
    for run in plan:
        spec = run.spec.noise
        info: NoiseModelInfo = registry().get("noise model", spec.name)
        identity = f"{spec.name} {spec.params!r}"
        if info.find_files is None or identity in asked:
            continue
        asked.add(identity)
        try:
            info.find_files((info.params or NoParams).model_validate(spec.params), data_dir)
        except LsnError:
            raise
        except Exception as error:
            raise LsnError(
                f"noise model {spec.name!r} could not look for its files: {type(error).__name__}: {error}",
                next="tell its author (lsn plugins show names the distribution); lsn --debug shows the traceback",
            ) from error
