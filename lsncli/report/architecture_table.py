"""Table 6: the networks of the paper's experiments, with their sizes counted from the modules."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from lsncli.report.listing import Column, Listing, computed_cell

#: As the paper's Table 6 prints them: (n_layer, n_filter, stride) of each stage.
CONFIGURATIONS = {
    "resnet32": ("ResNet-32", "[(5, 16, 1), (5, 32, 2), (5, 64, 2)]"),
    "resnet56": ("ResNet-56", "[(9, 16, 1), (9, 32, 2), (9, 64, 2)]"),
    "resnet50v2": ("ResNet-v2-50", "[(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)]"),
}
SOURCE = (
    "M. Lukasik, S. Bhojanapalli, A. K. Menon, S. Kumar: Does label smoothing mitigate label noise? (ICML 2020),"
    " Table 6, appendix B.1; https://arxiv.org/abs/2003.02819"
)


def architecture_sizes() -> list[dict[str, Any]]:
    """The counts that ship with lsn: ``model``, ``data``, ``size``, ``classes``, ``parameters``, ``macs``.

    They are counted from the modules by :mod:`lsncli.architectures.counting`, and a test counts them again.
    """
    file = resources.files("lsncli.report") / "architecture_sizes.json"
    sizes: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return sizes


def architecture_table() -> Listing:
    """Table 6, a row per network and data set: the classifier's size depends on the number of classes."""
    rows, cells, extra = [], [], []
    for size in architecture_sizes():
        name, configuration = CONFIGURATIONS[size["model"]]
        side, classes = size["size"], size["classes"]
        rows.append(
            (name, configuration, size["data"], f"{side}×{side}", classes, size["parameters"], size["macs"])
        )
        row = {"model.name": size["model"], "data.name": size["data"]}
        cells += [
            computed_cell(row, {}, "parameters", size["parameters"]),
            computed_cell(row, {}, "multiply_accumulates", size["macs"]),
        ]
        extra.append({"name": name, "configuration": configuration, **size})
    return Listing(
        title="Architectures and their sizes",
        number=6,
        about="Residual networks with batch norm; each stage as (blocks, filters, stride).",
        columns=(
            Column("architecture"),
            Column("configuration"),
            Column("data"),
            Column("pixels", True),
            Column("classes", True),
            Column("parameters", True),
            Column("MACs", True),
        ),
        rows=tuple(rows),
        notes=(
            "Parameters: weights, biases, and the scales and shifts of batch norm. MACs: multiply-accumulates of"
            " convolutions and the classifier, for one image. Both are counted from the modules.",
            "A block of ResNet-32 and ResNet-56 has two 3×3 convolutions; one of ResNet-v2-50 has 1×1, 3×3 and 1×1"
            " convolutions and four times the filters at its end.",
            f"Configurations: {SOURCE}.",
        ),
        cells=tuple(cells),
        extra={"architectures": extra},
    )
