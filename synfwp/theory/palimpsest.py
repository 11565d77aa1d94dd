"""What the delta rule keeps of an item while others are written over it: random unit keys, expectations.

One pass at beta = 1 (`delta_norm`: any beta); d is the number of key features.
"""

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks
from synfwp.theory.formulas import formula

Array = np.ndarray


@overload
def delta_norm(beta: float, d_key: float) -> float: ...
@overload
def delta_norm(beta: ArrayLike, d_key: ArrayLike) -> Array: ...
@formula(
    kind="exact",
    condition="delta rule after many writes, unit keys and unit values in random directions",
    source="widrow1985",
)
def delta_norm(beta: Any, d_key: Any) -> Any:
    """Stationary ``|W|_F^2 = d beta / (2 - beta)`` of the delta rule, unit random keys and values.

    Parameters
    ----------
    beta : float or array
        Write strength, below 2.
    d_key : int

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> delta_norm(1.0, 64)
    64.0
    """
    d, rate = checks.array("d_key", d_key, 1), checks.array("beta", beta, 0, above=True)
    if (rate >= 2).any():
        raise ValueError(f"beta holds {float(rate.max())!r}; pass numbers below 2, where the rule is stable.")
    found = d * rate / (2 - rate)
    return float(found) if np.ndim(found) == 0 else found


@overload
def delta_signal(age: float, d_key: float) -> float: ...
@overload
def delta_signal(age: ArrayLike, d_key: ArrayLike) -> Array: ...
@formula(
    kind="exact",
    condition="delta rule at beta 1, one pass, unit keys in random directions",
    source="widrow1985",
)
def delta_signal(age: Any, d_key: Any) -> Any:
    """What is left of an item after ``age`` later writes at beta = 1: ``(1 - 1/d)^age``.

    Parameters
    ----------
    age : int or array
        Number of later writes.
    d_key : int

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(delta_signal(64, 64), 3)
    0.365
    """
    found = (1 - 1 / checks.array("d_key", d_key, 1)) ** checks.array("age", age, 0)
    return float(found) if np.ndim(found) == 0 else found


@formula(
    kind="exact",
    condition="delta rule at beta 1, one pass, unit keys in random directions, unit values of mean 0",
    source="widrow1985",
)
def delta_squared_error(age: int, writes: int, d_key: int) -> float:
    """Squared error of an item of some age after ``writes`` one-pass delta writes at beta = 1, zero-mean unit values.

    With n counting the writes after the item, ``e <- e (1 - 2/d) + (2/d)(1 - (1 - 1/d)^n) + (1 + F_t/d)/d``, where
    ``F_t = d (1 - (1 - 1/d)^t)`` is the squared norm of W after all t writes so far.

    Parameters
    ----------
    age, writes, d_key : int
        Writes after the item, all writes, and d.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(delta_squared_error(31, 128, 64), 2)
    0.72
    """
    for name, value, low in (("writes", writes, 0), ("age", age, 0), ("d_key", d_key, 1)):
        checks.count(name, value, low)
    if age > writes:
        raise ValueError(f"age is {age} but there are {writes} writes; pass an age of at most that.")
    error, shrink = 0.0, 1 - 1 / d_key
    for n in range(age):
        norm = d_key * (1 - shrink ** (writes - age + n))
        error = error * (1 - 2 / d_key) + (2 / d_key) * (1 - shrink**n) + (1 + norm / d_key) / d_key
    return error
