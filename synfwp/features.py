"""Feature maps and key normalisers: what turns a projection into firing rates, each with its derivative.

A map is a row: ``apply(x) -> f`` and ``adjoint(x, f, g) -> dx``, both along the last axis. Maps with ``rates=True``
give non-negative features, which a spiking network can carry as firing rates.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from synfwp import checks, owned

Array = np.ndarray
_SIZED = r"(dpfp|favor)\((\d+)\)"


@dataclass(frozen=True)
class Feature:
    """One feature map, or one normaliser of keys.

    Parameters
    ----------
    name : str
    apply : callable
        Of an array (..., d), the features (..., width(d)).
    adjoint : callable
        Of inputs, features and their gradient, the gradient of the inputs.
    rates : bool
        Whether no feature is negative, so that firing rates can carry it.
    width : callable
        ``width(d)`` is the number of features of d inputs.
    cite : str
        Keys of the bibliography.

    Examples
    --------
    >>> import numpy as np
    >>> get_feature("relu").apply(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    name: str
    apply: Callable[[Array], Array]
    adjoint: Callable[[Array, Array, Array], Array]
    rates: bool = True
    width: Callable[[int], int] = lambda d: d
    cite: str = ""

    def __reduce_ex__(self, protocol: Any) -> Any:
        """A row of the tables comes back by its name, since functions of one line cannot be pickled."""
        for table in ("FEATURES", "NORMALISERS"):
            if globals()[table].get(self.name) is self:
                return _row, (table, self.name)
        if re.fullmatch(_SIZED, self.name):
            return get_feature, (self.name,)
        return super().__reduce_ex__(protocol)


def _row(table: str, name: str) -> Feature:
    """A row of one of the tables itself."""
    found: Feature = globals()[table][name]
    return found


def _elu_plus_one(x: Array) -> Array:
    """x + 1 above zero, exp(x) below."""
    return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0)))


def _l2(x: Array) -> Array:
    """x / |x|; a zero vector stays zero."""
    return x / _safe(np.sqrt(np.einsum("...i,...i->...", x, x)))[..., None]


def _l2_adjoint(x: Array, f: Array, g: Array) -> Array:
    """Derivative of x / |x|."""
    size = _safe(np.sqrt(np.einsum("...i,...i->...", x, x)))[..., None]
    return (g - f * np.einsum("...i,...i->...", f, g)[..., None]) / size


def _sum(x: Array) -> Array:
    """x / sum(x); a zero sum divides by one."""
    return x / _safe(x.sum(axis=-1, keepdims=True))


def _sum_adjoint(x: Array, f: Array, g: Array) -> Array:
    """Derivative of x / sum(x)."""
    return (g - np.einsum("...i,...i->...", f, g)[..., None]) / _safe(x.sum(axis=-1, keepdims=True))


def _safe(size: Array) -> Array:
    """A divisor: one where the size is zero."""
    return np.where(size == 0, size.dtype.type(1), size)


def _dpfp(nu: int) -> Feature:
    """Deterministic parameter-free projection: products of relu([x, -x]) with itself rolled by 1..nu."""

    def apply(x: Array) -> Array:
        r = np.maximum(np.concatenate([x, -x], axis=-1), 0)
        return np.concatenate([r * np.roll(r, j, axis=-1) for j in range(1, nu + 1)], axis=-1)

    def adjoint(x: Array, f: Array, g: Array) -> Array:
        r = np.maximum(np.concatenate([x, -x], axis=-1), 0)
        dr = np.zeros_like(r)
        for j, part in enumerate(np.split(g, nu, axis=-1), start=1):
            dr += part * np.roll(r, j, axis=-1) + np.roll(part * r, -j, axis=-1)
        up, down = np.split(dr * (r > 0), 2, axis=-1)
        return up - down

    return Feature(f"dpfp({nu})", apply, adjoint, width=lambda d: 2 * nu * d, cite="schlag2021")


@functools.lru_cache(maxsize=8)
def _projections(d: int, m: int) -> Array:
    """m directions of d dimensions, orthogonal in blocks of d, with the lengths of normal vectors; always the same."""
    rng, blocks = np.random.default_rng(0), []
    for _ in range(-(-m // d)):
        Q, R = np.linalg.qr(rng.standard_normal((d, d)))
        blocks.append((Q * np.sign(np.diag(R))).T)  # without the signs directions would not be uniform
    lengths = np.linalg.norm(rng.standard_normal((m, d)), axis=1)
    return owned.freeze(np.concatenate(blocks)[:m] * lengths[:, None])


def _favor(m: int) -> Feature:
    """Positive random features: ``exp(w_i . x - |x|^2 / 2) / sqrt(m)``, whose products have the mean exp(x . y)."""

    def apply(x: Array) -> Array:
        w = _projections(x.shape[-1], m).astype(x.dtype)
        return np.exp(x @ w.T - (x * x).sum(axis=-1, keepdims=True) / 2) / x.dtype.type(m) ** x.dtype.type(0.5)

    def adjoint(x: Array, f: Array, g: Array) -> Array:
        gf = g * f
        return gf @ _projections(x.shape[-1], m).astype(x.dtype) - x * gf.sum(axis=-1, keepdims=True)

    return Feature(f"favor({m})", apply, adjoint, width=lambda d: m, cite="choromanski2021")


def _softmax(x: Array) -> Array:
    """exp(x) / sum(exp(x))."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


FEATURES: Mapping[str, Feature] = MappingProxyType(
    {
        row.name: row
        for row in (
            Feature("identity", np.copy, lambda x, f, g: np.copy(g), rates=False),
            Feature("relu", lambda x: np.maximum(x, 0), lambda x, f, g: g * (x > 0)),
            Feature("elu_plus_one", _elu_plus_one, lambda x, f, g: g * np.where(x > 0, 1, f), cite="katharopoulos2020"),
            _dpfp(1),
            _favor(64),
            Feature("exp", np.exp, lambda x, f, g: g * f),
            Feature("softmax", _softmax, lambda x, f, g: f * (g - (f * g).sum(axis=-1, keepdims=True))),
        )
    }
)
NORMALISERS: Mapping[str, Feature] = MappingProxyType(
    {
        row.name: row
        for row in (
            Feature("none", np.copy, lambda x, f, g: np.copy(g)),
            Feature("l2", _l2, _l2_adjoint, cite="yang2024deltanet"),
            Feature("sum", _sum, _sum_adjoint, cite="schlag2021"),
        )
    }
)


def get_feature(name: str) -> Feature:
    """A feature map by name: identity, relu, elu_plus_one, exp, softmax, ``dpfp(nu)``, ``favor(m)``.

    ``dpfp(nu)`` has ``2 nu d`` features (Schlag, Irie & Schmidhuber 2021, section 5.3), ``favor(m)`` m positive random
    ones with fixed directions (Choromanski et al. 2021, lemma 1).

    Parameters
    ----------
    name : str
        As the docstring of `synfwp.features` lists them.

    Returns
    -------
    Feature

    Raises
    ------
    ValueError
        For an unknown name; the message suggests one.

    Examples
    --------
    >>> get_feature("dpfp(2)").width(16)
    64
    """
    match = re.fullmatch(_SIZED, name) if isinstance(name, str) else None
    if match is None:
        return checks.lookup("feature map", name, FEATURES)
    make, what = {"dpfp": (_dpfp, "nu of dpfp"), "favor": (_favor, "m of favor")}[match[1]]
    return make(checks.count(what, int(match[2])))


def get_normaliser(name: str) -> Feature:
    """A key normaliser by name: ``none``, ``l2`` (unit length), ``sum`` (unit sum).

    Parameters
    ----------
    name : str
        As the docstring of `synfwp.features` lists them.

    Returns
    -------
    Feature

    Raises
    ------
    ValueError
        If there is none of that name; the closest one is suggested.

    Examples
    --------
    >>> import numpy as np
    >>> get_normaliser("l2").apply(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    return checks.lookup("key normaliser", name, NORMALISERS)
