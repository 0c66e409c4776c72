"""The batches of a run, step by step; runs of one seed and one augmentation share them."""

from __future__ import annotations

import torch
from torch import Tensor

from lsncli.engine.images import Draws, TrainingImages


class Feed:
    """Gives the batches of one seed; :meth:`prepare` is called before every step, :meth:`batch` in it."""

    def __init__(self, images: TrainingImages, seed: int, batch_size: int) -> None:
        self.images = images
        self.seed = seed
        self.size = batch_size
        self.per_epoch = images.count // batch_size
        self.epoch = -1
        self.draws: Draws | None = None
        self._place = 0

    def prepare(self, step: int) -> None:
        """Draw the random choices of the epoch of ``step``, where it is another one than before."""
        epoch, self._place = divmod(step, self.per_epoch)
        if epoch != self.epoch:
            self.draws = self.images.draw(self.seed, epoch)
            self.epoch = epoch

    def batch(self) -> tuple[Tensor, Tensor]:
        """Indices ``[B]`` and normalised, augmented images ``[B, C, H, W]`` of the step."""
        assert self.draws is not None, "no step was prepared"
        return self.images.batch(self.draws, self._place * self.size, self.size)


class RecordedFeed(Feed):
    """The same batches for a step that is recorded: a counter on the device says which one it is.

    ``place`` ``[1]``, int64, is the step's number within its epoch; :meth:`advance`, at a step's end, counts.
    The choices of an epoch stay in one place of the device's memory, which the record knows.
    """

    def __init__(self, images: TrainingImages, seed: int, batch_size: int) -> None:
        super().__init__(images, seed, batch_size)
        self.place = torch.zeros(1, dtype=torch.int64, device=images.device)
        self._rows = torch.arange(batch_size, dtype=torch.int64, device=images.device)
        self._order = torch.empty(0, dtype=torch.int64)
        #: Where the images of a step are brought, if they are not all on the device: the record knows this place.
        self._brought: Tensor | None = None
        if images.on_host:
            shape = (batch_size, images.height, images.width, images.channels)
            self._brought = torch.empty(shape, dtype=torch.uint8, device=images.device)

    def prepare(self, step: int) -> None:
        """As for every feed; the counter is set where an epoch begins, or a run goes on within one."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self.epoch:
            self._begin(epoch, place)
        if self._brought is not None:
            self.images.pixels.bring(self._order[place * self.size : (place + 1) * self.size], self._brought)

    def _begin(self, epoch: int, place: int) -> None:
        drawn = self.images.draw(self.seed, epoch)
        if self.draws is None:
            self.draws = drawn
        else:
            self.draws.copy_(drawn)
        self.epoch = epoch
        self.place.fill_(place)
        if self._brought is not None:
            self._order = torch.from_numpy(self.images.order(self.seed, epoch))

    def batch(self) -> tuple[Tensor, Tensor]:
        """Indices ``[B]`` and normalised, augmented images ``[B, C, H, W]`` of the step."""
        assert self.draws is not None, "no step was prepared"
        chosen = self.draws.of(self._rows + self.place * self.size)
        return chosen.order, self.images.augmented(chosen, self._brought)

    def advance(self) -> None:
        """Count a step."""
        self.place.add_(1)
