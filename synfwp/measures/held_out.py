"""Trials in folds, each held out once: what decoders find of them, and the same trials with exchanged labels."""

from typing import Any, NamedTuple

import numpy as np

from synfwp.measures import samples
from synfwp.measures.decoders import checked, fitted, standard

Array = np.ndarray


class Trials(NamedTuple):
    """Trials with their classes, folds and groups (or None), and the decoder that is asked."""

    X: Array
    names: Array
    codes: Array
    fold: Array
    member: Array | None
    decoder: str
    strength: float


def trials_of(X: Array, labels: Any, decoder: str, folds: int, groups: Any, strength: float, seed: Any) -> Trials:
    """Check what all share."""
    decoder, strength = checked(decoder, strength)
    names, codes = samples.coded("labels", labels, len(X))
    if len(names) < 2:
        raise ValueError(f"labels hold {len(names)} class; pass at least two.")
    member = None if groups is None else samples.coded("groups", groups, len(X))[1]
    fold = samples.folded(codes, folds, member, samples.parts(seed, "folds")[0])
    return Trials(X, names, codes, fold, member, decoder, strength)


def predicted(trials: Trials) -> Array:
    """The class that is found for each trial when its fold is held out."""
    found = np.empty(len(trials.codes), int)
    for fold in range(trials.fold.max() + 1):
        out = trials.fold == fold
        scaled = standard(trials.X[~out])
        ask = fitted(trials.decoder, scaled(trials.X[~out]), trials.codes[~out], len(trials.names), trials.strength)
        found[out] = ask(scaled(trials.X[out]))
    return found


def accuracy_of(trials: Trials) -> float:
    """Share of right labels."""
    return float((predicted(trials) == trials.codes).mean())


def across(trials: Trials) -> Array:
    """The class (trials, times, times) that is found when its fold is held out, by times of learning and of asking."""
    n, features, T = trials.X.shape
    found = np.empty((n, T, T), int)
    for fold in range(trials.fold.max() + 1):
        out = trials.fold == fold
        scaled = standard(trials.X[~out])
        learnt, asked = scaled(trials.X[~out]), np.moveaxis(scaled(trials.X[out]), 2, 1)
        for t in range(T):
            ask = fitted(trials.decoder, learnt[:, :, t], trials.codes[~out], len(trials.names), trials.strength)
            found[out, t] = ask(asked.reshape(-1, features)).reshape(-1, T)
    return found


def shuffled(trials: Trials, rng: np.random.Generator) -> Trials:
    """Other trials with the same labels, each in its fold, so that classes keep their shares of all folds."""
    codes, fold, member = trials.codes, trials.fold, trials.member
    if member is None:
        order = rng.permutation(len(codes))
        return trials._replace(codes=codes[order], fold=fold[order])
    count = np.bincount(member)
    if (count == count[0]).all():  # groups exchange their labels, one by one
        rows = np.argsort(member, kind="stable").reshape(len(count), -1)
        order = np.empty(len(codes), int)
        order[rows] = rows[rng.permutation(len(count))]
        return trials._replace(codes=codes[order], fold=fold[order])
    first = np.unique(member, return_index=True)[1]
    if (codes[first][member] != codes).any():
        raise ValueError(
            f"groups hold from {count.min()} to {count.max()} trials of several labels, which cannot be exchanged; "
            "pass groups of one size, or with one label each."
        )
    order = first[rng.permutation(len(count))][member]
    return trials._replace(codes=codes[order], fold=fold[order])


def null(trials: Trials, n: int, rng: np.random.Generator) -> Array:
    """Accuracies with permuted labels (n,)."""
    return np.array([accuracy_of(shuffled(trials, rng)) for _ in range(n)], float)
