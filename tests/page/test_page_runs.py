"""What the page asks the store beyond what reports do."""

from __future__ import annotations

from pathlib import Path

from lsncli.store import Store


def test_the_latest_provenance_of_each_run(tmp_path: Path) -> None:
    with Store.open(tmp_path / "results.db") as store:
        for key, devices in {"a": ["cpu", "gpu"], "b": ["cpu"], "c": ["tpu"]}.items():
            for device in devices:
                store.begin_run(key, {"seed": 0}, steps=1, provenance={"device": device})
        assert store.latest_provenance(["a", "b", "none"]) == {"a": {"device": "gpu"}, "b": {"device": "cpu"}}
        assert set(store.latest_provenance()) == {"a", "b", "c"}
