"""``lsn bench``: the speed of this machine's engine modes against a plain training loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, FormatOption, ListFormat

if TYPE_CHECKING:
    from lsncli.bench.result import BenchResult

ModelsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--models",
        metavar="NAME,…",
        help="Architectures to measure; repeatable.",
        show_default="resnet8,resnet32,resnet56,mlp,linear",
    ),
]
RoundsOption = Annotated[
    int | None,
    typer.Option(
        "--rounds",
        min=1,
        help="Rounds of the alternation. Without it: 5; with --quick, as many of 5 as its time allows.",
    ),
]
QuickOption = Annotated[
    bool, typer.Option("--quick", help="Small models, the main modes, short bursts: under 40 seconds.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option("--device", envvar="LSN_DEVICE", help="cpu, cuda, cuda:1, …", show_default="the fastest there is"),
]


def command(
    models: ModelsOption = None,
    rounds: RoundsOption = None,
    quick: QuickOption = False,
    device: DeviceOption = None,
    format: FormatOption = ListFormat.table,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Measure images per second in every engine mode, and the ratio to a plain PyTorch training loop.

    The loop is measured in the same rounds: torchvision transforms, a DataLoader with two workers, float32.
    The data are synthetic, so that no data set is needed. The numbers are stored in the result database.
    """
    import sys
    from dataclasses import replace

    from lsncli.backends.selection import select_backend
    from lsncli.bench.workloads import DEFAULT_MODELS, QUICK_MODELS, workloads
    from lsncli.cli.output import print_json, warn
    from lsncli.store import Store

    chosen = workloads(_names(models) if models is not None else QUICK_MODELS if quick else DEFAULT_MODELS)
    select_backend(device)
    # A database that cannot be used should say so before minutes are spent.
    with Store.open(db) as store:
        from lsncli.bench.measuring import QUICK, BenchSettings, busy, measure

        settings = QUICK if quick else BenchSettings()
        if rounds is not None:
            settings = replace(settings, rounds=rounds, limit=None)
        result = measure(chosen, settings, device=device, tell=lambda text: print(text, file=sys.stderr))
        result.keep(store)
    if busy(dict(result.machine)):
        warn("other programs were at work when the measurement began: the numbers say less")
    if format is ListFormat.json:
        print_json(result.plain())
    else:
        _print(result)
    print(f"stored in {store.location.shown}", file=sys.stderr)


def _names(given: list[str]) -> list[str]:
    return [name.strip() for text in given for name in text.split(",") if name.strip()]


def _print(result: BenchResult) -> None:
    from lsncli.cli.output import print_table

    machine = result.machine
    rows = []
    for row in result.rows:
        rate, ratio = row.rate, row.ratio
        rows.append(
            (
                row.model,
                row.mode,
                f"{rate.median:,.0f}",
                f"{rate.low:,.0f} … {rate.high:,.0f}",
                f"{ratio.median:.2f}",
                f"{ratio.low:.2f} … {ratio.high:.2f}",
                len(row.rates),
            )
        )
    title = f"{machine['device']}, {machine['threads']} cores, torch {machine.get('torch')}: median of the rounds"
    columns = ("model", "mode", "images/s", "least … most", "× peer", "least … most", "rounds")
    print_table(columns, rows, title=title)
