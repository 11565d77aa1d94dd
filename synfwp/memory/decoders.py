"""Decoders: what counts as remembered. One matrix, read by cosine, by sign, by the best candidate, or as familiar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from synfwp import checks
from synfwp.memory.episodes import Episode, unit

Array = np.ndarray


@dataclass(frozen=True)
class Decoder:
    """One way to score reads.

    Parameters
    ----------
    name : str
    score : callable
        ``(reads (n, Q, d_v), episode) -> (n, Q)``: a score of every query, the larger the better.
    chance : callable
        ``(load, episode) -> float``: the score of a memory that knows nothing.
    values : str
        The set of values that it is made for.
    long_name : str
    familiarity : bool
        Whether patterns are stored under themselves, and half of the queries are new.
    sees_scale : bool
        Whether the score changes when all reads are multiplied by a number.
    fit : callable, optional
        ``(reads, episodes) -> score``: of a decoder with a threshold, the score with what it takes from episodes of
        other seeds. ``score`` itself then takes it from what it scores, which flatters a memory.

    Examples
    --------
    >>> mean_sign = Decoder("mean sign", lambda reads, at: (reads.mean(-1) > 0) == (at.target.mean(-1) > 0),
    ...     lambda load, at: 0.5)
    >>> mean_sign.values
    'normal'
    """

    name: str
    score: Callable[[Array, Episode], Array]
    chance: Callable[[int, Episode], float]
    values: str = "normal"
    long_name: str = "score"
    familiarity: bool = False
    sees_scale: bool = False
    fit: Callable[[Array, Episode], Callable[[Array, Episode], Array]] | None = None


def _cosine(reads: Array, at: Episode) -> Array:
    return np.einsum("nqi,nqi->nq", unit(reads), unit(at.target))


def _sign(reads: Array, at: Episode) -> Array:
    """Share of right signs; the sign of 0 is half right."""
    return 0.5 * (1 + np.sign(reads) * np.sign(at.target)).mean(axis=-1)


def _argmax(reads: Array, at: Episode) -> Array:
    """Whether the nearest candidate by cosine is the right one; candidates that are equal share."""
    scores = np.einsum("nqi,nci->nqc", unit(reads), unit(at.candidates))
    right = np.take_along_axis(scores, at.label[..., None], axis=-1)
    best = scores >= scores.max(axis=-1, keepdims=True)
    return np.where(right[..., 0] >= scores.max(axis=-1), 1 / best.sum(axis=-1), 0.0)


def _novelty(reads: Array, at: Episode) -> Callable[[Array, Episode], Array]:
    """Whether ``q . y`` falls on the side of its class, with the threshold halfway between the means of both here.

    The sign of the difference is the memory's own: a Hebbian memory answers more to what is familiar, an anti-Hebbian
    one less.
    """
    energy, known = _energy(reads, at), at.label == 1
    old, new = (energy[one].mean() for one in (known, ~known))
    middle, sign = (old + new) / 2, np.sign(old - new)

    def score(reads: Array, at: Episode) -> Array:
        above = (_energy(reads, at) - middle) * sign
        return np.where(above == 0, 0.5, (above > 0) == (at.label == 1))

    return score


def _energy(reads: Array, at: Episode) -> Array:
    """``q . y`` of every query."""
    found: Array = np.einsum("nqi,nqi->nq", at.q, reads)
    return found


def _error(reads: Array, at: Episode) -> Array:
    """Less the squared error, in units of the mean square of the targets."""
    size = np.square(at.target).sum(axis=-1).mean(axis=-1, keepdims=True)
    return -np.square(reads - at.target).sum(axis=-1) / size


DECODERS: Mapping[str, Decoder] = MappingProxyType(
    {
        one.name: one
        for one in (
            Decoder("cosine", _cosine, lambda load, at: 0.0, "normal", "cosine of recall and value"),
            Decoder("sign", _sign, lambda load, at: 0.5, "binary", "share of right signs"),
            Decoder("argmax", _argmax, lambda load, at: 1 / at.candidates.shape[-2], "unit", "share of right values"),
            Decoder(
                "novelty",
                lambda reads, at: _novelty(reads, at)(reads, at),
                lambda load, at: 0.5,
                "normal",
                "share of right judgements, old or new",
                familiarity=True,
                fit=_novelty,
            ),
            Decoder("error", _error, lambda load, at: -1.0, "normal", "squared error, less than 0", sees_scale=True),
        )
    }
)


def get_decoder(decoder: Any) -> Decoder:
    """A decoder by name, or a `Decoder` itself.

    Parameters
    ----------
    decoder : str or Decoder
        "cosine"; "sign" (of values of +-1); "argmax" (the nearest of the candidates); "novelty" (familiar or new, by
        the product of a query with what it reads, the threshold set on other seeds); "error" (the squared error over
        the mean square of the values, with a minus sign, so that more is better).

    Returns
    -------
    Decoder

    Raises
    ------
    ValueError, TypeError
        For an unknown name, or what is no decoder.

    References
    ----------
    Bogacz & Brown 2003, Hippocampus 13 (novelty).

    Examples
    --------
    >>> get_decoder("sign").values
    'binary'
    """
    if isinstance(decoder, Decoder):
        return decoder
    if not isinstance(decoder, str):
        raise TypeError(f"decoder is {checks.short(decoder)}; pass one of {', '.join(DECODERS)}, or a Decoder.")
    return checks.lookup("decoder", decoder, DECODERS)
