"""What ``lsn plugins check`` must be told of noise that comes with files: small files of the published form."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from lsncli import NoiseContext
from lsncli.testing import NoiseModelSuite

Labels = npt.NDArray[np.int64]


class FileSuite(NoiseModelSuite):
    """A data folder with a file of labels, one in five of them wrong."""

    num_examples = 400
    exempt: ClassVar[dict[str, str]] = {"seed": "the labels are given, not drawn"}
    file_name: ClassVar[str] = ""

    def wrong(self, step: int = 1) -> Labels:
        """The labels, every fifth moved on by ``step`` classes."""
        moved = (np.arange(self.num_examples) % 5 == 0) * step
        labels: Labels = (self.labels() + moved) % self.num_classes
        return labels

    def content(self) -> dict[str, Labels]:
        """What the file holds."""
        return {}

    def context(self) -> NoiseContext:
        """With a data folder of its own, which is removed with the suite."""
        folder = self.__dict__.setdefault("_folder", tempfile.TemporaryDirectory(prefix="lsn-conformance-"))
        path = Path(folder.name, self.file_name)
        if not path.exists():
            np.save(path, np.array(self.content(), dtype=object), allow_pickle=True)
        return NoiseContext("conformance", self.num_classes, (), None, Path(folder.name))


class Cifar10NSuite(FileSuite):
    """CIFAR-10N."""

    component = "cifar10n"
    variants: ClassVar[list[dict[str, str]]] = [{}, {"labels": "random2"}, {"labels": "clean"}]
    num_classes = 10
    file_name = "CIFAR-10_human.npy"

    def content(self) -> dict[str, Labels]:
        """Three of the six label sets."""
        return {
            "clean_label": self.labels(),
            "worse_label": self.wrong(),
            "random_label2": self.wrong(2),
        }


class Cifar100NSuite(FileSuite):
    """CIFAR-100N."""

    component = "cifar100n"
    variants: ClassVar[list[dict[str, str]]] = [{}, {"labels": "clean"}]
    num_classes = 100
    file_name = "CIFAR-100_human.npy"

    def content(self) -> dict[str, Labels]:
        """The fine labels."""
        return {"clean_label": self.labels(), "noise_label": self.wrong()}


class CsvSuite(FileSuite):
    """Labels from a CSV file."""

    component = "csv-labels"

    def parameter_sets(self) -> list[dict[str, object]]:  # type: ignore[override]
        """The labels, as a file would have given them."""
        from lsn_human_noise.label_table import Column, LabelTable

        columns = [Column.of([str(label) for label in labels]) for labels in (self.wrong(), self.labels())]
        tables = LabelTable(labels=columns[0]), LabelTable(labels=columns[0], clean=columns[1])
        return [{"file": table.model_dump(mode="json", exclude_defaults=True)} for table in tables]

    def test_parameters(self) -> None:
        """The file is required, and there is none to give as an example."""
        model = self.info.params
        assert [field.is_required() and bool(field.description) for field in model.model_fields.values()] == [True]

    def context(self) -> NoiseContext:
        """No file is read when the noise model is built."""
        return NoiseContext("conformance", self.num_classes, tuple(f"class-{i}" for i in range(self.num_classes)))
