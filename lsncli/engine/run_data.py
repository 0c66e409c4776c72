"""The data of a run: the arrays of its set or subset, what of them it is trained on, and how that is normalised."""

from __future__ import annotations

import json
from collections import OrderedDict

import torch
from torch import Tensor

from lsncli.data.arrays import Arrays
from lsncli.data.catalogue import load
from lsncli.data.context import DataContext
from lsncli.data.holding_out import hold_out
from lsncli.engine.images import pixel_statistics
from lsncli.engine.settings import EngineSettings
from lsncli.plan import DataSpec


def load_arrays(data: DataSpec, settings: EngineSettings) -> Arrays:
    """The data set of a run, or its subset; the last two are kept in memory for the next run."""
    identity = json.dumps([data.plain_identity(), str(settings.data_dir)], sort_keys=True)
    if identity in _arrays:
        _arrays.move_to_end(identity)
        return _arrays[identity]
    context = DataContext(settings.data_dir, settings.download, None)
    arrays = load(data.name, data.params, context)
    if data.train_size or data.test_size:
        arrays = arrays.subset(data.train_size, data.test_size, data.subset_seed)
    _arrays[identity] = arrays
    while len(_arrays) > 2:
        _arrays.popitem(last=False)
    return arrays


_arrays: OrderedDict[str, Arrays] = OrderedDict()


def statistics_of(data: DataSpec, settings: EngineSettings) -> Tensor:
    """Means and standard deviations ``[2, C]`` by which a run on ``data`` normalises its images."""
    images = load_arrays(data, settings).train_images
    held = hold_out(len(images), data.validation_size, data.subset_seed)
    return pixel_statistics(images if held is None else images[held.training])


def renormalisation(
    seen: DataSpec, wanted: DataSpec, settings: EngineSettings, device: torch.device
) -> tuple[Tensor, Tensor] | None:
    """Scale and shift, ``[C, 1, 1]`` each, from images as a run on ``seen`` normalises them to those of ``wanted``.

    None where both are the same: then the images stay as they are, to the bit.
    """
    if seen == wanted:
        return None
    ours, theirs = statistics_of(seen, settings), statistics_of(wanted, settings)
    if torch.equal(ours, theirs):
        return None
    # (p - m') / s' of a pixel p that is known as x = (p - m) / s.
    both = torch.stack((ours[1] / theirs[1], (ours[0] - theirs[0]) / theirs[1])).to(device, torch.float32)
    return both[0].view(-1, 1, 1), both[1].view(-1, 1, 1)
