"""Everything that a run needs before its first step: data on the device, noisy labels, the loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lsncli.backends.interface import Backend
from lsncli.components import LossContext, NoiseContext
from lsncli.data.holding_out import hold_out
from lsncli.engine.building import build_architecture, build_component
from lsncli.engine.estimation import estimate_transition
from lsncli.engine.finished_run import FinishedRunReader
from lsncli.engine.images import Normalisation, TestImages, TrainingImages
from lsncli.engine.pixels import fits
from lsncli.engine.run_data import load_arrays
from lsncli.engine.settings import EngineSettings
from lsncli.engine.streams import stream, torch_seed
from lsncli.engine.teaching import Teacher
from lsncli.errors import LsnError
from lsncli.estimators.distance import distances, total_variation
from lsncli.losses.interface import Loss
from lsncli.noise.realised import realised_noise
from lsncli.plan import RunSpec
from lsncli.registry import registry


@dataclass(frozen=True, slots=True)
class Workspace:
    """The materials of one run, on its device.

    ``true`` labels are None where nobody knows them. ``transition`` is what the loss is given, where it needs one:
    the estimate where the run makes one, else the noise model's own, which is ``noise_transition`` (None, too,
    where the true labels are unknown).
    ``estimate_errors`` ``[L]`` are the total variations of the estimate's rows from the true ones, None where those
    are not known. Examples held out for validation are in ``validation`` with the labels that they were given, and
    not in ``train``.
    """

    train: TrainingImages
    test: TestImages
    given: Tensor
    true: Tensor | None
    test_labels: Tensor
    module: nn.Module
    loss: Loss
    teacher: Teacher | None
    transition: Tensor | None
    estimate: npt.NDArray[np.float64] | None
    estimate_errors: npt.NDArray[np.float64] | None
    num_classes: int
    data_digest: str
    noise_metrics: dict[str, float]
    noise_counts: npt.NDArray[np.int64] | None
    noise_transition: npt.NDArray[np.float64] | None = None
    validation: TestImages | None = None
    validation_given: Tensor | None = None


def prepare_workspace(
    spec: RunSpec,
    settings: EngineSettings,
    device: torch.device,
    backend: Backend,
    precision: str,
    like: Workspace | None = None,
) -> Workspace:
    """Load the data, corrupt the training labels, build architecture and loss, all from the run's own seeds.

    Reads the finished runs that the run depends on: its teacher, the run behind its transition matrix. ``like``
    is the workspace of another run with the same data and augmentation: the images are shared with it, and the
    teacher's network where it has the same.
    """
    arrays = load_arrays(spec.data, settings)
    held = hold_out(len(arrays.train_labels), spec.data.validation_size, spec.data.subset_seed)
    # A slice copies nothing where all are trained on.
    trained_on = slice(None) if held is None else held.training
    true = arrays.train_labels[trained_on]
    if spec.train.batch_size > len(true):
        raise LsnError(
            f"batch_size {spec.train.batch_size} is larger than the training set ({len(true)})",
            next="make train.batch_size smaller or data.train_size larger",
        )
    classes = arrays.num_classes
    about = NoiseContext(
        spec.data.name,
        classes,
        arrays.class_names,
        arrays.train_positions,
        settings.data_dir,
        arrays.train_total,
    )
    noise = build_component("noise model", spec.noise, about)
    # Held out is what the noise has been through: the validation labels are as good as those that are trained on.
    labels = noise.apply(
        arrays.train_labels, classes, stream(spec.noise.seed, "noise"), features=arrays.train_images
    )
    noisy = labels[trained_on]
    # What clean data would say is unknown where the labels came noisy: no clean-label metrics then. Nor does the
    # noise model know T there: it has added its noise to what was already in the labels.
    known = arrays.train_labels_clean
    transition = noise.transition(classes) if known else None
    realised = realised_noise(true, noisy, classes) if known else None

    if like is None:
        images = arrays.train_images[trained_on]
        normalise = Normalisation.of(images, device)
        on_host = not fits(images.nbytes + arrays.test_images.nbytes, backend.room())
        train = TrainingImages(
            images,
            normalise,
            spec.train.augment,
            spec.train.crop_padding,
            device,
            traced=backend.traced,
            on_host=on_host,
        )
        test = TestImages(arrays.test_images, normalise, device, traced=backend.traced, on_host=on_host)
        validation = None
        if held is not None:
            chosen = arrays.train_images[held.validation]
            validation = TestImages(chosen, normalise, device, traced=backend.traced, on_host=on_host)
    else:
        train, test, validation = like.train, like.test, like.validation
    reader = FinishedRunReader(settings, device, backend, precision, classes, arrays.image_shape, spec.data)
    estimate = estimate_transition(spec, train, noisy, transition, reader)
    used = transition if estimate is None else estimate
    teacher = None
    if spec.teacher is not None and spec.distillation is not None:
        teacher = Teacher(reader, spec.teacher, spec.distillation, train, like.teacher if like else None)

    # Whatever was read or built before, the run's own parameters come from its own seed.
    torch.manual_seed(torch_seed(spec.seed, "initialisation"))
    module = build_architecture(spec.model, classes, arrays.image_shape)
    torch.manual_seed(torch_seed(spec.seed, "library"))
    backend.seed(torch_seed(spec.seed, "library"))
    # A loss that does not ask for T cannot come to rely on the true one.
    used = used if "transition" in registry().get("loss", spec.loss.name).needs else None
    loss = build_component("loss", spec.loss, LossContext(classes, len(noisy), used))
    if isinstance(loss, nn.Module):
        loss = loss.to(device)

    return Workspace(
        train=train,
        test=test,
        given=_labels(noisy, device),
        true=_labels(true, device) if known else None,
        test_labels=_labels(arrays.test_labels, device),
        module=backend.place(module, device),
        loss=loss,
        teacher=teacher,
        transition=None if used is None else torch.tensor(used, dtype=torch.float32, device=device),
        estimate=estimate,
        estimate_errors=None if estimate is None or transition is None else total_variation(estimate, transition),
        num_classes=classes,
        data_digest=arrays.digest,
        noise_metrics=({"noise_flip_rate": realised.rate} if realised else {})
        | ({} if estimate is None else distances(estimate, transition)),
        noise_counts=realised.counts if realised else None,
        noise_transition=transition,
        validation=validation,
        validation_given=None if held is None else _labels(labels[held.validation], device),
    )


def _labels(labels: npt.NDArray[np.int64], device: torch.device) -> Tensor:
    return torch.from_numpy(np.array(labels, dtype=np.int64)).to(device)
