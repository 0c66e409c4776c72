"""Reads networks of finished runs, for the runs that depend on them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lsncli.architectures.prelogits import with_prelogits
from lsncli.backends.interface import Backend
from lsncli.engine.building import build_architecture
from lsncli.engine.checkpoint import UnusableCheckpointError, load_weights
from lsncli.engine.evaluation import EVALUATION_BATCH, predict
from lsncli.engine.images import TrainingImages
from lsncli.engine.run_data import renormalisation
from lsncli.engine.settings import EngineSettings
from lsncli.errors import LsnError
from lsncli.plan import DataSpec, RunSpec


@dataclass(frozen=True, slots=True)
class FinishedRunReader:
    """Loads the networks of other runs onto the device of this one, for the same kind of images.

    ``data`` is what the images were normalised by that the networks will be shown: one that was trained on other
    data gets them normalised as its own were. None: they come as each network knows them.
    """

    settings: EngineSettings
    device: torch.device
    backend: Backend
    precision: str
    num_classes: int
    image_shape: tuple[int, int, int]
    data: DataSpec | None = None

    def network(self, spec: RunSpec) -> nn.Module:
        """The trained network of ``spec``, in evaluation mode; raises :class:`LsnError` without its weights."""
        path = self.settings.weights_path(spec.key)
        advice = f"train it again: the run is {spec.describe()}"
        if path is None or not path.exists():
            raise LsnError(f"the weights of run {spec.key[:10]}, which this run needs, are missing", next=advice)
        module = build_architecture(spec.model, self.num_classes, self.image_shape)
        try:
            load_weights(path, module)
        except UnusableCheckpointError as error:
            raise LsnError(
                f"the weights of run {spec.key[:10]}, which this run needs, cannot be used: {error}",
                where=str(path),
                next=f"remove the file and {advice}",
            ) from None
        module = self.backend.place(module, self.device)
        module.requires_grad_(False)
        self._let_it_see_its_own(module, spec.data)
        return module.eval()

    def _let_it_see_its_own(self, module: nn.Module, data: DataSpec) -> None:
        """Normalise what a network is shown by the training set ``data``, which was its own."""
        change = None if self.data is None else renormalisation(self.data, data, self.settings, self.device)
        if change is None:
            return
        scale, shift = change
        # In front of the network, and not around it: whoever looks for its layers finds them where they were.
        module.register_forward_pre_hook(lambda _, inputs: (inputs[0] * scale + shift, *inputs[1:]))

    def logits(self, module: nn.Module, images: TrainingImages) -> Tensor:
        """Logits ``[N, L]`` of all training images, without augmentation."""
        logits = predict(module, images.plain(EVALUATION_BATCH), self.backend, self.precision)
        return logits.to(self.device)

    def logits_and_prelogits(self, module: nn.Module, images: TrainingImages) -> tuple[Tensor, Tensor]:
        """Logits ``[N, L]`` and what enters the final linear layer, ``[N, D]``, float32 on the CPU.

        Raises :class:`LsnError` for a network without a final linear layer.
        """
        forward = with_prelogits(module, self.num_classes)
        parts = []
        with self.backend.autocast(self.precision):
            for batch in images.plain(EVALUATION_BATCH):
                logits, prelogits = forward(batch)
                parts.append((logits.float().cpu(), prelogits.flatten(1).float().cpu()))
        logits, prelogits = (torch.cat(both) for both in zip(*parts, strict=True))
        return logits, prelogits
