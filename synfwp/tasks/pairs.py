"""Tokens that hold a key, a value and a write flag, and the memory that they ask for."""

import numpy as np

from synfwp.tasks.base import Array


def encode(key: Array, value: Array, write: Array, keys: int, values: int) -> Array:
    """Tokens (one-hot key, one-hot value, write flag) from indices ``(batch, T)``; -1 leaves a part empty."""
    x = np.zeros((*key.shape, keys + values + 1))
    for index, start in ((key, 0), (value, keys)):
        b, t = np.nonzero(index >= 0)
        x[b, t, start + index[b, t]] = 1
    x[..., -1] = write
    return x


def decode(x: Array, keys: int, values: int) -> tuple[Array, Array]:
    """Indices of key and value ``(batch, T)`` of tokens; -1 where a part is empty."""
    parts = x[..., :keys], x[..., keys : keys + values]
    key, value = (np.where(part.any(axis=-1), part.argmax(axis=-1), -1) for part in parts)
    return key, value


def latest(key: Array, value: Array, write: Array, keys: int) -> Array:
    """The latest value written to the key of every token that does not write; -1 where there is none."""
    rows = np.arange(len(key))
    memory = np.full((len(key), keys + 2), -1)  # the last two: where other tokens write, and what no key reads
    writes = np.asarray(write) > 0
    place, values = np.where(writes, key, keys).T.copy(), value.T.copy()
    answer = np.empty(key.shape[::-1], int)
    for t, asked in enumerate(key.T.copy()):
        answer[t] = memory[rows, asked]
        memory[rows, place[t]] = values[t]
    return np.where(writes, -1, answer.T)
