"""What is known of a run, as variables with dims, units and long names: of an exact rule, and of measured responses."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from synfwp import coefficients, theory
from synfwp.dynamics import contributions, exponents, matrices, sizes
from synfwp.dynamics.responses import Response
from synfwp.instructions import Instructions
from synfwp.rules import Rule

Array = np.ndarray
Variables = dict[str, Any]
Absent = dict[str, str]
SPECTRAL = ("eigenvalue", "step_norm", "lyapunov_exponent", "time_constant", "product_singular_value")


class Course(NamedTuple):
    """A run: its rule, what was sent (n, T, .), and W (seed, trial, state_step, d_v, d_k) after so many tokens."""

    rule: Rule
    sent: Instructions
    states: Any
    after: Array


def of_rule(run: Course, absent: Absent) -> Variables:
    """Everything that follows from the instructions of an exact rule; in ``absent`` why the rest does not."""
    rule, sent, found = run.rule, run.sent, Variables()
    why = contributions.no_map(rule)
    if why:
        absent["contribution"] = why
    else:
        dims = ("trial", "time", "write_time", "write")[: 3 + (rule.writes > 1)]
        found["contribution"] = (dims, contributions.exact_map(rule, sent), _CONTRIBUTION)
    why = matrices.no_matrix(rule) or ("instructions carry no pair (p, r)" if rule.uses_pair else "")
    if why:
        absent |= dict.fromkeys(SPECTRAL, why)
        return found
    more = {"beta": sent.beta if rule.uses_beta else None, "decay": sent.decay if rule.uses_decay else None}
    more |= {"momentum": sent.momentum if rule.uses_momentum else None}
    M = matrices.transition_matrices(rule, sent.k, sent.v if rule.error == "key" else None, **more)
    found |= _of_transitions(("trial", "transition"), M) | _of_products(("trial",), M, M.shape[1])
    k = coefficients.written_keys(rule, np.asarray(sent.k))
    if rule.writes > 1 or rule.error == "key" or rule.uses_momentum:
        absent["kept_along_key"] = "a token has no one key along which its transition acts"
    else:
        found["kept_along_key"] = (("trial", "transition"), _along_key(M, k), _KEPT)
    if rule.erase is None or rule.writes > 1:
        absent["step_ratio"] = "no bound of one step" if rule.writes > 1 else "nothing is erased: no step has a bound"
    else:
        text = {"units": "1", "long_name": "step over its stability bound"}
        found["step_ratio"] = (("trial", "transition"), _ratios(run, k), text)
    return found


def of_network(run: Course, response: Response, absent: Absent) -> Variables:
    """Everything that the responses of a network give, with standard errors."""
    lead, every, T = ("seed", "trial"), int(run.after[0]), run.sent.k.shape[1]
    k, q, v = (np.asarray(x) for x in (run.sent.k, run.sent.q, run.sent.v))
    absent["step_ratio"] = "the bound is one of exact rules; see step_norm"
    single = every == 1
    if not single:
        why = "transitions are of several tokens; keep every state (states=1)"
        absent |= dict.fromkeys(("kept_along_key", "contribution"), why)

    def all_of(M: Array, written: Array) -> Variables:
        found = _of_transitions((*lead, "transition"), M) | _of_products(lead, M, T)
        if single:
            maps = [
                [contributions.measured_map(M[s, i], written[s, i], q[i], v[i]) for i in range(len(q))]
                for s in range(len(M))
            ]
            found["contribution"] = ((*lead, "time", "write_time"), np.array(maps), _CONTRIBUTION)
            found["kept_along_key"] = ((*lead, "transition"), _along_key(M, k), _KEPT)
        return found

    return jackknifed(all_of, response)


def jackknifed(of: Callable[..., Variables], samples: tuple[Array, ...]) -> Variables:
    """Variables of the mean over repeats (the first axis of all samples), each with its standard error.

    The error is that of the jackknife, ``((R - 1) / R sum_r (f_r - <f>)^2)^(1/2)`` with f_r without repeat r (Efron &
    Stein 1981). Two equal repeats stand for no noise.

    Examples
    --------
    >>> found = jackknifed(lambda x: {"x": ((), x, {"long_name": "x"})}, (np.array([1.0, 2.0, 3.0]),))
    >>> found["x"][1], found["x_error"][1].round(6)
    (np.float64(2.0), np.float64(0.57735))
    """
    n = len(samples[0])
    found, total = of(*(x.mean(axis=0) for x in samples)), [x.sum(axis=0) for x in samples]
    still = n == 2 and all(np.array_equal(*x) for x in samples)
    left = [] if still else [of(*((t - x[i]) / (n - 1) for t, x in zip(total, samples, strict=True))) for i in range(n)]
    for name, (dims, value, text) in list(found.items()):
        if np.asarray(value).dtype.kind != "f":
            continue
        with np.errstate(invalid="ignore"):  # of exponents of -inf and time constants of inf
            parts = np.array([one[name][1] for one in left]) if left else np.zeros((1, *np.shape(value)))
            error = np.sqrt((n - 1) / n * np.square(parts - parts.mean(axis=0)).sum(axis=0))
        found[f"{name}_error"] = (dims, error, text | {"long_name": f"{text['long_name']}, standard error"})
    return found


def of_states(run: Course, absent: Absent) -> Variables:
    """The norm and the rank of W along the run."""
    names = {
        "W_norm": ("norm of W (Frobenius)", lambda W: np.linalg.norm(W, axis=(-2, -1))),
        "W_norm_2": ("2-norm of W", lambda W: np.linalg.norm(W, 2, axis=(-2, -1))),
        "effective_rank": ("effective rank of W", sizes.effective_rank),
        "participation_ratio": ("participation ratio of W", sizes.participation_ratio),
    }
    if run.states is None:
        absent |= dict.fromkeys(names, matrices.no_matrix(run.rule) or "instructions alone do not give its W")
        return {}
    dims = ("seed", "trial", "state_step")
    return {name: (dims, of(run.states), {"units": "1", "long_name": text}) for name, (text, of) in names.items()}


def _of_transitions(dims: tuple[str, ...], M: Array) -> Variables:
    """Eigenvalues and norms."""
    values, modes = matrices.transition_eigenvalues(M), (*dims, "mode")
    symmetric = np.array_equal(M, M.swapaxes(-1, -2))
    norm = np.abs(values[..., 0]) if symmetric else np.linalg.norm(M, 2, axis=(-2, -1))
    text = "eigenvalue of a transition, {} part"
    return {
        "eigenvalue_real": (modes, values.real, {"units": "1", "long_name": text.format("real")}),
        "eigenvalue_imag": (modes, values.imag, {"units": "1", "long_name": text.format("imaginary")}),
        "step_norm": (dims, norm, {"units": "1", "long_name": "2-norm of a transition"}),
    }


def _of_products(lead: tuple[str, ...], M: Array, tokens: int) -> Variables:
    """Exponents and time constants in tokens, and the product of all transitions."""
    rates = exponents.lyapunov_exponents(M) * (M.shape[-3] / tokens)
    s = np.linalg.svd(exponents.ordered_product(M), compute_uv=False)
    modes, per = (*lead, "mode"), {"units": "1/token"}
    product = {"units": "1", "long_name": "singular value of the product of all transitions"}
    return {
        "lyapunov_exponent": (modes, rates, per | {"long_name": "Lyapunov exponent"}),
        "time_constant": (modes, exponents.time_constants(rates), {"units": "token", "long_name": "time constant"}),
        "log_determinant": (lead, rates.sum(axis=-1), per | {"long_name": "mean of ln |det M|"}),
        "product_rank": (lead, np.isfinite(rates).sum(axis=-1), product | {"long_name": "rank of that product"}),
        "product_singular_value": (modes, s, product),
    }


def _along_key(M: Array, k: Array) -> Array:
    """``k M k / |k|^2`` of every token, NaN without a key."""
    size = np.square(k).sum(axis=-1)
    along = np.einsum("...i,...ij,...j->...", k, M, k)
    return np.where(size > 0, along / np.where(size > 0, size, 1), np.nan)


def _ratios(run: Course, k: Array) -> Array:
    """The step over its bound, token by token."""
    rule, sent = run.rule, run.sent
    keys = np.asarray(sent.v) if rule.error == "key" else k
    n, T = keys.shape[:2]
    beta = np.broadcast_to(1.0 if sent.beta is None or not rule.uses_beta else sent.beta, (n, T))
    gates: Mapping[str, Any] = {
        "decay": sent.decay if rule.uses_decay else None, "momentum": sent.momentum if rule.uses_momentum else None
    }  # fmt: skip
    each = [
        theory.step_ratio(
            rule, keys[i, t], beta[i, t], **{name: x if x is None else x[i, t] for name, x in gates.items()}
        )
        for i in range(n)
        for t in range(T)
    ]
    return np.reshape(each, (n, T))


_CONTRIBUTION = {"units": "1", "long_name": "contribution of a write to a read"}
_KEPT = {"units": "1", "long_name": "what is kept along the key"}
