"""Damaged, foreign and half-written checkpoints."""

from __future__ import annotations

import ast
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from engine_samples import ending, metrics, notices, resumed_from, run, spec, stop_after, weights
from safetensors.torch import load, save

from lsncli.engine import checkpoint, tensor_file
from lsncli.engine.checkpoint import load_weights, save_weights
from lsncli.engine.settings import EngineSettings
from lsncli.engine.tensor_file import UnusableCheckpointError, read_tensors, write_tensors
from lsncli.errors import LsnError

pytestmark = pytest.mark.usefixtures("told_every_step", "plugin")


@pytest.fixture
def path(settings: EngineSettings) -> Path:
    """The checkpoint of a run that was interrupted after 10 of 20 steps."""
    run(spec(loss="remembering"), settings, stop_after(10))
    found = settings.checkpoint_path(spec(loss="remembering").key)
    assert found is not None
    assert found.exists()
    return found


def flip(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


class Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (os.environ["LURE"],))


def metadata(data: bytes) -> dict[str, str]:
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length])["__metadata__"]  # type: ignore[no-any-return]


def rewritten(data: bytes, change: Callable[[dict[str, torch.Tensor], dict[str, object]], object]) -> bytes:
    """The checkpoint with other content and a right check sum, as another version of lsn might write it."""
    tensors, about = load(data), json.loads(metadata(data)["lsn"])
    change(tensors, about)
    about.pop("sha256")
    return save(tensors, {"lsn": json.dumps({**about, "sha256": tensor_file.content_digest(tensors, about)})})


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda data: b"", "damaged"),
    "header cut": (lambda data: data[:5], "damaged"),
    "cut in the header": (lambda data: data[:200], "damaged"),
    "cut in half": (lambda data: data[: len(data) // 2], "damaged"),
    "one byte short": (lambda data: data[:-1], "damaged"),
    "text": (lambda data: b"not a checkpoint at all\n" * 40, "damaged"),
    "zeros": (lambda data: bytes(len(data)), "damaged"),
    "a bit of the header": (lambda data: flip(data, 30), "damaged"),
    "a bit of the numbers": (lambda data: flip(data, len(data) - 7), "damaged"),
    "a pickle": (lambda data: pickle.dumps(Malicious()), "damaged"),
    "no metadata": (lambda data: save({"a": torch.zeros(2)}), "format None"),
    "metadata of another program": (lambda data: save({"a": torch.zeros(2)}, {"format": "pt"}), "format None"),
    "metadata that is a list": (lambda data: save({"a": torch.zeros(2)}, {"lsn": "[1]"}), "format None"),
    "metadata that is no JSON": (lambda data: save({"a": torch.zeros(2)}, {"lsn": "{"}), "damaged"),
    "metadata without end": (lambda data: save({"a": torch.zeros(2)}, {"lsn": "[" * 100_000}), "damaged"),
    "newer format": (lambda data: rewritten(data, lambda t, about: about.update(format=99)), "format 99"),
    "other run": (
        lambda data: rewritten(data, lambda t, about: about["identity"].update(key="0" * 20)),  # type: ignore[attr-defined]
        "another run",
    ),
    "other data": (
        lambda data: rewritten(data, lambda t, about: about["identity"].update(data="0" * 64)),  # type: ignore[attr-defined]
        "another run",
    ),
    "no step": (lambda data: rewritten(data, lambda t, about: about.pop("step")), "does not fit"),
    "optimizer is a list": (
        lambda data: rewritten(data, lambda t, about: about.update(optimizer=[])),
        "does not fit",
    ),
    "other groups of the optimiser": (
        lambda data: rewritten(data, lambda t, about: about.update(optimizer_groups=[{}, {}])),
        "2 groups of the optimiser's parameters, not 1",
    ),
    "groups of the optimiser that are none": (
        lambda data: rewritten(data, lambda t, about: about.update(optimizer_groups=[{"betas": {"set": []}}])),
        "does not fit",
    ),
    "unknown parameter": (
        lambda data: rewritten(data, lambda t, about: t.update({"optimizer.77.momentum_buffer": torch.zeros(3)})),
        "does not fit",
    ),
    "no generator": (lambda data: rewritten(data, lambda t, about: t.pop("generator")), "does not fit"),
    "wrong generator": (
        lambda data: rewritten(data, lambda t, about: t.update(generator=torch.zeros(3, dtype=torch.uint8))),
        "does not fit",
    ),
    "weight of another shape": (
        lambda data: rewritten(data, lambda t, about: t.update({"model.classifier.bias": torch.zeros(9)})),
        "other model parameters",
    ),
    "weight of another type": (
        lambda data: rewritten(
            data, lambda t, about: t.update({"model.classifier.bias": torch.zeros(4, dtype=torch.float64)})
        ),
        "other model parameters",
    ),
    # The last thing to be looked at: were the weights loaded by then, the run would start from trained ones.
    "no state of the loss": (lambda data: rewritten(data, lambda t, about: t.pop("loss.memory")), "other loss"),
}


def test_without_the_optimisers_groups_it_is_used_all_the_same(
    path: Path, settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    """Older checkpoints have none, and of an optimiser of torch's own nothing is missing then."""

    def change(tensors: dict[str, torch.Tensor], about: dict[str, object]) -> None:
        del about["optimizer_groups"], about["optimizer_groups_left_out"]

    path.write_bytes(rewritten(path.read_bytes(), change))
    events = run(spec(loss="remembering"), settings)
    assert (resumed_from(events), notices(events)) == (10, [])
    run(spec(loss="remembering"), elsewhere)
    assert weights(settings, spec(loss="remembering")) == weights(elsewhere, spec(loss="remembering"))


@pytest.mark.parametrize("threads", [None, 0, -3, "two", [2]])
def test_without_a_number_of_threads_it_is_used_all_the_same(
    threads: object, path: Path, settings: EngineSettings
) -> None:
    """Older checkpoints have none."""

    def change(tensors: dict[str, torch.Tensor], about: dict[str, object]) -> None:
        about.pop("threads")
        if threads is not None:
            about["threads"] = threads

    path.write_bytes(rewritten(path.read_bytes(), change))
    events = run(spec(loss="remembering"), settings)
    assert resumed_from(events) == 10
    assert notices(events) == []


@pytest.mark.parametrize("kind", DAMAGE)
def test_useless_checkpoint_is_told_and_the_run_starts_anew(
    kind: str,
    path: Path,
    settings: EngineSettings,
    elsewhere: EngineSettings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("LURE", str(tmp_path / "code was run"))
    damage, reason = DAMAGE[kind]
    path.write_bytes(damage(path.read_bytes()))
    events = run(spec(loss="remembering"), settings)
    assert resumed_from(events) == 0
    (notice,) = notices(events)
    assert str(path) in notice
    assert reason in notice
    assert "starts from its first step" in notice
    assert "\n" not in notice
    assert not (tmp_path / "code was run").exists()
    run(spec(loss="remembering"), elsewhere)
    assert weights(settings, spec(loss="remembering")) == weights(elsewhere, spec(loss="remembering"))


def test_a_folder_in_its_place(settings: EngineSettings) -> None:
    path = settings.checkpoint_path(spec().key)
    assert path is not None
    path.mkdir(parents=True)
    events = run(spec(), settings)
    assert "damaged" in notices(events)[0]
    assert ending(events).status == "done"


def test_another_precision_does_not_go_on_with_it(path: Path, settings: EngineSettings) -> None:
    events = run(spec(loss="remembering"), replace(settings, precision="bf16"))
    assert "another run, data set or precision" in notices(events)[0]


def test_a_crash_while_writing_leaves_the_old_file(
    path: Path, settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for target, name in ((tensor_file.os, "fsync"), (Path, "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, full)
            events = run(spec(loss="remembering"), settings, stop_after(3))
        end = ending(events)
        assert (end.status, end.error, end.traceback) == ("interrupted", None, None)
        [told] = notices(events)
        assert "cannot write checkpoint.safetensors" in told
        assert "No space left on device" in told
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]
    assert resumed_from(run(spec(loss="remembering"), settings)) == 10


def test_a_run_goes_on_without_checkpoints(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full for as long as checkpoints are written, and has room again for the final weights."""
    undisturbed = run(spec(), replace(settings, checkpoint_dir=None))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    genuine = checkpoint.write_tensors

    def refuse_checkpoints(path: Path, *rest: object) -> object:
        with monkeypatch.context() as patch:
            if path.name == "checkpoint.safetensors":
                patch.setattr(tensor_file.os, "fsync", full)
            return genuine(path, *rest)

    monkeypatch.setattr(checkpoint, "write_tensors", refuse_checkpoints)
    # Due at every look, twice a second of the clock; the steps of this run are made to take that long.
    monkeypatch.setattr("lsncli.engine.clock.Clock.due", lambda self: True)
    events = run(spec(), replace(settings, checkpoint_seconds=0.0))
    assert ending(events).status == "done"
    assert len(notices(events)) == 1
    assert "No space left on device" in notices(events)[0]
    assert metrics(events) == metrics(undisturbed)


def test_an_interrupt_while_writing_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tensor_file.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_tensors(path, {"a": torch.zeros(3)}, {})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_file_where_the_folder_should_be(settings: EngineSettings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    end = ending(run(spec(), replace(settings, checkpoint_dir=tmp_path / "file")))
    assert end.status == "failed"
    assert end.error is not None
    assert "cannot write final.safetensors" in end.error
    assert "--db" in end.error
    assert "LsnError" in str(end.traceback)


def test_nothing_that_reads_checkpoints_can_unpickle() -> None:
    """Neither pickle nor torch.load, which may use it, is named in the modules that read files."""
    for module in (checkpoint, tensor_file):
        tree = ast.parse(Path(str(module.__file__)).read_text())
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not names & {"load", "pickle", "eval", "exec"}
        assert "pickle" not in imported


def test_tensors_of_every_kind_survive(tmp_path: Path) -> None:
    one = torch.arange(6.0).reshape(2, 3)
    written = {
        "transposed": one.T,
        "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "shared a": one,
        "shared b": one[0],
        "scalar": torch.tensor(3.5, dtype=torch.float64),
        "empty": torch.zeros(0, 4),
        "yes": torch.tensor([True, False]),
        "half": torch.tensor([1.5], dtype=torch.bfloat16),
    }
    path = tmp_path / "folder" / "file.safetensors"
    digest, size = write_tensors(path, written, {"step": 3})
    assert size == path.stat().st_size
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())",
            path,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert digest == done.stdout.strip()
    tensors, about = read_tensors(path)
    assert about["step"] == 3
    assert tensors.keys() == written.keys()
    for name, value in written.items():
        assert tensors[name].dtype == value.dtype
        assert torch.equal(tensors[name], value)


def test_final_weights_fit_their_architecture_alone(tmp_path: Path) -> None:
    module, same, other = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2), torch.nn.Linear(3, 4)
    save_weights(tmp_path / "w", module, {"key": "k"})
    load_weights(tmp_path / "w", same)
    assert torch.equal(same.weight, module.weight)
    before = other.weight.clone()
    with pytest.raises(UnusableCheckpointError, match="does not fit"):
        load_weights(tmp_path / "w", other)
    assert torch.equal(other.weight, before)
    (tmp_path / "w").write_bytes(b"x")
    with pytest.raises(UnusableCheckpointError, match="damaged"):
        load_weights(tmp_path / "w", same)
    with pytest.raises(UnusableCheckpointError, match="damaged"):
        load_weights(tmp_path / "missing", same)


def test_an_unwritable_folder_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(LsnError, match="cannot write w of the run: Permission denied"):
        write_tensors(tmp_path / "new" / "w", {}, {})


def test_metrics_of_a_rerun_after_damage_are_complete(path: Path, settings: EngineSettings) -> None:
    path.write_bytes(b"")
    steps = {step for step, _ in metrics(run(spec(loss="remembering"), settings))}
    assert steps == {0, 5, 10, 15, 20}
