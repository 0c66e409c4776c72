"""The provenance has the versions of what plugins compute with."""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_samples import run, spec

from lsncli.engine.events import Started
from lsncli.engine.packages import OWN, package_versions
from lsncli.engine.provenance import software
from lsncli.engine.settings import EngineSettings
from lsncli.registry import registry

REQUIREMENTS = """
lsncli>=0.1,<0.2
Numbers_Of.Theirs[fast]>=2 ; python_version >= "3"
of-another-system; sys_platform == "nowhere"
not-installed>=1
torch
for-tests; extra == "test"
for-both; python_version >= "3" and extra == "test"
this is no requirement
strange; no_such_marker == "1"
"""


def install(site: Path, name: str, version: str, requires: str = "", plugin: str | None = None) -> None:
    """Put a distribution into ``site``, with a module as its plugin, if any."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = [f"Requires-Dist: {line}" for line in requires.strip().splitlines()]
    (info / "METADATA").write_text(
        "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines]) + "\n"
    )
    if plugin is not None:
        module = name.replace("-", "_")
        (info / "entry_points.txt").write_text(f"[lsn]\n{module} = {module}\n")
        (site / f"{module}.py").write_text(plugin)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A plugin, what it requires, and what it does not require here."""
    site = tmp_path / "site"
    install(site, "lsn-depending", "3.1", REQUIREMENTS, plugin="")
    install(site, "numbers-of-theirs", "2.5")
    for name in ("of-another-system", "for-tests", "for-both", "strange", "nobody-asks"):
        install(site, name, "1.0")
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    registry.cache_clear()
    software.cache_clear()
    yield site
    registry.cache_clear()
    software.cache_clear()


def theirs(found: dict[str, Any]) -> dict[str, Any]:
    return {name: version for name, version in found.items() if name not in OWN}


@pytest.mark.usefixtures("installed")
def test_direct_requirements_of_a_plugin_are_recorded(settings: EngineSettings) -> None:
    started = run(spec(), settings)[0]
    assert isinstance(started, Started)
    told = started.provenance
    assert told["plugins"]["lsn_depending"] == "lsn-depending 3.1"
    assert told["packages"]["numbers-of-theirs"] == "2.5"
    others = {"lsncli", "of-another-system", "not-installed", "for-tests", "for-both", "strange", "nobody-asks"}
    assert not others & told["packages"].keys()


@pytest.mark.usefixtures("installed")
def test_of_each_distribution_and_never_twice() -> None:
    found = package_versions(["lsn-depending", "lsn-depending"])
    assert theirs(found) == {"numbers-of-theirs": "2.5"}
    assert list(found)[: len(OWN)] == list(OWN)


@pytest.mark.usefixtures("installed")
def test_without_packaging_extras_alone_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("packaging"):
            raise ImportError(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    found = theirs(package_versions(["lsn-depending"]))
    assert found == {"numbers-of-theirs": "2.5", "of-another-system": "1.0", "strange": "1.0"}


def test_a_plugin_that_does_not_load_computes_nothing(installed: Path) -> None:
    install(installed, "lsn-broken", "1.0", "nobody-asks", plugin="raise RuntimeError")
    registry.cache_clear()
    told = software()
    assert told["plugins"]["lsn_broken"] == "lsn-broken 1.0"
    assert "nobody-asks" not in told["packages"]
    assert told["packages"]["numbers-of-theirs"] == "2.5"


def test_distributions_of_which_nobody_knows() -> None:
    assert theirs(package_versions(["a.module.without.metadata", ""])) == {}
