"""``lsn plugins check``: its table, its JSON, its exit status, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

from lsncli.registry import registry


def test_the_table(lsn: Any) -> None:
    result = lsn("plugins check lsncli --component none")
    assert result.status == 0, result.err
    lines = [line.split() for line in result.out.splitlines() if line.strip()]
    assert lines[0] == ["component", "check", "verdict", "reason"]
    assert lines[2] == ["noise", "model", "none", "name", "passed"]
    assert ["seed", "skipped", "there", "is", "no", "noise"] in lines
    assert lines[-1] == ["12", "passed,", "1", "skipped"]


def test_json(lsn: Any) -> None:
    result = lsn("plugins check lsncli --component none --component constant --format json")
    verdicts = json.loads(result.out)
    assert result.status == 0
    assert {(v["kind"], v["component"]) for v in verdicts} == {("noise model", "none"), ("schedule", "constant")}
    fields = {"kind", "component", "check", "status", "reason", "variant", "traceback"}
    assert all(set(verdict) == fields for verdict in verdicts)


def test_a_plugin_that_did_not_load(lsn: Any, monkeypatch: Any) -> None:
    plugin = registry().plugins[0]
    monkeypatch.setattr(plugin, "error", "ImportError: no such thing")
    result = lsn(f"plugins check {plugin.name}")
    assert result.status == 1
    assert "loading" in result.out
    assert "ImportError: no such thing" in result.out
    assert result.out.splitlines()[-1] == "1 failed"


def test_what_is_not_there(lsn: Any) -> None:
    result = lsn("plugins check lsn-nothing")
    assert (result.status, result.out) == (2, "")
    assert "unknown plugin 'lsn-nothing'" in result.err
    assert "uv pip install -e" in result.err
    result = lsn("plugins check lsncli --component labelsmoothing")
    assert (result.status, result.out) == (2, "")
    assert "did you mean 'label-smoothing'" in result.err
