"""What was not read is NaN, and what is silent is 0: the classes that scores stand for, and a check before counting."""

from typing import Any

import numpy as np

Array = np.ndarray


def classes(scores: Any) -> Array:
    """The class (...) with the largest of the scores (..., classes); NaN, as floats, where a token was not read.

    Examples
    --------
    >>> import numpy as np
    >>> classes([[0.1, 0.9], [0.8, 0.2]]).tolist()
    [1, 0]
    >>> classes([[0.1, 0.9], [np.nan, np.nan]]).tolist()
    [1.0, nan]
    """
    scores = np.asarray(scores)
    largest, unread = scores.argmax(axis=-1), np.isnan(scores).any(axis=-1)
    return np.where(unread, np.nan, largest) if unread.any() else largest


def refuse_unread(name: str, x: Any, counted: Any = True) -> None:
    """Refuse NaN at tokens that count: it means not read, which is neither silence nor a wrong answer.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    x : array
    counted : boolean array
        Of the leading axes of x.

    Raises
    ------
    ValueError
        If there is one.

    Examples
    --------
    >>> refuse_unread("answer", [1.0, float("nan")], [True, False])
    """
    x = np.asarray(x)
    if x.dtype.kind != "f":
        return
    counted = np.asarray(counted)
    counted = counted.reshape(*counted.shape, *(1,) * (x.ndim - counted.ndim)) if counted.ndim else counted
    unread = np.isnan(x) & counted
    if unread.any():
        where = tuple(int(i) for i in np.argwhere(unread)[0])
        raise ValueError(
            f"{name} is NaN at index {where}, a token that counts and was not read; NaN is not 0. Mark the tokens to "
            "be read, Instructions(..., scored=batch.mask), or pass SpikingNetwork(schedule=ThetaCycle(read='every'))."
        )
