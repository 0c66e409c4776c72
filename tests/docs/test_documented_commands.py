"""Every command on the site and in the README runs; where that takes a network or minutes, the parser reads it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from documented import PAGES, blocks, commands, lsn, parse

#: Commands of other programs, and who sees to it that they work.
NOT_OURS = {
    "pip install uv": "the installer",
    "uv sync": ".ci/run",
    "uv run pytest": ".ci/run",
    "uv sync --inexact --extra postgresql": "an index of packages",
    "source .venv/bin/activate": "the shell",
    "uvx datasette results.db": "a network",
}

FEW = "--set data.validation_size=10 --set train.batch_size=10"

#: What is added so that a command takes seconds; the rest stays as it is printed.
CHEAPER = {
    "lsn run quickstart": "--profile smoke",
    "lsn run quickstart --db mine.db": "--profile smoke",
    "lsn run recipes/quickstart.toml --db mine.db": "--profile smoke",
    "lsn run choose-alpha": "--profile smoke --seeds 1 --only 'label=label smoothing'",
    # The tests' birds are few.
    "lsn plan birds.toml": FEW,
    "lsn run birds.toml": f"--dry-run {FEW}",
    "lsn run losses.toml": f"--dry-run {FEW}",
    "lsn select losses.toml --over label --over loss.alpha": FEW,
    "lsn select losses.toml": FEW,
    # These need data sets that would be downloaded, or hours: the whole plan is made, and nothing trained.
    "lsn run table3 --profile smoke": "--dry-run",
    "lsn run paper": "--dry-run",
    "lsn run paper --profile quick": "--dry-run",
    "lsn run table7 --data cifar10=birds --only data.name=cifar10 --profile quick": "--dry-run"
    " --set data.train_size=20 --set train.batch_size=20",
    "lsn battery label-smoothing": "--dry-run",
    "lsn battery pair": "--dry-run",
    "lsn battery linear": "--dry-run",
}

#: Only read by the parser, and why.
PARSED = {
    "lsn data prepare cifar10-jpeg-16 cifar10-jpeg.tar.xz --size 16 --stands-in-for cifar10": "no such file here",
    "lsn data prepare tinyimagenet100-16 tinyimagenet100-32.tar.xz --size 16 --stands-in-for cifar100": "likewise",
    "lsn run table7 figure2 --data cifar10=cifar10-jpeg-16 --only data.name=cifar10 --only model.name=resnet32"
    " --profile quick --precision bf16": "an hour, on a data set that was prepared from files",
    "lsn run table7 --data cifar10=cifar10-jpeg-16 --only data.name=cifar10 --only model.name=resnet56"
    " --profile quick --precision bf16": "likewise",
    "lsn run table5 --data cifar10=cifar10-jpeg-16 --only data.name=cifar10 --only model.name=resnet56"
    " --profile quick --precision bf16": "likewise",
    "lsn run table5 --data cifar10=cifar10-jpeg-16 --only data.name=cifar10 --only model.name=resnet32"
    " --profile quick --precision bf16": "likewise",
    "lsn run table3 table4 table7 figure2 figure3 --data cifar100=tinyimagenet100-16 --only data.name=cifar100"
    " --only model.name=resnet32 --profile quick --precision bf16": "likewise",
    "lsn run table7 --data cifar100=tinyimagenet100-16 --only data.name=cifar100 --only model.name=resnet56"
    " --profile quick --precision bf16": "likewise",
    "lsn run figure6 --data cifar100=tinyimagenet100-16 --profile quick --precision bf16": "likewise",
    "lsn run table5 --data cifar100=tinyimagenet100-16 --only data.name=cifar100 --only model.name=resnet32"
    " --profile quick --precision bf16": "likewise",
    "lsn run table5 --data cifar100=tinyimagenet100-16 --only data.name=cifar100 --only model.name=resnet56"
    " --profile quick --precision bf16": "likewise",
    "lsn run figure4 --data cifar10=cifar10-jpeg-16 --data cifar100=tinyimagenet100-16 --profile quick"
    " --precision bf16": "likewise",
    "lsn run table7 --db postgresql+psycopg://user:password@host/results": "there is no such server",
    "lsn runs verify KEY --threads 2 --exact": "rounds otherwise on some machines, and says so by its status",
    "lsn plugins check lsn-my-loss": "a minute; tests/scaffold does it",
    "lsn report --all --output report": "every figure; tests/figures does it",
}


def documented() -> list[tuple[str, str]]:
    return [
        (page, command)
        for page in PAGES
        for block in blocks(page, "bash", "console")
        for command in commands(block)
    ]


def test_the_lists_name_only_what_is_printed() -> None:
    printed = {command for _, command in documented()}
    assert {*NOT_OURS, *CHEAPER, *PARSED} <= printed


@pytest.mark.parametrize(("page", "command"), [pair for pair in documented() if pair[1] not in NOT_OURS])
def test_the_parser_takes_it(page: str, command: str) -> None:
    words = shlex.split(command)
    assert words[0] == "lsn", f"{page}: {command}"
    parse(words[1:])


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "bash", "console")])
def test_the_commands_of_a_page_run_one_after_another(page: str, folder: Path, repository: Path) -> None:
    for block in blocks(page, "toml", "csv"):
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
    (folder / "recipes").symlink_to(repository / "recipes")
    keys = re.findall(r'"key": "(\w{20})"', lsn(["runs", "list", "--format", "json"])[1])
    for block in blocks(page, "bash", "console"):
        for command in commands(block):
            if command in NOT_OURS or command in PARSED:
                continue
            # A key each: two runs are compared.
            each = iter(keys)
            words = [next(each) if word == "KEY" else str(Path(word).expanduser()) for word in shlex.split(command)]
            status, told = lsn([*words[1:], *shlex.split(CHEAPER.get(command, ""))])
            assert status == 0, f"{page}: {command}\n{told}"
