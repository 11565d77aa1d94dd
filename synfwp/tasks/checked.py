"""Whether a task is one that a programmer can be trained on, and what it takes to solve it."""

import random
from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks, seeds
from synfwp.tasks.base import Array, Batch

_KEPT = 20_000  # scored tokens that the baselines use


def check(task: Any, sequences: int = 512, seed: seeds.Seed = 0) -> xr.Dataset:
    """Draw from a task of one's own, refuse what training would stumble over, and measure what is easy about it.

    Parameters
    ----------
    task : callable
        ``task(rng, batch) -> Batch``.
    sequences : int
        How many are drawn; half of them fit the baselines, the others score them.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.Dataset
        ``d_in``, ``d_out``, ``length`` and ``scored`` (share of tokens). Then accuracies (of real targets: errors),
        each with its standard error over sequences: ``constant`` (the best constant answer; ``chance`` is what the task
        states), ``token`` (a linear read-out of the scored token alone) and ``order_blind`` (of it and the sum of all
        tokens). A task of memory is one of which the last two are near chance. ``perfect``: of ``task.solve(x)``, if
        there is one.

    Raises
    ------
    TypeError, ValueError
        If the task is not callable, returns no `Batch` or another number of sequences, scores nothing, draws other
        than from ``rng``, returns the same whatever ``rng`` is, has attributes d_in or d_out that differ from what it
        returns, states a chance level more than 4 standard errors from that of the best constant answer, or has a
        solver that does not solve it.

    Examples
    --------
    >>> from synfwp.tasks import Recall
    >>> found = check(Recall(keys=4, values=8, writes=6), 200)
    >>> int(found.d_in), float(found.chance), float(found.perfect)
    (13, 0.125, 1.0)
    >>> check(lambda rng, batch: rng.random((batch, 3)))
    Traceback (most recent call last):
    ...
    TypeError: task <lambda> returned a ndarray; return synfwp.tasks.Batch(x, target, mask, chance).
    """
    if not callable(task):
        raise TypeError(f"task is a {type(task).__name__}; pass a callable task(rng, batch) -> Batch.")
    name = _name(task)
    sequences = checks.count("sequences", sequences, 16)
    first, again, other = (_drawn(task, name, seeds.generator(seed, part), sequences) for part in ("a", "a", "b"))
    _check_random(name, first, again, other)
    tokens, d_in = _features(first.x)
    d_out = first.target.shape[2] if first.real else int(first.target[first.mask].max()) + 1
    for attribute, found in (("d_in", d_in), ("d_out", d_out)):
        stated = getattr(task, attribute, found)
        if found > stated or (found < stated and (attribute == "d_in" or first.real)):
            raise ValueError(f"task {name} has {attribute} = {stated}, but returns {found}; make the two agree.")
    scores = _baselines(first, tokens, d_out)
    chance, error = scores["constant"]
    if abs(chance - first.chance) > 4 * max(error, 1e-9):
        raise ValueError(
            f"task {name} states a chance level of {first.chance:g}, but the best constant answer has {chance:.4g} +- "
            f"{error:.2g}; pass that as Batch(..., chance)."
        )
    scores |= _solved(task, name, first)
    return _table(first, d_in, d_out, scores)


def _name(task: Any) -> str:
    return str(getattr(task, "__name__", type(task).__name__))


def _drawn(task: Any, name: str, rng: np.random.Generator, sequences: int) -> Batch:
    """A batch, drawn from rng and from nothing else."""
    before = _global_state()
    batch = task(rng, sequences)
    if not isinstance(batch, Batch):
        raise TypeError(
            f"task {name} returned a {type(batch).__name__}; return synfwp.tasks.Batch(x, target, mask, chance)."
        )
    if len(batch.x) != sequences:
        raise ValueError(f"task {name} returned {len(batch.x)} sequences where {sequences} were wanted.")
    if not batch.mask.any():
        raise ValueError(f"task {name} returned a mask without a True, so nothing is scored.")
    if before != _global_state():
        raise ValueError(f"task {name} draws from numpy.random or random; draw from the rng that it is given.")
    return batch


def _global_state() -> tuple[Any, ...]:
    """State of the generators that no task should draw from."""
    of_numpy: Any = np.random.get_state()  # noqa: NPY002
    return of_numpy[1].tobytes(), of_numpy[2:], random.getstate()


def _check_random(name: str, first: Batch, again: Batch, other: Batch) -> None:
    """The same for the same generator, and something else for another."""

    def equal(a: Batch, b: Batch) -> bool:
        return all(np.array_equal(getattr(a, x), getattr(b, x)) for x in ("x", "target", "mask"))

    if not equal(first, again):
        raise ValueError(f"task {name} returns another batch for the same rng; keep no state between calls.")
    if equal(first, other):
        raise ValueError(f"task {name} returns the same batch whatever rng is; draw from the rng that it is given.")


def _features(x: Array) -> tuple[Array, int]:
    """Tokens (batch, T, d) and the number of features or, of integers, of tokens there are."""
    if x.ndim == 3:
        return x.astype(float), x.shape[2]
    top = int(x.max()) + 1
    return np.eye(top)[x], top


def _baselines(batch: Batch, tokens: Array, d_out: int) -> dict[str, tuple[float, float]]:
    """Score and standard error of the answers that need no memory."""
    sequence, time = np.nonzero(batch.mask)
    kept = np.sort(np.random.default_rng(0).permutation(len(sequence))[:_KEPT])
    sequence, time = sequence[kept], time[kept]
    target = batch.target[sequence, time]
    wanted = target if batch.real else np.eye(d_out)[target]
    one, token = np.ones((len(sequence), 1)), tokens[sequence, time]
    given = {"constant": one, "token": np.hstack([one, token])}
    given["order_blind"] = np.hstack([one, token, tokens.sum(axis=1)[sequence]])
    fits = sequence < len(batch.x) // 2
    if fits.all() or not fits.any():
        raise ValueError("only one half of the sequences has a scored token; pass more sequences.")
    found = {}
    for name, x in given.items():
        gram = x[fits].T @ x[fits]
        ridge = 1e-6 * np.trace(gram) / len(gram) * np.eye(len(gram))
        answer = x[~fits] @ np.linalg.solve(gram + ridge, x[fits].T @ wanted[fits])
        right = ((answer - target[~fits]) ** 2).sum(axis=1) if batch.real else answer.argmax(axis=1) == target[~fits]
        if name == "constant" and batch.real:
            right = (target[~fits] ** 2).sum(axis=1)  # chance of real targets is the error of the answer 0
        found[name] = _over_sequences(np.asarray(right, float), sequence[~fits])
    return found


def _over_sequences(right: Array, sequence: Array) -> tuple[float, float]:
    """Mean over tokens, and its standard error, for sequences that are independent."""
    _, place, counts = np.unique(sequence, return_inverse=True, return_counts=True)
    mean = float(right.mean())
    off = np.bincount(place, right - mean)
    n = len(counts)
    return mean, float(np.sqrt((off**2).sum() * n / max(n - 1, 1)) / len(right))


def _solved(task: Any, name: str, batch: Batch) -> dict[str, tuple[float, float]]:
    """Score of the solver, if the task has one."""
    if not callable(getattr(task, "solve", None)):
        return {}
    answer = task.solve(batch.x)
    score = batch.error(answer) if batch.real else batch.accuracy(answer)
    worse = score > batch.chance if batch.real else score < 1
    if worse:
        raise ValueError(f"task {name} has a solver with {'error' if batch.real else 'accuracy'} {score:.4g}; mend it.")
    return {"perfect": (score, 0.0)}


def _table(batch: Batch, d_in: int, d_out: int, scores: dict[str, tuple[float, float]]) -> xr.Dataset:
    """What was measured, labelled."""
    what = "error" if batch.real else "accuracy"
    told = {
        "constant": "the best constant answer" if not batch.real else "the answer 0",
        "token": "a linear read-out of the scored token",
        "order_blind": "a linear read-out of the scored token and the sum of all tokens",
        "perfect": "the solver of the task",
    }
    one = {"units": "1"}
    found: dict[str, Any] = {
        "d_in": ((), d_in, {"long_name": "features of a token" if batch.x.ndim == 3 else "different tokens", **one}),
        "d_out": ((), d_out, {"long_name": "numbers of an answer" if batch.real else "classes", **one}),
        "length": ((), batch.x.shape[1], {"long_name": "tokens of a sequence", **one}),
        "scored": ((), float(batch.mask.mean()), {"long_name": "share of tokens that are scored", **one}),
        "chance": ((), batch.chance, {"long_name": f"{what} by chance, as the task states it", **one}),
    }
    for name, (value, error) in scores.items():
        found[name] = (), value, {"long_name": f"{what} of {told[name]}", **one}
        if name != "perfect":
            found[f"{name}_error"] = (), error, {"long_name": f"standard error of {name}", **one}
    return xr.Dataset(found)
