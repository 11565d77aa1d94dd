"""Numbers near the limits of floats: an answer, an error that names the argument, or a warning of ours."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from border.examples import ROWS
from border.wrapping import numeric, refused

import synfwp

PACKAGE = Path(synfwp.__file__).parent
HUGE, TINY = 1e300, 1e-300
NAMED = {("Steps", "values"): "rate of", ("train", "learning_rate"): "lower learning_rate"}  # what they were passed as
CASES = [
    (name, argument, value)
    for name, (_, given) in ROWS.items()
    for argument in numeric(given)
    if np.asarray(given[argument]).dtype.kind == "f"
    for value in (HUGE, TINY)
]


def foreign(seen: list[Any]) -> list[str]:
    """Warnings that came out of a line of the package without being the package's own."""
    return [
        f"{one.filename}:{one.lineno}: {one.message}"
        for one in seen
        if issubclass(one.category, RuntimeWarning) and PACKAGE in Path(one.filename).parents
    ]


@pytest.mark.parametrize(("name", "argument", "value"), CASES)
def test_a_number_near_the_limits_of_floats_is_answered_refused_or_warned_of(
    name: str, argument: str, value: float
) -> None:
    call, given = ROWS[name]
    plain = np.array(given[argument], float)
    plain[(0,) * plain.ndim] = value
    found: Exception | None = None
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            call(**given | {argument: plain if plain.ndim else float(plain)})
        except (TypeError, ValueError, FloatingPointError) as error:
            found = error
    assert found is None or refused(found, argument) or NAMED.get((name, argument), "\n") in str(found), found
    assert foreign(seen) == []
