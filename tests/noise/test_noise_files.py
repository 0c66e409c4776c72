"""Noise models are asked for their files before anything is trained."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lsncli import LsnError, NoiseModelInfo, Params
from lsncli.noise import files
from lsncli.noise.files import find_noise_files
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, Plan, RunSpec, TrainSpec


class LabelParams(Params):
    kind: str = "worst"


def plan_of(*noises: NoiseSpec) -> Plan:
    return Plan.of(
        RunSpec(
            data=DataSpec(name="digits"),
            noise=noise,
            model=ComponentSpec(name="linear"),
            loss=ComponentSpec(name="standard"),
            train=TrainSpec(steps=1, optimizer=ComponentSpec(name="sgd")),
            seed=seed,
        )
        for noise in noises
        for seed in (0, 1)
    )


def register(monkeypatch: pytest.MonkeyPatch, **info: Any) -> None:
    record = NoiseModelInfo(name="labels", build=lambda params, context: None, params=LabelParams, **info)
    monkeypatch.setattr(files, "registry", lambda: SimpleNamespace(get=lambda kind, name: record))


def test_each_noise_is_asked_once_with_its_parameters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    register(monkeypatch, find_files=lambda params, data_dir: asked.append((params, data_dir)))
    find_noise_files(plan_of(NoiseSpec(name="labels"), NoiseSpec(name="labels", params={"kind": "a"})), tmp_path)
    assert asked == [(LabelParams(), tmp_path), (LabelParams(kind="a"), tmp_path)]


def test_a_model_without_files_is_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    register(monkeypatch)
    find_noise_files(plan_of(NoiseSpec(name="labels")), tmp_path)


def test_a_missing_file_and_a_fault_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(params: Any, data_dir: Path) -> None:
        raise LsnError("labels.pt is missing", next="get it")

    def broken(params: Any, data_dir: Path) -> None:
        raise KeyError("labels")

    register(monkeypatch, find_files=missing)
    with pytest.raises(LsnError, match=r"labels\.pt is missing"):
        find_noise_files(plan_of(NoiseSpec(name="labels")), tmp_path)
    register(monkeypatch, find_files=broken)
    with pytest.raises(LsnError, match="noise model 'labels' could not look for its files: KeyError") as error:
        find_noise_files(plan_of(NoiseSpec(name="labels")), tmp_path)
    assert "author" in str(error.value.next)
