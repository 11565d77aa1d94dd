"""Where a plastic recurrent network comes to rest under a constant input, and whether it stays there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import optimize
from scipy.sparse import linalg as sparse

from synfwp import checks, results, seeds
from synfwp.dynamics.matrices import transition_eigenvalues
from synfwp.plastic import calls
from synfwp.plastic.layer import PlasticLayer

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray
DENSE, LEADING = 1200, 12  # directions whose Jacobian is built, and the eigenvalues of larger ones
NEAR, SETTLED, SHIFT = 1e-6, 1e-9, 1e-6  # of two points that are one, of a residual, of a finite difference


class _Net(NamedTuple):
    """One step of a network under a constant input."""

    layer: PlasticLayer
    weights: Mapping[str, Any]
    x: Array
    lam: float
    eta: float

    def step(self, h: Array, A: Array, mean: Array) -> tuple[Array, Array]:
        """h (n, d) and A (n, d, d) after one more step; a covariance rule has seen ``mean`` (d,) for ever."""
        x = np.broadcast_to(self.x, (len(h), 1, len(self.x)))
        seen = np.concatenate([mean, mean, [np.inf]]) if self.layer.rule == "covariance" else None
        call = calls.check(self.layer, *self.layer.arguments(self.weights, x), h, A, seen)
        out = calls.run(call)
        return out.h[:, 0], out.A

    def settled(self, h: Array) -> Array:
        """A (n, d, d) once it has followed an activity h that stays."""
        pairs = self.eta * h[:, :, None] * h[:, None, :]
        forgets = 1 - self.lam
        if self.layer.rule == "covariance":
            return np.zeros_like(pairs)  # the means have come to h
        gated = self.eta * np.square(h)[:, :, None] if self.layer.rule == "oja_local" else 0.0
        rate = forgets + gated
        return pairs / np.where(np.abs(rate) < SETTLED, np.inf, rate)


def fixed_points(
    network: PlasticLayer,
    weights: Mapping[str, Any],
    x: Any,
    *,
    starts: int = 20,
    seed: seeds.Seed = 0,
) -> xr.Dataset:
    """Fixed points of a plastic recurrent network under a constant input, and the eigenvalues that tell if they last.

    At a fixed point the plastic weights are what the activity writes and forgets, ``(1 - lam) A = eta h h^T`` of a
    Hebbian layer, so that the search is for h alone. Eigenvalues are those of the map ``(h, A) -> (h, A)`` of one
    step: the activity and all plastic weights move together (the means of a covariance rule, which move more slowly
    with every step, stay).

    Parameters
    ----------
    network : PlasticRateNetwork or PlasticNetwork
        With ``recurrent=True``.
    weights : mapping
        As `PlasticRateNetwork.simulate` takes them; lam and eta are numbers, lam below 1. Those of a trained
        `PlasticNetwork` are ``network.weights(params)``.
    x : (d_in,) array
        The input, at every step.
    starts : int
        Random activities from which the search starts, beside that of no activity.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.Dataset
        ``h`` (point, unit) and ``A`` (point, unit, pre), the points of least activity first; ``eigenvalue_real`` and
        ``eigenvalue_imag`` (point, mode), the largest modulus first (all of them up to 34 units, else the first 12);
        ``stable`` (point), whether all moduli are below 1; ``residual`` (point). A search that finds none gives no
        point.

    Raises
    ------
    TypeError, ValueError
        For a layer that is not recurrent, a lam of 1 or above, weights that are missing or of another shape.

    References
    ----------
    Clark & Abbott 2024, Phys Rev X 14:021001 (plastic synapses and neurons as one dynamical system).

    Examples
    --------
    >>> import numpy as np
    >>> from synfwp import PlasticRateNetwork
    >>> ds = fixed_points(PlasticRateNetwork(phi="tanh"), {"W": [[0.5]], "lam": 0.9, "eta": 0.0}, [0.0])
    >>> ds.h.values.tolist(), ds.stable.values.tolist(), ds.eigenvalue_real.values.round(6).tolist()
    ([[0.0]], [True], [[0.9, 0.5]])
    """
    net = _checked(network, weights, x)
    count, d = checks.count("starts", starts), len(np.asarray(weights["W"]))
    rng = seeds.generator(seed, "fixed points")
    spread = {"tanh": 1.0, "sigmoid": 1.0}.get(network.phi, 3.0)
    points: list[Array] = []
    for h in [np.zeros(d), *rng.uniform(-spread, spread, (count, d))]:
        found = optimize.root(lambda h: _off(net, h), h, method="hybr", options={"xtol": 1e-13})
        close = np.abs(_off(net, found.x)).max() < SETTLED * (1 + np.abs(found.x).max())
        if close and not any(np.abs(found.x - one).max() < NEAR * (1 + np.abs(one).max()) for one in points):
            points.append(found.x)
    points.sort(key=lambda h: float(np.linalg.norm(h)))
    return _labelled(net, np.array(points).reshape(len(points), d), seed)


def _checked(network: PlasticLayer, weights: Mapping[str, Any], x: Any) -> _Net:
    """A network whose fixed points can be looked for."""
    if not isinstance(network, PlasticLayer):
        kind = type(network).__name__
        raise TypeError(f"network is a {kind}; pass a PlasticRateNetwork or a PlasticNetwork.")
    if not network.recurrent:
        raise ValueError("network has recurrent=False, and no activity that returns to itself; pass a recurrent one.")
    missing = {"W", "lam", "eta"} - set(weights)
    if missing:
        raise ValueError(f"weights has no {', '.join(sorted(missing))}; it needs W, lam and eta.")
    lam, eta = checks.number("lam", weights["lam"]), checks.number("eta", weights["eta"])
    if not abs(lam) < 1:
        raise ValueError(f"lam is {lam:g}: A forgets nothing and never comes to rest; pass a lam below 1.")
    plain = {name: np.asarray(value, float) if np.ndim(value) else float(value) for name, value in weights.items()}
    x = checks.array("x", x, ndim=1)
    net = _Net(network, plain, x, lam, eta)
    d = len(np.atleast_2d(plain["W"]))
    net.step(np.zeros((1, d)), np.zeros((1, d, d)), np.zeros(d))  # refuses other shapes
    return net


def _off(net: _Net, h: Array) -> Array:
    """How far one step moves an activity whose plastic weights have settled."""
    moved: Array = net.step(h[None], net.settled(h[None]), h)[0][0] - h
    return moved


def _eigenvalues(net: _Net, h: Array, A: Array) -> Array:
    """Those of one step about a point, in all directions of h and A."""
    d, size = len(h), len(h) + A.size

    def push(directions: Array) -> Array:
        """The derivative of a step along directions (n, d + d^2), by central differences."""
        ends = []
        for sign in (1, -1):
            moved = sign * SHIFT * directions
            step = net.step(h + moved[:, :d], A + moved[:, d:].reshape(-1, d, d), h)
            ends.append(np.concatenate([step[0], step[1].reshape(len(moved), -1)], axis=1))
        return (ends[0] - ends[1]) / (2 * SHIFT)

    if size <= DENSE:
        return transition_eigenvalues(push(np.eye(size)).T)
    operator = sparse.LinearOperator((size, size), matvec=lambda x: push(x.reshape(1, -1))[0], dtype=float)
    found = sparse.eigs(operator, LEADING, which="LM", v0=np.ones(size), return_eigenvectors=False)
    return found[np.argsort(-np.abs(found))]


def _labelled(net: _Net, points: Array, seed: seeds.Seed) -> xr.Dataset:
    """Points with their weights, eigenvalues and residuals."""
    A, d = net.settled(points), points.shape[1]
    modes = d + d * d if d + d * d <= DENSE else LEADING
    values = np.array([_eigenvalues(net, *pair) for pair in zip(points, A, strict=True)]).reshape(-1, modes)
    residual = np.array([np.abs(_off(net, h)).max() for h in points])
    one = {"units": "1"}
    variables: dict[str, Any] = {
        "h": (("point", "unit"), points, one | {"long_name": "activity at rest"}),
        "A": (("point", "unit", "pre"), A, one | {"long_name": "plastic weights at rest"}),
        "eigenvalue_real": (("point", "mode"), values.real, one | {"long_name": "eigenvalue, real part"}),
        "eigenvalue_imag": (("point", "mode"), values.imag, one | {"long_name": "eigenvalue, imaginary part"}),
        "stable": (("point",), (np.abs(values) < 1).all(axis=1), {"long_name": "whether perturbations die out"}),
        "residual": (("point",), residual, one | {"long_name": "largest change in one step"}),
    }
    return results.dataset(variables, None, **results.provenance({"network": net.layer, "x": net.x}, seed=seed))
