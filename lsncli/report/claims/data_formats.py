"""Claims for programs: JSON (one object, as of every report) and CSV (one line per setting)."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

from lsncli.inert import for_spreadsheet
from lsncli.report.claims.claim import Claim, ClaimResult, ClaimsReport, SettingResult
from lsncli.report.claims.wording import rule, title_of
from lsncli.report.json_text import json_text
from lsncli.report.wording import unit_of


def render_json(report: ClaimsReport) -> str:
    """An object with ``title``, ``profile``, ``cells`` (none: claims are no table) and ``claims`` with settings.

    ``holm_tests`` is how many tests are adjusted together, ``fill`` the commands that train what is missing. Every
    ``mean_difference`` is compared minus reference, in the claim's ``unit`` (``%``: percentage points); ``keys``
    are the run keys of its pairs, ``[reference, compared]``, empty where the pairs are computed. A number that is
    not there or not finite is null.
    """
    value = {
        "title": title_of(report),
        "profile": report.profile,
        "cells": [],
        "claims": [_claim(report, result) for result in report.claims],
        "holm_tests": report.tests,
        "notes": list(report.notes),
        "fill": list(report.fill),
    }
    return json_text(value)


def _claim(report: ClaimsReport, result: ClaimResult) -> dict[str, Any]:
    claim = result.claim
    return {
        "id": claim.id,
        "statement": claim.statement,
        "reference": claim.reference,
        "recipes": [report.recipe] if report.recipe else list(claim.recipes),
        "metric": claim.metric,
        "quantity": claim.quantity,
        "unit": _unit(claim),
        "expectation": claim.expectation,
        "margin": claim.margin,
        "pairs": claim.pairs,
        "verdict": result.verdict,
        "verdict_holm": result.verdict_holm,
        "rule": rule([claim]),
        "settings": [_setting(setting) for setting in result.settings],
    }


def _setting(setting: SettingResult) -> dict[str, Any]:
    found = setting.statistics
    return {
        "setting": setting.comparison.setting,
        "compared": setting.comparison.compared,
        "with": setting.comparison.reference,
        "n": found.n,
        "expected": setting.expected,
        "dropped": list(setting.dropped),
        "differences": list(setting.differences),
        "mean_difference": found.mean,
        "std": found.std,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "effect_size": found.effect_size,
        "p": setting.p,
        "p_against": setting.p_against,
        "p_two_sided": found.p,
        "p_wilcoxon": found.p_wilcoxon,
        "p_holm": setting.p_holm,
        "p_against_holm": setting.p_against_holm,
        "test": "exact sign test" if found.constant else "paired t-test",
        "keys": [list(pair) for pair in setting.keys],
        "verdict": setting.verdict,
        "verdict_holm": setting.verdict_holm,
    }


_COLUMNS = (
    *("profile", "id", "statement", "reference", "metric", "unit", "expectation", "margin", "claim_verdict"),
    *("setting", "compared", "with", "n", "expected", "mean_difference", "std", "ci_low", "ci_high"),
    *("effect_size", "p", "p_against", "p_wilcoxon", "p_holm", "verdict", "verdict_holm"),
    *("differences", "keys", "dropped"),
)


def render_csv(report: ClaimsReport) -> str:
    """A header and one line per setting; a claim without a setting has one line with its verdict.

    Differences, pairs of keys (``a:b``) and dropped pairs are separated by semicolons.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for result in report.claims:
        of_claim = {"profile": report.profile, **_claim(report, result)}
        of_claim["claim_verdict"] = of_claim.pop("verdict")
        del of_claim["verdict_holm"]
        for setting in of_claim["settings"] or [{"verdict": result.verdict, "verdict_holm": result.verdict_holm}]:
            row = {**of_claim, **setting}
            row["differences"] = ";".join(map(str, setting.get("differences", ())))
            row["keys"] = ";".join(":".join(pair) for pair in setting.get("keys", ()))
            row["dropped"] = ";".join(setting.get("dropped", ()))
            writer.writerow([_guard(row.get(column)) for column in _COLUMNS])
    return out.getvalue()


def _unit(claim: Claim) -> str:
    return "" if claim.quantity else unit_of(claim.metric)


def _guard(value: Any) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, str):
        text = " ".join(value.split())
        # A list of differences may begin with a minus; with its semicolons no spreadsheet runs it.
        numbers = text.replace(";", "").replace(".", "").replace("e", "").replace("-", "").isdigit()
        return text if numbers else for_spreadsheet(text)
    return value
