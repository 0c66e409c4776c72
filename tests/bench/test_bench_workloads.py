"""The synthetic data and runs, and the peer that learns the same."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
import torch

from lsncli.bench import peer as peer_module
from lsncli.bench import workloads as workloads_module
from lsncli.bench.peer import Peer, feature_loader, image_loader
from lsncli.bench.workloads import DEFAULT_MODELS, QUICK_MODELS, Workload, workloads, write_data
from lsncli.data.arrays import Arrays
from lsncli.data.catalogue import load
from lsncli.data.context import DataContext
from lsncli.engine.building import build_component
from lsncli.errors import LsnError
from lsncli.registry import registry


@pytest.fixture
def small(monkeypatch):
    """Data sets of two batches."""
    monkeypatch.setattr(workloads_module, "TRAIN_SIZE", 256)


def arrays_of(images):
    labels = np.arange(len(images), dtype=np.int64) % 10
    return Arrays.of(images, labels, images[:10], labels[:10], tuple(map(str, range(10))))


def test_the_default_models_are_there():
    assert {w.model for w in workloads(DEFAULT_MODELS)} == {"resnet8", "resnet32", "resnet56", "mlp", "linear"}
    assert set(QUICK_MODELS) < set(DEFAULT_MODELS)
    assert [w.model for w in workloads(["mlp", "linear", "mlp"])] == ["mlp", "linear"]


@pytest.mark.parametrize(
    ("models", "told"), [(["resnet23"], "unknown architecture 'resnet23'"), ([], "no model to measure")]
)
def test_models_that_cannot_be_measured(models, told):
    with pytest.raises(LsnError, match=told) as caught:
        workloads(models)
    assert caught.value.where == "--models"
    assert "resnet32" in caught.value.valid


def test_every_component_of_the_measured_runs_is_the_installed_one():
    for workload in workloads(DEFAULT_MODELS):
        spec = workload.spec(seed=3)
        assert spec.seed == 3
        for kind, component in (
            ("architecture", spec.model),
            ("loss", spec.loss),
            ("noise model", spec.noise),
            ("optimizer", spec.train.optimizer),
            ("schedule", spec.train.schedule),
        ):
            assert registry().get(kind, component.name).revision == component.revision
        optimizer = build_component("optimizer", spec.train.optimizer, [torch.zeros(2, requires_grad=True)])
        # As the peer's: appendix B.2's Nesterov momentum and weight decay.
        group = optimizer.param_groups[0]
        assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.9, True, 1e-4)


def test_the_engine_finds_the_data_by_name(small, tmp_path):
    chosen = workloads(["resnet8", "resnet32", "mlp"])
    written = write_data(chosen, tmp_path)
    assert set(written) == {"bench-images", "bench-features"}
    for name, shape in (("bench-images", (32, 32, 3)), ("bench-features", (8, 8, 1))):
        found = load(name, {}, DataContext(tmp_path))
        assert (found.image_shape, found.num_classes, len(found.train_labels)) == (shape, 10, 256)
        assert found.digest == written[name].digest
    # The same on every machine and in every call.
    assert write_data(chosen, tmp_path / "again")["bench-images"].digest == written["bench-images"].digest


def test_the_peers_features_are_normalised():
    """Every channel has mean 0 and variance 1 over the training set, by definition."""
    images = np.random.default_rng(0).integers(0, 256, size=(256, 8, 8, 1), dtype=np.uint8)
    features = torch.cat([batch for batch, _ in feature_loader(arrays_of(images))])
    assert features.shape == (256, 1, 8, 8)
    assert features.double().mean().item() == pytest.approx(0.0, abs=1e-6)
    assert features.double().var(correction=0).item() == pytest.approx(1.0, abs=1e-5)


def test_the_peers_images_are_cropped_and_normalised():
    """Two constant images, 51 and 204: means 0.5, deviations 0.3, so that pixels become −1 and 1.

    Pixels of the padding are 0, which becomes −0.5/0.3; a crop that is moved shows at least one row of them.
    """
    images = np.repeat(np.array([51, 204], np.uint8), 128).reshape(256, 1, 1, 1) * np.ones((1, 32, 32, 3), np.uint8)
    batches = list(image_loader(arrays_of(images), workers=0))
    assert [list(batch.shape) for batch, _ in batches] == [[128, 3, 32, 32]] * 2
    pixels = torch.cat([batch for batch, _ in batches])
    values = torch.unique((pixels * 1000).round() / 1000)
    torch.testing.assert_close(values, torch.tensor([-1.667, -1.0, 1.0]), rtol=0, atol=1.5e-3)
    # 4 pixels of padding on each side leave at least 28 × 28 of the 32 × 32.
    padded = (pixels < -1.3).float().mean(dim=(1, 2, 3))
    assert 0 < padded.max() <= 1 - 28**2 / 32**2
    assert (padded == 0).any()


def test_the_peer_trains_and_ends_its_workers(small, tmp_path, monkeypatch):
    monkeypatch.setattr(peer_module, "SETTLE_SECONDS", 0.0)
    workload = Workload("resnet8")
    threads = torch.get_num_threads()
    before = set(multiprocessing.active_children())
    peer = Peer(workload, write_data([workload], tmp_path)["bench-images"], torch.device("cpu"), threads)
    weights = [p.detach().clone() for p in peer.model.parameters()]
    assert peer.burst(0.0) > 0
    assert len(set(multiprocessing.active_children()) - before) == peer_module.WORKERS
    assert all(not torch.equal(a, b) for a, b in zip(weights, peer.model.parameters(), strict=True))
    assert peer.running_loss > 0
    peer.close()
    peer.close()
    assert set(multiprocessing.active_children()) <= before


def test_the_peers_steps_are_plain_nesterov_sgd(small, tmp_path):
    """One step against the rule written out (Sutskever et al. 2013): v ← g, w ← w − lr (g + 0.9 v), g decayed."""
    workload = Workload("linear")
    arrays = write_data([workload], tmp_path)["bench-features"]
    peer = Peer(workload, arrays, torch.device("cpu"), torch.get_num_threads())
    images, labels = next(iter(feature_loader(arrays)))
    peer._batches = iter([(images, labels)])
    weight = peer.model.classifier.weight.detach().clone().double()
    bias = peer.model.classifier.bias.detach().clone().double()
    assert peer.step() == 128
    x = images.flatten(1).double()
    p = torch.softmax(x @ weight.T + bias, dim=1)
    gradient = (p - torch.eye(10, dtype=torch.float64)[labels]).T @ x / 128 + 1e-4 * weight
    expected = weight - workloads_module.LEARNING_RATE * 1.9 * gradient
    torch.testing.assert_close(peer.model.classifier.weight.double(), expected, rtol=0, atol=1e-6)
