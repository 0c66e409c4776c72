"""The metrics that there are to report: those that a run records, and those that a database holds already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from lsncli.errors import EmptyDatabaseError, UnknownNameError
from lsncli.hookspecs import DISTRIBUTION
from lsncli.recipe.loading import LoadedRecipe
from lsncli.registry import Registry, registry

#: What lsn records of a run; some of it only with noise, a validation set, known true labels or an estimate.
RECORDED = (
    "test_accuracy",
    "test_nll",
    "test_ece_100",
    "test_ece_15",
    "validation_accuracy",
    "train_accuracy_full_true",
    "train_accuracy_full_given",
    "train_accuracy_clean_true",
    "train_accuracy_noisy_true",
    "train_accuracy_noisy_given",
    "train_loss",
    "images_per_second",
    "noise_flip_rate",
    "transition_condition_number",
    "transition_mean_absolute_error",
    "transition_total_variation_mean",
    "transition_total_variation_max",
)


def check_metrics(
    recipes: Iterable[LoadedRecipe],
    stored: Callable[[], Collection[str]],
    warn: Callable[[str], None],
    components: Registry | None = None,
) -> None:
    """Raise :class:`LsnError` for a metric of a recipe's report that no run will have: its table would stay empty.

    stored: gives the names that the database holds, and is asked only where there is a name that lsn does not
    record. An executor of a plugin may record metrics of its own: with one, ``warn`` is called instead.
    """
    unknown = {name: loaded for loaded in recipes for name in loaded.recipe.report.metrics if name not in RECORDED}
    if not unknown:
        return
    known = {*RECORDED, *stored()}
    executors = (components or registry()).all("executor")
    foreign = [each.plugin for each in executors if each.plugin.origin.distribution != DISTRIBUTION]
    for name, loaded in unknown.items():
        if name in known:
            continue
        error = UnknownNameError.of("metric", name, known, where=loaded.source.place("report.metrics"))
        if not foreign:
            raise error
        hint = f": {error.next}" if error.next else ""
        warn(f"metric {name!r} of {loaded.source.name} is none that lsn records, only a plugin might{hint}")


def stored_metrics(db: str) -> set[str]:
    """The names of the metrics in the database ``db``; none where it does not exist yet."""
    from lsncli.store import Store
    from lsncli.store.location import Location

    if not Location.parse(db).exists():
        return set()
    try:
        with Store.open(db, create=False, read_only=True) as store:
            return store.metric_names()
    except EmptyDatabaseError:
        return set()
