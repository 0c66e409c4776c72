"""``lsn battery`` on the components of a throw-away package, as its author would run it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PLUGIN = '''
from contextlib import nullcontext
from lsncli import ArchitectureInfo, Backend, BackendInfo, LossInfo, NoiseModelInfo, Params, hookimpl
from pydantic import Field

class Taylor(Params):
    """Parameters of the truncated series."""
    terms: int = Field(2, ge=1, description="Terms of the series of -log p about 1.")

def build(params, context):
    import torch

    def taylor(logits, targets, inputs=None):
        p = torch.softmax(logits.float(), dim=1).gather(1, targets[:, None])[:, 0]
        return sum((1 - p) ** k / k for k in range(1, params.terms + 1))

    return taylor

@hookimpl
def lsn_losses(register):
    register(LossInfo(name="taylor-ce", build=build, params=Taylor, summary="Taylor cross-entropy"))
    register(LossInfo(name="twin", build=build, params=Taylor))

class Strided(Params):
    """Every so many examples have the label of the next class: noise without a rate and without a matrix."""
    stride: int = Field(ge=2)

class StridedNoise:
    def __init__(self, stride):
        self.stride = stride

    def apply(self, labels, num_classes, generator, features=None):
        noisy = labels.copy()
        noisy[:: self.stride] = (noisy[:: self.stride] + 1) % num_classes
        return noisy

    def transition(self, num_classes):
        return None

@hookimpl
def lsn_noise_models(register):
    register(
        NoiseModelInfo(
            name="strided",
            build=lambda params, context: StridedNoise(params.stride),
            params=Strided,
            has_transition=False,
        )
    )

class Narrow(Params):
    """A network of one hidden layer."""
    units: int = Field(ge=1)

def build_narrow(params, context):
    from math import prod
    from torch import nn

    pixels = prod(context.input_shape)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(pixels, params.units), nn.ReLU(), nn.Linear(params.units, context.num_classes)
    )

@hookimpl
def lsn_architectures(register):
    register(ArchitectureInfo(name="narrow", build=build_narrow, params=Narrow))
    register(ArchitectureInfo(name="twin", build=build_narrow, params=Narrow))

class Tile(Backend):
    """A device that is the processor."""
    name = "tile"

    def unavailable(self):
        return None

    def devices(self):
        return ["tile:0", "tile:1"]

    def precisions(self):
        return ("fp32",)

    def prepare(self, device, *, threads):
        import torch

        return torch.device("cpu")

    def release(self):
        pass

    def autocast(self, precision):
        return nullcontext()

    def place(self, module, device):
        return module.to(device)

    def synchronize(self):
        pass

    def describe(self, device):
        return {"backend": self.name, "device": device}

@hookimpl
def lsn_backends(register):
    register(BackendInfo(name="tile", build=lambda params, context: Tile(), priority=-5))
'''


def installer(repository: Path) -> ModuleType:
    """The tests' own installer of packages that do not exist."""
    spec = importlib.util.spec_from_file_location("fakes", repository / "tests" / "registry" / "fake_plugins.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["fakes"] = made  # a dataclass looks its module up
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("battery")
    fakes = installer(Path(__file__).resolve().parents[2])
    fakes.install(folder / "packages", "lsn-taylor", "lsn_taylor", PLUGIN)
    return folder


def lsn(place: Path, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LSN_DATA_DIR": str(place / "data"), "PYTHONPATH": str(place / "packages")}
    done = subprocess.run(
        [sys.executable, "-m", "lsncli", *words],
        capture_output=True,
        text=True,
        cwd=place,
        env=environment,
        timeout=280,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done


ASKED = (
    *("battery", "taylor-ce", "--set", "loss.terms=4", "--set", "train.steps=15"),
    *("--profile", "smoke", "--seeds", "3"),
)


@pytest.fixture(scope="module")
def trained(place: Path) -> dict[str, object]:
    """Everything trained, as JSON."""
    found: dict[str, object] = json.loads(lsn(place, *ASKED, "--format", "json").stdout)
    return found


def test_one_command_gives_the_whole_evaluation(trained: dict[str, object]) -> None:
    assert trained["title"] == "taylor-ce terms=4, tested against the paper's methods"
    assert trained["profile"] == "smoke"
    tables, claims = trained["tables"], trained["claims"]
    assert isinstance(tables, dict)
    assert isinstance(claims, list)
    assert list(tables) == ["accuracy", "denoising", "calibration", "distillation"]
    for table in tables.values():
        assert {cell["status"] for cell in table["cells"]} == {"complete"}
        assert "taylor-ce terms=4" in {cell["row"]["label"] for cell in table["cells"]}
    assert {setting["n"] for claim in claims for setting in claim["settings"]} == {3}
    # Three pairs are enough for a verdict, whichever it is.
    assert "not enough runs" not in {claim["verdict"] for claim in claims}
    assert {s["compared"] for c in claims for s in c["settings"]} == {
        "taylor-ce terms=4",
        "teacher: taylor-ce terms=4",
    }


def test_a_report_trains_nothing(place: Path, trained: dict[str, object]) -> None:
    again = lsn(place, "battery", "taylor-ce", "--report", *ASKED[2:], "--format", "json")
    assert json.loads(again.stdout) == trained
    assert "trained" not in again.stderr
    assert " 0 trained" in lsn(place, *ASKED, "--format", "md").stderr


def test_in_words_and_files(place: Path, trained: dict[str, object]) -> None:
    shown = lsn(place, "battery", "taylor-ce", "--report", *ASKED[2:]).stdout
    for words in ("Clean test accuracy under noise: taylor-ce terms=4", "noisy part of train", "denoises", "d_z"):
        assert words in shown
    lsn(place, "battery", "taylor-ce", "--report", *ASKED[2:], "--format", "html", "--output", "out")
    parts = ("accuracy", "denoising", "calibration", "distillation", "hypotheses")
    assert {file.name for file in (place / "out").iterdir()} == {f"{part}.html" for part in parts}
    lsn(place, "battery", "taylor-ce", "--report", *ASKED[2:], "--part", "accuracy", "--output", "words")
    assert (place / "words" / "accuracy.md").read_text().startswith("### Clean test accuracy under noise")
    refused = lsn(place, "battery", "taylor-ce", "--report", "--format", "csv", status=2)
    assert "add --output FOLDER" in refused.stderr


def test_without_results_it_says_what_to_do(place: Path) -> None:
    shown = lsn(place, "battery", "taylor-ce", "--report", "--part", "accuracy", "--db", "new.db", status=2)
    assert "new.db" in shown.stderr
    empty = place / "empty"
    empty.mkdir()
    shown = lsn(empty, "battery", "label-smoothing", "--report", "--part", "accuracy", "--seeds", "2")
    assert "missing (0/2)" in shown.stdout
    assert "lsn battery label-smoothing --part accuracy --seeds 2" in shown.stdout
    assert not list(empty.iterdir())


def test_a_dry_run_shares_the_quick_start_s_runs(place: Path, trained: dict[str, object]) -> None:
    planned = lsn(place, "battery", "taylor-ce", "--dry-run", "--profile", "smoke", "--seeds", "3")
    # 11 losses at 3 rates, and 4 students, over 3 seeds.
    assert f"{(11 * 3 + 4) * 3} runs" in planned.stderr


def test_a_loss_that_does_not_take_what_is_asked(place: Path) -> None:
    wrong = lsn(place, "battery", "taylor-ce", "--set", "loss.term=4", status=2).stderr
    assert "did you mean 'terms'" in wrong
    assert "Traceback" not in wrong
    wrong = lsn(place, "battery", "tailor-ce", status=2).stderr
    assert "did you mean 'taylor-ce'" in wrong


SMALL = ("--set", "train.steps=15", "--profile", "smoke", "--seeds", "3")


def outcome(place: Path, *words: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(lsn(place, "battery", *words, *SMALL, "--format", "json").stdout)
    return found


def cells(found: dict[str, object]) -> list[dict[str, object]]:
    tables = found["tables"]
    assert isinstance(tables, dict)
    return [cell for table in tables.values() for cell in table["cells"]]


def test_a_noise_model_without_a_rate(place: Path) -> None:
    missing = lsn(place, "battery", "strided", *SMALL, status=2).stderr
    assert "stride: field required\n  where: --set noise.stride" in missing
    done = lsn(place, "battery", "strided", "--set", "noise.stride=4", *SMALL)
    # Standard training and three α of smoothing, and a student of two teachers each, over three seeds.
    assert "18 runs: 18 trained" in done.stderr
    for text in (done.stdout, done.stderr):
        assert "Forward correction and backward correction are left out" in text
    found = outcome(place, "strided", "--set", "noise.stride=4")
    assert found["title"] == "The paper's claims, tested: under the noise model strided stride=4"
    assert {cell["status"] for cell in cells(found)} == {"complete"}
    claims = found["claims"]
    assert isinstance(claims, list)
    assert {claim["id"] for claim in claims} >= {
        "smoothing-denoises",
        "noise-fitted-less",
        "smoothed-teacher-helps",
    }
    assert {s["n"] for claim in claims for s in claim["settings"]} == {3}


def test_a_loss_under_it_and_on_another_network(place: Path) -> None:
    words = ("--set", "noise.name=strided", "--set", "noise.stride=4", "--set", "model.name=linear")
    found = outcome(place, "taylor-ce", *words)
    assert {cell["status"] for cell in cells(found)} == {"complete"}
    accuracy = [cell for cell in cells(found) if cell["metric"] == "test_accuracy"]
    assert {str(cell["column"]) for cell in accuracy} == {"{}"}


def test_an_architecture_with_a_required_parameter(place: Path) -> None:
    missing = lsn(place, "battery", "narrow", *SMALL, status=2).stderr
    assert "units: field required\n  where: --set model.units" in missing
    found = outcome(place, "narrow", "--set", "model.units=[4,8]", "--part", "distillation")
    assert {cell["status"] for cell in cells(found)} == {"complete"}
    assert {cell["row"]["model.units"] for cell in cells(found)} == {4, 8}  # type: ignore[index]


def test_a_device_of_a_third_party(place: Path) -> None:
    words = ("battery", "taylor-ce", "--part", "calibration", "--only", "label=standard", *SMALL, "--db", "tile.db")
    lsn(place, *words, "--device", "tile:1")
    listed = json.loads(lsn(place, "runs", "list", "--db", "tile.db", "--format", "json").stdout)
    assert len(listed) == 3
    shown = lsn(place, "runs", "show", listed[0]["key"], "--db", "tile.db", "--format", "json").stdout
    assert json.loads(shown)["provenance"]["device"] == "tile:1"
    assert "valid: tile:0, tile:1" in lsn(place, *words, "--device", "tile:2", status=2).stderr
    assert "lsn battery NAME --device tile" in lsn(place, "battery", "tile", status=2).stderr


def test_a_name_of_two_kinds(place: Path) -> None:
    told = lsn(place, "battery", "twin", status=2).stderr
    assert "'twin' is the name of a loss and of an architecture" in told
    assert "valid: --kind loss, --kind architecture" in told
    planned = lsn(place, "battery", "twin", "--kind", "architecture", "--set", "model.units=3", "--dry-run", *SMALL)
    assert f"{(10 * 3 + 3) * 3} runs" in planned.stderr
