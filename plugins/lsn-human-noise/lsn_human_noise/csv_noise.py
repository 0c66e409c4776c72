"""Noise from a CSV file: one label for each example of the training set."""

from __future__ import annotations

from lsncli import CheckContext, LsnError, NoiseContext, Params
from pydantic import Field

from lsn_human_noise.aligned import AlignedNoise
from lsn_human_noise.label_table import LabelFile


class CsvParams(Params):
    """Labels from a CSV file."""

    file: LabelFile = Field(
        description="a CSV file with a label for every example of the whole training set, in its order or with a"
        " column index; with a column clean_label, the true labels there are compared with the data set's"
    )


def check(params: CsvParams, context: CheckContext) -> None:
    """Raise ValueError where the labels are not classes of the data set, or not one for each of its examples."""
    if context.train_size is not None and params.file.labels.count != context.train_size:
        raise ValueError(
            f"the label file has {params.file.labels.count} labels, data set {context.dataset!r}"
            f" {context.train_size} training examples"
        )
    if context.num_classes is not None or context.class_names:
        params.file.numbers(context.class_names, context.num_classes)


def build(params: CsvParams, context: NoiseContext) -> AlignedNoise:
    """The labels of the file; raises LsnError where they are not classes of the data set."""
    try:
        noisy, clean = params.file.numbers(context.class_names, context.num_classes)
    except ValueError as error:
        raise LsnError(str(error), where="noise 'csv-labels'") from None
    return AlignedNoise.of(noisy, clean, "the label file", context)
