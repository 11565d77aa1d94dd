"""The transition of every token of a rule, ``W_t = W_{t-1} M_t + what is written``, and its eigenvalues."""

from typing import Any

import numpy as np

from synfwp import checks, rules, theory
from synfwp.fastweights import arguments, chain
from synfwp.fastweights.problem import Call
from synfwp.rules import Rule

Array = np.ndarray


def transition_matrices(
    rule: Rule | str,
    k: Any,
    v: Any = None,
    beta: Any = None,
    *,
    decay: Any = None,
    erase: Any = None,
    momentum: Any = None,
) -> Array:
    """The matrix M of every token, ``W_t = W_{t-1} M_t + write_t v_t k_t^T``.

    Of a rule that predicts the key (OJA), whose W is multiplied from the left, it is the transpose of that factor.

    Parameters
    ----------
    rule : Rule or str
    k : (..., T, d_k) array
        Keys; (..., T, n, d_k) of a rule with n writes per token, whose matrix is the product of theirs.
    v : None or (..., T, d_v) array
        Values, on which the matrices of OJA and GATED_OJA depend, and no others.
    beta, decay, erase, momentum : array or None
        As `synfwp.scan` takes them.

    Returns
    -------
    (..., T, d_k, d_k) array
        (..., T, d_v, d_v) for OJA; (..., T, 2 d_k, 2 d_k) for MOMENTUM_DELTA, of ``[W, M]`` side by side. For MESA,
        ``a I``: that of its G and H.

    Raises
    ------
    TypeError, ValueError
        As `synfwp.scan`, for a beta per value channel (each row of W then has a matrix of its own), and for a rule
        without such a matrix: SOFTMAX has no W, and in SELF_REFERENTIAL W chooses its own key.

    References
    ----------
    Yang et al. 2024 (DeltaNet); Grazzi et al. 2025.

    Examples
    --------
    >>> import numpy as np
    >>> transition_matrices("delta", np.array([[1.0, 0.0]])).tolist()
    [[[0.0, 0.0], [0.0, 1.0]]]
    """
    row = rules.get_rule(rule)
    why = no_matrix(row)
    if why:
        raise ValueError(f"rule {row.name!r} has no transition of a token: {why}.")
    call = _call(row, k, v, beta, decay, erase, momentum)
    if call.beta.ndim == call.v.ndim:
        raise ValueError(
            "beta has as many axes as v: each row of W has a transition of its own; pass one row at a time."
        )
    n, T = call.q.shape[:2]
    M = _of_solver(row, call, n, T)
    return M.reshape(*call.lead, T, *M.shape[-2:])


def no_matrix(rule: Rule) -> str:
    """Why a rule has no transition of a token that its instructions fix; "" where it has one."""
    if not rule.has_weights:
        return "it keeps all pairs and has no W"
    return "" if rule.uses_keys else "W itself sends the key that it is multiplied with"


def transition_eigenvalues(M: Any) -> Array:
    """Eigenvalues of transitions, the largest modulus first.

    Parameters
    ----------
    M : (..., d, d) array

    Returns
    -------
    (..., d) array of complex numbers

    Raises
    ------
    TypeError, ValueError
        For an array of another shape, or one that holds NaN or inf.

    Examples
    --------
    >>> import numpy as np
    >>> transition_eigenvalues(np.array([[0.0, -0.5], [0.5, 0.0]])).round(6).tolist()
    [0.5j, -0.5j]
    """
    M = square("M", M)
    if np.array_equal(M, np.swapaxes(M, -1, -2)):
        found = np.linalg.eigvalsh(M).astype(complex)
    else:
        found = np.linalg.eigvals(M).astype(complex)
    order = np.lexsort((-found.imag, -found.real, -np.abs(found).round(12)), axis=-1)
    return np.take_along_axis(found, order, axis=-1)


def square(name: str, M: Any) -> Array:
    """Finite square matrices."""
    M = checks.array(name, M)
    if M.ndim < 2 or M.shape[-1] != M.shape[-2] or not M.shape[-1]:
        raise ValueError(f"{name} has shape {M.shape}; pass square matrices (..., d, d).")
    return M


def _call(row: Rule, k: Any, v: Any, beta: Any, decay: Any, erase: Any, momentum: Any) -> Call:
    """Checked arguments, with queries of zero and, where none count, values of zero."""
    keys = arguments.plain("k", k)
    keys = keys if keys.dtype.kind == "f" else keys.astype(float)
    if keys.ndim < 2 + (row.writes > 1):
        raise ValueError(f"k has shape {keys.shape}; pass {'(..., T, n, d_k)' if row.writes > 1 else '(..., T, d_k)'}.")
    if row.error == "key" and v is None:
        raise ValueError(f"v is None, but the transition of rule {row.name!r} is that of its values; pass v.")
    float_, d = keys.dtype.type, keys.shape[-1]
    q = np.zeros((keys[..., 0, :] if row.writes > 1 else keys).shape, float_)
    more: dict[str, Any] = {"W0": np.zeros((1, d), float_)} if not row.uses_values else {}
    values = None if more else np.zeros((*keys.shape[:-1], 1), float_) if v is None else v
    given = {"decay": decay, "erase": erase, "momentum": momentum}
    given |= {"ridge": np.ones(d, float_)} if row.uses_ridge else {}
    return arguments.check(row, q, keys, values, beta, warn=False, **given, **more)


def _of_solver(row: Rule, call: Call, n: int, T: int) -> Array:
    """Matrices (n, T, d, d)."""
    if row.solver == "mesa":
        decay = np.ones((n, T)) if call.decay is None else call.decay
        return decay[..., None, None] * np.eye(call.k.shape[-1])
    if row.solver == "momentum":
        mu = call.momentum
        assert mu is not None  # the row uses it
        return np.stack([[_heavy_ball(row, call, i, t, mu[i, t]) for t in range(T)] for i in range(n)])
    problem = chain.to_canonical(call).problem
    M = theory.transitions(problem.c, problem.k)
    steps = M.reshape(n, T, row.writes, *M.shape[-2:])
    M = steps[:, :, 0]
    for i in range(1, row.writes):
        M = M @ steps[:, :, i]
    return M


def _heavy_ball(row: Rule, call: Call, i: int, t: int, mu: float) -> Array:
    """The matrix of [W, M] of one token."""
    decay = None if call.decay is None else float(call.decay[i, t])
    return theory.transition(row, call.k[i, t], float(call.beta[i, t]), decay, momentum=float(mu))
