"""Attractors: where the states of a network of threshold units come to rest."""

import numpy as np

Array = np.ndarray


def settle(T: Array, state: Array, low: float, rng: np.random.Generator) -> Array:
    """Where states (n, N) of 1 and ``low`` come to rest if units change one by one; at an input of 0 they stay.

    A sweep visits every unit once in random order, the same for all states, until none changes.

    Parameters
    ----------
    T : (N, N) array
        Synapses, symmetric and without any from a unit to itself, so that there is a rest.
    state : (n, N) array
        Where they start.
    low : float
        The other value of a unit, -1 or 0.
    rng : numpy.random.Generator
        Of the order.

    Returns
    -------
    (n, N) array

    References
    ----------
    Hopfield 1982 (hopfield1982).

    Examples
    --------
    >>> x = np.array([[1.0, -1.0, 1.0, 1.0]])
    >>> T = x.T @ x - np.eye(4)
    >>> settle(T, np.array([[1.0, -1.0, -1.0, 1.0]]), -1.0, np.random.default_rng(0)).tolist()
    [[1.0, -1.0, 1.0, 1.0]]
    """
    state, moving = state.astype(float), True
    field = state @ T
    while moving:
        moving = False
        for i in rng.permutation(len(T)):
            h = field[:, i]
            change = np.where(h > 0, 1.0, np.where(h < 0, low, state[:, i])) - state[:, i]
            who = np.flatnonzero(change)
            if who.size:
                moving = True
                state[who, i] += change[who]
                field[who] += change[who, None] * T[i]
    return state
