"""What every report's JSON may hold."""

from __future__ import annotations

import datetime
import json
import math

import numpy as np

from lsncli.report.json_text import json_text


def test_what_json_has_no_word_for() -> None:
    """A recipe may sweep over infinity or a date; a standard parser must still read its report."""
    value = {"α": (math.inf, -math.inf, math.nan, 0.5), "day": datetime.date(2020, 3, 5), "x": np.array([[1, 2]])}

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    read = json.loads(json_text({"inner": [value]}), parse_constant=refuse)
    assert read == {"inner": [{"α": [None, None, None, 0.5], "day": "2020-03-05", "x": [[1, 2]]}]}
