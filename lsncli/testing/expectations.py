"""How a check says that something is wrong, or that it does not apply; with pytest and without."""

from __future__ import annotations

from typing import Any, NoReturn
from unittest import SkipTest

import numpy as np
import numpy.typing as npt


def expect(holds: bool, otherwise: str) -> None:
    """Raise AssertionError with the message ``otherwise`` unless the condition ``holds``."""
    __tracebackhide__ = True  # pytest then shows the check that failed, not this line
    if not holds:
        raise AssertionError(otherwise)


def skip(reason: str) -> NoReturn:
    """End a check that does not apply; pytest, too, counts a ``unittest.SkipTest`` as skipped."""
    raise SkipTest(reason)


def expect_close(found: Any, wanted: Any, what: str, *, rtol: float = 0.0, atol: float = 0.0) -> None:
    """Compare two arrays or tensors of equal shape; the message names the worst place."""
    __tracebackhide__ = True  # pytest then shows the check that failed, not this line
    ours, theirs = _array(found), _array(wanted)
    expect(ours.shape == theirs.shape, f"{what}: shape {list(ours.shape)} against {list(theirs.shape)}")
    wrong = ~np.isclose(ours, theirs, rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.where(wrong, np.nan_to_num(np.abs(ours - theirs), nan=np.inf), -1.0)
    worst = np.unravel_index(int(np.argmax(distance)), distance.shape) if distance.shape else ()
    place = f" at {[int(i) for i in worst]}" if worst else ""
    raise AssertionError(f"{what}: {ours[worst]:.6g} against {theirs[worst]:.6g}{place}")


def expect_finite(values: Any, what: str) -> None:
    """Every number is finite."""
    __tracebackhide__ = True  # pytest then shows the check that failed, not this line
    array = _array(values)
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        place = tuple(int(i) for i in wrong[0])
        raise AssertionError(f"{what}: {array[place]} at {list(place)}")


def _array(values: Any) -> npt.NDArray[np.float64]:
    if hasattr(values, "detach"):
        values = values.detach().double().cpu().numpy()
    return np.asarray(values, dtype=np.float64)
