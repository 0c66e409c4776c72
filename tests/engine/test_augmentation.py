"""Batches against a plain implementation, image by image; random draws as functions of their seeds."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from engine_samples import draw_images, ending, run, spec

from lsncli.engine import images as images_module
from lsncli.engine.images import Normalisation, TestImages, TrainingImages
from lsncli.engine.pixels import fits
from lsncli.engine.settings import EngineSettings
from lsncli.engine.streams import stream, torch_seed

CPU = torch.device("cpu")
N, PADDING = 23, 2


def images(channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (N, 7, 5, channels), dtype=np.uint8)


def training(augment: str, channels: int = 3, *, on_host: bool = False) -> TrainingImages:
    pixels = images(channels)
    return TrainingImages(pixels, Normalisation.of(pixels, CPU), augment, PADDING, CPU, on_host=on_host)


@pytest.fixture(params=["in a padded copy", "padded batch by batch", "brought batch by batch"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How training images are kept: those of small sets, of large ones, and those that no device has room for."""
    if request.param == "padded batch by batch":
        monkeypatch.setattr(images_module, "PADDED_COPY", 0)
    return str(request.param)


def one_by_one(
    pixels: np.ndarray, indices: np.ndarray, offsets: np.ndarray | None, flips: np.ndarray | None
) -> np.ndarray:
    """Pad, crop, flip and normalise each image by itself; result in [B, C, H, W]."""
    height, width = pixels.shape[1:3]
    mean = pixels.reshape(-1, pixels.shape[-1]).mean(0, dtype=np.float64)
    std = pixels.reshape(-1, pixels.shape[-1]).std(0, dtype=np.float64)
    result = []
    for index in indices:
        image = pixels[index]
        if offsets is not None:
            padded = np.zeros((height + 2 * PADDING, width + 2 * PADDING, image.shape[-1]), np.uint8)
            padded[PADDING : PADDING + height, PADDING : PADDING + width] = image
            y, x = offsets[len(result)]
            image = padded[y : y + height, x : x + width]
        if flips is not None and flips[len(result)]:
            image = image[:, ::-1]
        result.append(((image - mean) / std).transpose(2, 0, 1))
    return np.stack(result)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("augment", ["none", "crop", "flip", "crop-flip"])
def test_batch_equals_a_plain_implementation(augment: str, channels: int, kept: str) -> None:
    train = training(augment, channels, on_host=kept.startswith("brought"))
    padded = "crop" in augment and kept == "in a padded copy"
    assert train.images.shape == (N, 7 + 2 * PADDING * padded, 5 + 2 * PADDING * padded, channels)
    draws = train.draw(seed=5, epoch=2)
    assert (draws.offsets is not None, draws.flips is not None) == ("crop" in augment, "flip" in augment)
    for start, size in ((0, 8), (8, 8), (16, 7)):
        indices, batch = train.batch(draws, start, size)
        chosen = slice(start, start + size)
        assert torch.equal(indices, draws.order[chosen])
        expected = one_by_one(
            images(channels),
            draws.order[chosen].numpy(),
            None if draws.offsets is None else draws.offsets[chosen].numpy(),
            None if draws.flips is None else draws.flips[chosen].numpy(),
        )
        assert batch.dtype == torch.float32
        assert batch.is_contiguous(memory_format=torch.channels_last)
        np.testing.assert_allclose(batch.numpy(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("augment", ["none", "crop-flip"])
def test_evaluation_sees_every_image_in_order_and_unchanged(augment: str, kept: str) -> None:
    expected = one_by_one(images(), np.arange(N), None, None)
    on_host = kept.startswith("brought")
    train = training(augment, on_host=on_host)
    np.testing.assert_allclose(torch.cat(list(train.plain(10))).numpy(), expected, atol=1e-5)
    chosen = torch.tensor([22, 3, 3, 0])
    np.testing.assert_allclose(train.at(chosen).numpy(), expected[chosen.numpy()], atol=1e-5)
    test = TestImages(images(), Normalisation.of(images(), CPU), CPU, on_host=on_host)
    np.testing.assert_allclose(torch.cat(list(test.plain(10))).numpy(), expected, atol=1e-5)


def test_however_they_are_kept_the_bits_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = training("crop-flip")
    monkeypatch.setattr(images_module, "PADDED_COPY", 0)
    draws = copied.draw(5, 2)
    _, expected = copied.batch(draws, 3, 8)
    for other in (training("crop-flip"), training("crop-flip", on_host=True)):
        assert other.margin == 0
        assert torch.equal(other.batch(draws, 3, 8)[1], expected)


def test_a_mapped_file_that_can_only_be_read_is_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    pixels = images()
    pixels.flags.writeable = False
    train = TrainingImages(pixels, Normalisation.of(pixels, CPU), "crop", PADDING, CPU, on_host=True)
    assert train.images.data_ptr() == pixels.ctypes.data, "not copied"
    assert len(list(train.plain(10))) == 3
    assert not recwarn.list


@pytest.mark.parametrize(
    ("nbytes", "room", "expected"),
    [(10**12, None, True), (100, 200, True), (101, 201, False), (101, 200, False), (0, 0, True)],
)
def test_images_take_half_of_the_room_at_most(nbytes: int, room: int | None, expected: bool) -> None:
    assert fits(nbytes, room) is expected


def test_normalised_training_images_have_mean_0_and_deviation_1() -> None:
    shown = torch.cat(list(training("none").plain(10))).double()
    torch.testing.assert_close(shown.mean((0, 2, 3)), torch.zeros(3, dtype=torch.float64), atol=1e-6, rtol=0)
    deviation = shown.std((0, 2, 3), correction=0)
    torch.testing.assert_close(deviation, torch.ones(3, dtype=torch.float64), atol=1e-6, rtol=0)


def test_a_constant_channel_becomes_zero() -> None:
    pixels = images()
    pixels[..., 1] = 77
    normalise = Normalisation.of(pixels, CPU)
    assert normalise.std[1] == 1
    assert torch.equal(normalise(torch.from_numpy(pixels))[:, 1], torch.zeros(N, 7, 5))


def test_draws_are_functions_of_seed_and_epoch_alone() -> None:
    def all_draws(seed: int, epoch: int) -> list[list[object]]:
        draws = training("crop-flip").draw(seed, epoch)
        assert draws.offsets is not None
        assert draws.flips is not None
        return [draws.order.tolist(), draws.offsets.tolist(), draws.flips.tolist()]

    first = all_draws(5, 0)
    torch.manual_seed(123)
    np.random.seed(123)
    all_draws(6, 3)
    assert all_draws(5, 0) == first
    for other in (all_draws(6, 0), all_draws(5, 1)):
        assert all(mine != theirs for mine, theirs in zip(first, other, strict=True))


def test_crops_and_flips_do_not_depend_on_each_other() -> None:
    both, crop, flip = (training(a).draw(4, 1) for a in ("crop-flip", "crop", "flip"))
    assert torch.equal(both.order, crop.order)
    assert torch.equal(both.order, flip.order)
    assert both.offsets is not None
    assert both.flips is not None
    assert torch.equal(both.offsets, crop.offsets)
    assert torch.equal(both.flips, flip.flips)


def test_draws_are_uniform() -> None:
    """χ² of 25 equally likely offsets and of fair flips over 20 000 draws, against the 1e-6 quantiles."""
    pixels = np.zeros((20_000, 1, 1, 1), np.uint8)
    draws = TrainingImages(pixels, Normalisation.of(pixels, CPU), "crop-flip", PADDING, CPU).draw(0, 0)
    assert draws.offsets is not None
    assert draws.flips is not None
    counts = np.bincount(draws.offsets.numpy() @ np.array([5, 1]), minlength=25)
    assert ((counts - 800) ** 2 / 800).sum() < 73.8  # scipy.stats.chi2.isf(1e-6, 24)
    assert abs(int(draws.flips.sum()) - 10_000) < 4.9 * np.sqrt(5000)


def test_every_concern_has_a_stream_of_its_own() -> None:
    concerns = ("initialisation", "order", "crops", "flips", "noise", "library")
    streams = [stream(seed, c, epoch) for seed in (0, 1) for c in concerns for epoch in (0, 1)]  # type: ignore[arg-type]
    assert len({generator.integers(2**63) for generator in streams}) == len(streams)
    assert torch_seed(0, "library") != torch_seed(0, "initialisation")


def test_stream_is_what_it_always_was() -> None:
    """Published results depend on it: numpy promises that PCG64 of a SeedSequence never changes."""
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence([11, 1, 2]))).permutation(9)
    assert stream(11, "order", 2).permutation(9).tolist() == expected.tolist()


@pytest.mark.usefixtures("plugin")
def test_training_uses_every_example_once_per_epoch(settings: EngineSettings) -> None:
    # 64 examples in batches of 16: epochs of 4 steps.
    assert ending(run(spec(loss="seeing", steps=8), settings)).status == "done"
    seen = _seen()
    assert [step for step, _, _ in seen] == list(range(8))
    epochs = [[index for _, indices, _ in seen[at : at + 4] for index in indices] for at in (0, 4)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(64))] * 2
    assert epochs[0] != epochs[1]


@pytest.mark.usefixtures("plugin")
def test_an_incomplete_last_batch_is_left_out(settings: EngineSettings) -> None:
    # 64 = 2·30 + 4: two steps an epoch, and no example twice in one.
    assert ending(run(spec(loss="seeing", steps=4, batch_size=30), settings)).status == "done"
    for at in (0, 2):
        epoch = [index for _, indices, _ in _seen()[at : at + 2] for index in indices]
        assert len(set(epoch)) == 60


@pytest.mark.usefixtures("plugin")
def test_targets_are_the_given_labels(settings: EngineSettings) -> None:
    """Every example comes with one and the same label in all epochs; a quarter of them is wrong, exactly."""
    run(spec(loss="seeing", steps=8, rate=0.25), settings)
    labels: dict[int, set[int]] = {}
    for _, indices, targets in _seen():
        for index, target in zip(indices, targets, strict=True):
            labels.setdefault(index, set()).add(target)
    assert all(len(given) == 1 for given in labels.values())
    true = draw_images(settings.checkpoint_dir / "again").train_labels  # type: ignore[operator]
    assert sum(labels[i] != {int(true[i])} for i in range(64)) == 16


def _seen() -> list[tuple[int, list[int], list[int]]]:
    """What the plugin's loss ``seeing`` has noted in its last run."""
    seen = sys.modules["peculiar"].SEEN
    last = max(i for i, (step, _, _) in enumerate(seen) if step == 0)
    return seen[last:]  # type: ignore[no-any-return]
