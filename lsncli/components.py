"""The frozen records by which components register, and what each builder is told.

Nothing here imports torch: registering must be cheap. A builder imports what it needs when it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    from pydantic import BaseModel

#: What a component may say that it needs of a run: see :class:`ComponentInfo`.
NEEDS = frozenset({"transition", "predictions", "prelogits", "indices", "features", "teacher"})


@dataclass(frozen=True, slots=True)
class LossContext:
    """What a loss may know when it is built.

    num_classes: L.
    num_examples: size N of the training set (for losses with per-example state).
    transition: row-stochastic ``[L, L]``, T[i, j] = P(noisy j | true i); the estimate where the run makes one,
        else the noise model's own matrix; None where there is none, or the loss's ``needs`` do not ask for it.
    """

    num_classes: int
    num_examples: int
    transition: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class NoiseContext:
    """What a noise model may know when it is built: the data set's name and number of classes L.

    positions: int64 ``[N]``, where the run's training examples stand in the whole training set; None where the
        run has all of them; total: how many that set has, where the run has a part of it. data_dir: the folder of
        data sets. All are None while the plan is made.
    """

    dataset: str
    num_classes: int
    class_names: tuple[str, ...] = ()
    positions: npt.NDArray[np.int64] | None = None
    data_dir: Path | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class EstimatorContext:
    """What an estimator may know when it is built: L, the noise model's own matrix where it has one, a seed.

    seed: the run's, for an estimator that draws random numbers: it takes them from a generator of its own.
    """

    num_classes: int
    transition: npt.NDArray[np.float64] | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ArchitectureContext:
    """What an architecture may know when it is built: L and the input's shape (channels, height, width)."""

    num_classes: int
    input_shape: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What a component's ``check`` may know while the plan is made, before any data is read.

    num_classes, class_names: None and empty where the data set is not known on this machine.
    noise: the noise model's name. has_transition: whether it has the matrix from true to noisy labels; transition:
    that matrix ``[L, L]``, where it can be told before the data is read. has_estimate: whether the run estimates
    one, which its loss is then given. true_labels: False where the labels of the data set are noisy by nature:
    nobody has the matrix then. train_size: of the whole training set; None where it is not known.
    """

    dataset: str
    num_classes: int | None
    noise: str
    has_transition: bool
    class_names: tuple[str, ...] = ()
    transition: npt.NDArray[np.float64] | None = None
    has_estimate: bool = False
    true_labels: bool = True
    train_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentInfo:
    """What every registered component says of itself.

    name: how recipes call it (lower case, words joined by hyphens).
    build: called with ``(params, context)``; see each kind's hook for what it returns.
    params: pydantic model of the parameters, validated while the plan is made; None for none.
    summary: one line.
    reference: the paper it comes from.
    revision: raised by the author when the component's results change, so that runs get new keys.
    needs: what the component asks of a run; any other word is refused. A loss gets a transition matrix only with
        ``"transition"``. An estimator has a run trained to read from only with ``"predictions"`` or
        ``"prelogits"``. The others, ``"indices"`` (the positions of the examples), ``"features"`` (the images) and
        ``"teacher"`` (a teacher's probabilities as targets), change nothing: ``lsn plugins show`` tells of them.
    check: called with ``(params, CheckContext)`` while the plan is made; raises ValueError with the reason
        if the combination cannot work. Asked is what a recipe names: no backend, executor or report format.
    suite: ``"package.module:Class"``, its own subclass of a suite of :mod:`lsncli.testing`, where ``lsn plugins
        check`` must be told more than the kind's own suite knows.
    """

    kind: ClassVar[str] = "component"

    name: str
    build: Callable[..., Any]
    params: type[BaseModel] | None = None
    summary: str = ""
    reference: str = ""
    revision: int = 1
    needs: frozenset[str] = field(default_factory=frozenset)
    check: Callable[[Any, CheckContext], None] | None = None
    suite: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossInfo(ComponentInfo):
    """A loss; ``build(params, LossContext)`` returns a callable ``(logits, targets, inputs) -> [B]``.

    label: short form for tables, with the parameters in braces: ``"LS α={alpha:g}"``.
    soft_targets: whether it takes probabilities ``[B, L]`` as targets, as a student of a teacher needs, and not
        only labels ``[B]``.
    uses_estimate: called with ``params``, for a loss that needs ``"transition"``: whether with these parameters it
        is to be given the estimate of T that the recipe's ``[transition]`` makes. Where it says no, nothing is
        estimated, and the loss is given the noise model's own matrix. None: it always takes the estimate.
    recordable: whether every step calls the same kernels, and all that changes from step to step is a tensor on the
        device. False for a component that counts steps with numbers of Python, say: a device that records a step
        and repeats it (CUDA) does not ask Python again, and would use the same number for ever.
    """

    kind: ClassVar[str] = "loss"
    label: str = ""
    soft_targets: bool = True
    uses_estimate: Callable[[Any], bool] | None = None
    recordable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseModelInfo(ComponentInfo):
    """A noise model; ``build(params, NoiseContext)`` returns an object with ``apply`` and ``transition``.

    has_transition: whether its matrix is known (instance-dependent noise has none).
    find_files: called with ``(params, data_dir)`` before anything is trained; raises
        :class:`~lsncli.errors.LsnError` where a file that the model reads when it is built is not there.
    """

    kind: ClassVar[str] = "noise model"
    has_transition: bool = True
    find_files: Callable[[Any, Path], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureInfo(ComponentInfo):
    """An architecture; ``build(params, ArchitectureContext)`` returns a ``torch.nn.Module``.

    recordable: as :class:`LossInfo` has it.
    draws: whether its forward pass may draw random numbers (dropout, stochastic depth). With False, runs may take
        their steps side by side on one GPU, whose generator they would share.
    """

    kind: ClassVar[str] = "architecture"
    recordable: bool = True
    draws: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendInfo(ComponentInfo):
    """A device backend; ``build(None, None)`` returns a :class:`lsncli.backends.interface.Backend`.

    priority: among the available backends, the one of highest priority is the default.
    """

    kind: ClassVar[str] = "backend"
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo(ComponentInfo):
    """A data set; ``build(params, DataContext)`` returns :class:`lsncli.data.arrays.Arrays`.

    num_classes, image_shape (height, width, channels) and sizes are known without reading the data, so
    that a plan can be validated first; None where only the data can tell.
    """

    kind: ClassVar[str] = "data set"
    num_classes: int | None = None
    image_shape: tuple[int, int, int] | None = None
    class_names: tuple[str, ...] = ()
    train_size: int | None = None
    test_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorInfo(ComponentInfo):
    """A transition-matrix estimator.

    ``build(params, EstimatorContext)`` returns ``(probabilities [N, L], labels [N]) -> T [L, L]``, numpy
    arrays all. An estimator whose ``needs`` hold ``"predictions"`` (the default) or ``"prelogits"`` makes the
    plan train a run to predict from; without either, it is called with ``None`` for the probabilities. One that
    needs ``"prelogits"`` gets them as well, as the keyword argument ``prelogits``: what enters the final linear
    layer of that run's network, float32 ``[N, D]``, for the images without augmentation.
    """

    kind: ClassVar[str] = "estimator"
    needs: frozenset[str] = frozenset({"predictions"})

    @property
    def reads_run(self) -> bool:
        """Whether it reads what the network of another run says of the training images."""
        return bool(self.needs & {"predictions", "prelogits"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerInfo(ComponentInfo):
    """An optimiser; ``build(params, parameters)`` returns a ``torch.optim.Optimizer``.

    recordable: as :class:`LossInfo` has it. One whose ``state`` holds counters that are no tensors on the device,
    as torch's own Adagrad, is found out after its first step, whatever is said here.
    """

    kind: ClassVar[str] = "optimizer"
    recordable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleInfo(ComponentInfo):
    """A learning-rate schedule; ``build(params, total_steps)`` returns ``step -> factor`` (of the initial rate)."""

    kind: ClassVar[str] = "schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorInfo(ComponentInfo):
    """An executor; ``build(params, None)`` returns a :class:`lsncli.executors.interface.Executor`.

    The settings of the runs come with the plan, when it executes. Of the parameters, those called ``workers``,
    ``replicas`` and ``stack`` are what ``--replicas`` comes to. Where ``--device`` means several devices,
    ``workers`` are all those of these devices, and ``replicas`` and ``stack`` are of each worker.
    """

    kind: ClassVar[str] = "executor"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInfo(ComponentInfo):
    """A report format; ``build(None, None)`` returns ``Table -> str``."""

    kind: ClassVar[str] = "report format"


#: The kind of component that a table of a recipe or of a run's spec describes, by the last part of the table's key:
#: ``loss`` and ``teacher.loss`` alike, ``train.optimizer``, ``transition.estimator``.
KIND_OF_SECTION = {
    "data": "data set",
    "noise": "noise model",
    "model": "architecture",
    "loss": "loss",
    "optimizer": "optimizer",
    "schedule": "schedule",
    "estimator": "estimator",
}
