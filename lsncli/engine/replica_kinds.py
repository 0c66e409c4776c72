"""Which runs can take their steps together, each with its own tensors and kernels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lsncli.plan import RunSpec

if TYPE_CHECKING:
    from lsncli.backends.interface import Backend
    from lsncli.engine.run import Run


def replica_kind(spec: RunSpec, backend: Backend) -> str | None:
    """Runs of equal kind may be handed to :func:`~lsncli.engine.training.train_replicas`; None: one alone.

    Where the device works on several runs at once (``backend.parallel``), equal must be what decides the length of
    a step and the number of steps. Elsewhere only students gain that see the same batches and ask one teacher.
    """
    train = spec.train
    shared = [
        spec.data.plain_identity(),
        train.augment,
        train.crop_padding,
        train.batch_size,
        train.steps,
        train.evaluations,
        spec.model.model_dump(mode="json"),
    ]
    teacher = [spec.teacher.key, spec.seed] if _asks_teacher(spec) and spec.teacher else None
    if not backend.parallel and teacher is None:
        return None
    return json.dumps(["replicas", *shared, teacher], sort_keys=True)


def _asks_teacher(spec: RunSpec) -> bool:
    """Whether a teacher looks at every batch; on the clean view it is asked once in all."""
    return spec.distillation is not None and spec.distillation.teacher_view == "augmented"


def may_share_device(run: Run) -> bool:
    """Whether a run draws no random numbers on its device, whose generator runs beside it would share.

    On the processor each has its own state of the generator. A loss that is none of ours may draw, and so may an
    architecture that does not say otherwise: dropout need not be a module.
    """
    if run.device.type == "cpu":
        return True
    from torch.nn.modules.dropout import _DropoutNd

    from lsncli.losses.stacked import family
    from lsncli.registry import registry

    if registry().get("architecture", run.spec.model.name).draws:
        return False
    drops_out = any(isinstance(module, _DropoutNd) for module in run.work.module.modules())
    return family(run.work.loss) is not None and not drops_out
