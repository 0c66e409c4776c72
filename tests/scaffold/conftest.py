"""New plugin packages of every kind, written by the command and installed."""

from __future__ import annotations

import pytest
from plugin_workshop import Workshop, install

from lsncli.scaffold.names import KINDS


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    made = Workshop(tmp_path_factory.mktemp("workshop"))
    for kind in KINDS:
        written = made.lsn("plugins", "new", f"my-{kind}", "--kind", kind)
        assert written.returncode == 0, written.stderr
        assert f"cd lsn-my-{kind}" in written.stdout
    for kind in KINDS:
        install(made.folder / f"lsn-my-{kind}", made.site)
    return made
