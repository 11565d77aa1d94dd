"""A Taylor rule from trajectories of activity: gradients through the layer, a penalty on sizes, sessions left out."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from synfwp.kernels import taylor as kernel

Array = np.ndarray
PHI = {"identity": kernel.IDENTITY, "tanh": kernel.TANH, "relu": kernel.RELU, "sigmoid": kernel.SIGMOID}
PATH = 8  # penalties, from the one that leaves no term
PATIENCE = 3  # penalties in a row without a smaller error after which the path ends
SMALLEST = 1e-4  # penalty, in units of the first
PRESENT = 2e-2  # contribution of a term, in units of the largest one, below which a penalty has removed it
NEEDED = 3.0  # standard errors that a term has to be away from 0
BOUND = 1e3  # of a weight: far beyond what activity can show, it keeps a wild guess finite


class Layer(NamedTuple):
    """Sessions of one layer: inputs, recorded activity, reward, weights at the start, and the powers of the rule."""

    phi: int
    x: Array  # (session, step, d_pre)
    y: Array  # (session, step, d_post)
    reward: Array  # (session, step)
    W0: Array  # (session, d_post, d_pre)
    powers: Array  # (term, 4)

    def of(self, chosen: Array) -> "Layer":
        """Some of the sessions."""
        return self._replace(x=self.x[chosen], y=self.y[chosen], reward=self.reward[chosen], W0=self.W0[chosen])


class TaylorFit(NamedTuple):
    """Coefficients and standard errors of all terms, the chosen penalty, and mean squared errors of both parts."""

    coefficient: Array
    sem: Array
    penalty: float
    path: Array  # (penalty, term)
    penalties: Array
    errors: Array  # (penalty,) left-out mean squared error
    inside: float
    outside: float
    still: float  # left-out mean squared error without plasticity


def powers(order: int, reward: bool) -> Array:
    """Exponents of pre, post, weight and reward, each up to 2, together up to ``order``; those of low order first."""
    found = [(a, b, c, d) for a in range(3) for b in range(3) for c in range(3) for d in range(3 if reward else 1)]
    return np.array(sorted((one for one in found if sum(one) <= order), key=lambda one: (sum(one), one)))


def name(exponents: Array) -> str:
    """A product as text: ``post^2 w``; 1 without a factor."""
    factors = zip(("pre", "post", "w", "reward"), exponents, strict=True)
    return " ".join(factor if n == 1 else f"{factor}^{n}" for factor, n in factors if n) or "1"


def run(layer: Layer, theta: Array) -> tuple[Array, Array]:
    """Activity (session, step, d_post) and weights (session, step + 1, d_post, d_pre) of a rule."""
    sessions, T, d_pre = layer.x.shape
    y = np.empty((sessions, T, layer.W0.shape[1]))
    W = np.empty((sessions, T + 1, layer.W0.shape[1], d_pre))
    W[:, 0] = layer.W0
    kernel.forward(layer.phi, layer.x, layer.reward, theta, layer.powers, BOUND, y, W, 0, sessions)
    return y, W


def loss(layer: Layer, theta: Array) -> tuple[float, Array]:
    """Mean squared error of the activity, and its gradient through all steps."""
    y, W = run(layer, theta)
    wrong = y - layer.y
    with np.errstate(over="ignore", invalid="ignore"):
        value = float(np.mean(wrong * wrong))
    if not np.isfinite(value):
        return 1e30, np.zeros_like(theta)
    dtheta = np.empty((len(y), len(theta)))
    dy = 2 * wrong / wrong.size
    kernel.adjoint(
        layer.phi, layer.x, layer.reward, theta, layer.powers, BOUND, y, W, dy, dtheta, 0, len(y)
    )  # fmt: skip
    return value, dtheta.sum(0)


def sizes(layer: Layer) -> Array:
    """Root mean square of each product for recorded activity and the weights at the start (1 where these are 0)."""
    w = np.sqrt(np.mean(layer.W0**2)) or 1.0
    parts = [[np.sqrt(np.mean(one ** (2 * n))) for n in range(3)] for one in (layer.x, layer.y, layer.reward)]
    found = [parts[0][a] * parts[1][b] * w**c * parts[2][d] for a, b, c, d in layer.powers]
    return np.maximum(found, 1e-12)


def penalised(layer: Layer, penalty: float, start: Array, scale: Array, chosen: Array) -> Array:
    """Coefficients of the chosen terms that minimise the error plus ``penalty`` times the sum of contributions."""
    from scipy.optimize import minimize

    n = int(chosen.sum())

    def objective(halves: Array) -> tuple[float, Array]:
        theta = np.zeros(len(chosen))
        theta[chosen] = (halves[:n] - halves[n:]) / scale[chosen]
        value, gradient = loss(layer, theta)
        g = gradient[chosen] / scale[chosen]
        return value + penalty * float(halves.sum()), np.concatenate([g, -g]) + penalty

    first = start[chosen] * scale[chosen]
    halves = np.concatenate([np.maximum(first, 0), np.maximum(-first, 0)])
    options = {"maxiter": 400, "ftol": 1e-13, "gtol": 1e-10}
    found = minimize(objective, halves, jac=True, method="L-BFGS-B", bounds=[(0, None)] * (2 * n), options=options)
    theta = np.zeros(len(chosen))
    theta[chosen] = (found.x[:n] - found.x[n:]) / scale[chosen]
    return theta


def infer(layer: Layer, left_out: int) -> TaylorFit:
    """A path of penalties on all sessions but the last ``left_out``; the sparsest rule that predicts these as well.

    Each penalty chooses terms, which are fitted again without it. As well: within one standard error over sessions of
    the least error. Terms that are not needed then go.
    """
    train, test = layer.of(np.arange(len(layer.x) - left_out)), layer.of(np.arange(-left_out, 0))
    scale, theta = sizes(train), np.zeros(len(layer.powers))
    everything = np.ones(len(theta), bool)
    largest = float(np.abs(loss(train, theta)[1] / scale).max())
    penalties = largest * np.geomspace(1, SMALLEST, PATH)
    path, errors, seen = [np.zeros(len(theta))], [_errors(test, np.zeros(len(theta)))], {}
    for penalty in penalties[1:]:
        theta = penalised(train, penalty, theta, scale, everything)
        part = np.abs(theta * scale)
        chosen = part > PRESENT * part.max(initial=0)
        key = chosen.tobytes()
        if key not in seen:
            seen[key] = penalised(train, 0.0, np.where(chosen, theta, 0), scale, chosen) if chosen.any() else theta
        path.append(seen[key])
        errors.append(_errors(test, seen[key]))
        if len(errors) - 1 - np.argmin(np.mean(errors, axis=1)) >= PATIENCE:
            break
    each = np.array(errors)
    best = int(np.argmin(each.mean(1)))
    excess = each - each[best]  # session by session, so that what all rules leave cancels
    spread = excess.std(axis=1, ddof=1) / np.sqrt(left_out) if left_out > 1 else np.zeros(len(each))
    terms = np.count_nonzero(path, axis=1)
    good = np.flatnonzero(excess.mean(1) <= spread)
    taken = int(min(good, key=lambda i: (terms[i], each[i].mean())))
    theta, sem = pruned(train, path[taken], scale)
    outside = float(_errors(test, theta).mean())
    inside, mean = loss(train, theta)[0], each.mean(1)
    return TaylorFit(
        theta, sem, float(penalties[taken]), np.array(path), penalties[: len(path)], mean, inside, outside,
        float(mean[0]),
    )  # fmt: skip


def pruned(layer: Layer, theta: Array, scale: Array) -> tuple[Array, Array]:
    """Coefficients and standard errors without the terms that are within `NEEDED` of 0, which go one at a time."""
    while True:
        sem = _errors_of(layer, theta, loss(layer, theta)[0])
        present = np.flatnonzero(theta)
        ratio = np.abs(theta[present]) / np.maximum(sem[present], 1e-300)
        if not len(present) or ratio.min() >= NEEDED:
            return theta, sem
        chosen = theta != 0
        chosen[present[np.argmin(ratio)]] = False
        theta = penalised(layer, 0.0, np.where(chosen, theta, 0), scale, chosen) if chosen.any() else 0 * theta


def _errors(layer: Layer, theta: Array) -> Array:
    """Mean squared error of each session; large numbers for a rule whose weights run away."""
    wrong = run(layer, theta)[0] - layer.y
    return np.nan_to_num(np.mean(wrong * wrong, axis=(1, 2)), nan=1e30, posinf=1e30)


def _errors_of(layer: Layer, theta: Array, error: float) -> Array:
    """Standard errors from the curvature of the likelihood, for independent noise; 0 for terms that are left out."""
    chosen = np.flatnonzero(theta)
    found = np.zeros(len(theta))
    if not len(chosen):
        return found
    curvature = np.empty((len(chosen), len(chosen)))
    for row, i in enumerate(chosen):
        step = np.zeros(len(theta))
        step[i] = 1e-4 * abs(theta[i])
        curvature[row] = ((loss(layer, theta + step)[1] - loss(layer, theta - step)[1]) / (2 * step[i]))[chosen]
    covariance = 2 * error / layer.y.size * np.linalg.pinv((curvature + curvature.T) / 2)
    found[chosen] = np.sqrt(np.maximum(np.diag(covariance), 0))
    return found


SHAPES = {  # signs of all terms of a rule
    "Hebb": {"pre post": 1},
    "anti-Hebb": {"pre post": -1},
    "Oja": {"pre post": 1, "post^2 w": -1},
    "covariance": {"pre post": 1, "post": -1},
    "decay": {"w": -1},
    "none": {},
}


def verdict(terms: Mapping[str, float]) -> tuple[str, str]:
    """The rule that has these terms and no other, or "cannot tell"; and the rule as text."""
    text = " ".join(f"{value:+.3g} {term}" for term, value in terms.items()) or "0"
    signs = {term: int(np.sign(value)) for term, value in terms.items()}
    found = next((rule for rule, shape in SHAPES.items() if shape == signs), "cannot tell")
    return found, f"dw = {text}"
