"""The page of results: tables and claims as ``lsn report`` prints them from the repository's ``results.db``."""

from __future__ import annotations

from pathlib import Path

from lsncli.recipe.loading import Overrides, load
from lsncli.registry import registry
from lsncli.report.build import build_report
from lsncli.report.claims.evaluate import claims_of_paper
from lsncli.report.claims.formats import renderer
from lsncli.report.claims.wording import rule
from lsncli.store import Store

DATABASE = Path(__file__).resolve().parents[1] / "results.db"

_HEAD = """\
# Results

Made from the repository's `results.db` by `python -m reference_pages`: what `lsn report` prints on a fresh clone.
What agrees with the paper and what does not, and how the `quick` profile was chosen, is in the
[reproduction report](reproduction.md). All runs on images were trained in bf16: add `--precision bf16` to a command
that trains what is missing, or the table has runs of two precisions.

LS, FC and BC are label smoothing, forward and backward correction; *Patrini* is a correction with the transition
matrix that was estimated from a network trained with cross-entropy, at one sure example of each class.
"""

_TESTS = """\
### How the claims are tested

Each claim is about a difference between two kinds of runs, taken between runs of one seed, and so with the same
wrong labels. Its mean over the seeds is tested: p is how probable a mean as far from 0 would be if there were no
difference. {rule}

Of many tests some are below 5 % by chance. *After Holm* is the verdict with each p adjusted for the number of all
tests in the report, so that the probability of even one wrong verdict stays below 5 %. Believe these, and take the
others for hints. Three seeds rarely decide anything after Holm; more seeds do (`--seeds`).
"""

#: Recipe → how it is reported.
_TABLES = {
    "table7": "lsn report --table 7",
    "table3": "lsn report --table 3",
    "table4": "lsn report --table 4",
    "table5": "lsn report --table 5",
    "figure2": "lsn report figure2",
    "figure6": "lsn report figure6",
    "quickstart": "lsn report quickstart",
}


def results_page() -> str:
    """The page, in Markdown."""
    markdown = registry().get("report format", "md").build(None, None)
    parts = [_HEAD]
    with Store.open(str(DATABASE), read_only=True) as store:
        for recipe, command in _TABLES.items():
            table = markdown(build_report(load(recipe), store))
            parts.append(_section(table, command))
        claimed = claims_of_paper(Overrides(), store)
        claims = renderer("md")(claimed)
    # Each claim's settings, one by one, are for the terminal and the HTML page.
    parts.append(_section(claims.partition("\n#### ")[0], "lsn report --claims"))
    parts.append(_TESTS.format(rule=rule(result.claim for result in claimed.claims)))
    return "\n".join(parts)


def _section(markdown: str, command: str) -> str:
    heading, _, rest = markdown.strip().partition("\n")
    return f"{heading.replace('### ', '## ', 1)}\n\n```bash\n{command}\n```\n{rest}\n"
