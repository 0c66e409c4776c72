"""The metrics that there are to report: those that a run records, and those that a database holds already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from lsncli.errors import EmptyDatabaseError, UnknownNameError
from lsncli.hookspecs import DISTRIBUTION
from lsncli.recipe.loading import LoadedRecipe
from lsncli.registry import Registry, registry

WHERE_KNOWN = "where the true labels are known"
#: What lsn records of a run, and what it means; measured at every evaluation unless it says otherwise.
RECORDED: Mapping[str, str] = {
    "test_accuracy": "share of the test images whose predicted class is their label",
    "test_nll": "mean negative log-likelihood of the test labels, in nats",
    "test_ece_100": "expected calibration error on the test images: the mean distance of confidence and accuracy in"
    " 100 bins of the confidence, weighted by the images in them (the paper's Table 4)",
    "test_ece_15": "the same in 15 bins, as much of the literature has it",
    "validation_accuracy": "accuracy on the training examples that are held out (`data.validation_size`), against"
    " their noisy labels",
    "train_accuracy_full_true": f"accuracy on the training images against the true labels; {WHERE_KNOWN}",
    "train_accuracy_full_given": "accuracy on the training images against the labels that they are trained on",
    "train_accuracy_clean_true": f"accuracy on the training images whose label is right; {WHERE_KNOWN}",
    "train_accuracy_noisy_true": f"accuracy on those whose label is wrong, against the true labels; {WHERE_KNOWN}",
    "train_accuracy_noisy_given": "share of the wrong labels that the network gives back, learnt by heart;"
    f" {WHERE_KNOWN}",
    "train_loss": "mean loss over the batches since the evaluation before",
    "images_per_second": "training images per second since the evaluation before",
    "noise_flip_rate": "share of the training labels that the noise has changed; once",
    "transition_condition_number": "largest singular value of the estimated or learnt T, divided by the smallest",
    "transition_mean_absolute_error": "mean distance of the entries of that T to those of the noise model's own",
    "transition_total_variation_mean": "total variation distance of a row of that T to the noise model's own, mean"
    " over the rows",
    "transition_total_variation_max": "the same, of the worst row",
}


def needs_true_labels(metric: str) -> bool:
    """Whether nobody can measure ``metric`` on data whose true training labels are unknown."""
    return WHERE_KNOWN in RECORDED.get(metric, "")


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
