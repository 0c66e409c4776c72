"""Which runs can be trained in one stack."""

from __future__ import annotations

import json

from lsncli.plan import RunSpec

#: Architectures so small that a step of one run is mostly the overhead of calling its kernels.
STACKABLE = frozenset({"linear", "mlp"})


def stack_kind(spec: RunSpec) -> str | None:
    """Runs of equal kind fit into one stack; None for a run that must be trained alone.

    Equal must be what decides the shapes and the steps: data, architecture, batch size, number of steps and of
    evaluations. Noise, loss, seed, learning rate, momentum, weight decay and schedule may differ.
    """
    train = spec.train
    if spec.model.name not in STACKABLE or train.optimizer.name != "sgd" or train.augment != "none" or spec.teacher:
        return None
    return json.dumps(
        [
            spec.data.plain_identity(),
            spec.model.model_dump(mode="json"),
            train.batch_size,
            train.steps,
            train.evaluations,
        ],
        sort_keys=True,
    )
