"""Conversions to other conventions, against the equations as those conventions write them."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import conventions


def steps(rng, *names, T=7, d=4):
    """Random streams (T, d)."""
    return [rng.random((T, d)) * 0.5 for _ in names]


def run(transition, k, v):
    """``S_t = S_{t-1} M_t + v_t k_t^T`` and its reads by k, as a plain loop."""
    S, reads = np.zeros((v.shape[1], k.shape[1])), []
    for t in range(len(k)):
        S = S @ transition(t) + np.outer(v[t], k[t])
        reads.append(S @ k[t])
    return np.array(reads)


@pytest.mark.kernels
def test_rwkv7_is_dplr(rng):
    w, kappa, rate, k, v = steps(rng, *"wardk")
    want = run(lambda t: np.diag(w[t]) - np.outer(kappa[t], rate[t] * kappa[t]), k, v)
    got = fw.scan("dplr", k, k, v, **conventions.rwkv7(w, kappa, rate)).y
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)  # rounding of 7 steps of sums of 4


@pytest.mark.kernels
def test_iplr_is_dplr_without_decay(rng):
    a, b, k, v = steps(rng, *"abkv")
    want = run(lambda t: np.eye(4) - np.outer(a[t], b[t]), k, v)
    with pytest.warns(RuntimeWarning, match="rule 'dplr'"):  # I - a b^T makes W larger unless a and b are parallel
        got = fw.scan("dplr", k, k, v, **conventions.iplr(-a, b)).y
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)


@pytest.mark.kernels
def test_comba_is_dplr_with_a_scalar_decay(rng):
    p, k, v = steps(rng, *"pkv")
    alpha, beta = rng.random(7), rng.random(7)
    want = run(lambda t: alpha[t] * np.eye(4) - beta[t] * np.outer(p[t], k[t]), k, v * beta[:, None])
    got = fw.scan("dplr", k, k, v, **conventions.comba(alpha, p, k, beta)).y
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)


@pytest.mark.kernels
@pytest.mark.parametrize("rule", ["delta", "gated_delta", "key_gated_delta", "hebb", "leaky_hebb", "gated_hebb"])
def test_a_run_in_the_other_layout_is_the_run_here(rule, rng):
    """[B, T, H, K], log gates, scale K^-0.5 and the state S = W^T, written out as a loop."""
    B, T, H, K, V = 2, 6, 2, 4, 3
    q, k, v = (rng.random((B, T, H, d)) * 0.5 for d in (K, K, V))
    row, beta, S0 = fw.RULES[rule], rng.random((B, T, H)), rng.standard_normal((B, H, K, V))
    g = np.log(rng.random((B, T, H, K) if row.retain == "key" else (B, T, H))) if row.uses_decay else None
    o = np.empty((B, T, H, V))
    S = S0.copy()
    for b in range(B):
        for h in range(H):
            for t in range(T):
                if g is not None:
                    S[b, h] *= np.exp(g[b, t, h])[:, None] if row.retain == "key" else np.exp(g[b, t, h])
                error = v[b, t, h] - (k[b, t, h] @ S[b, h] if row.erase else 0)
                S[b, h] += beta[b, t, h] * np.outer(k[b, t, h], error)
                o[b, t, h] = (q[b, t, h] * K**-0.5) @ S[b, h]
    out = fw.scan(rule, **conventions.from_fla(q, k, v, g, beta, initial_state=S0))
    there, state = conventions.results_to_fla(out.y, out.W)
    np.testing.assert_allclose(there, o, rtol=0, atol=1e-13)
    np.testing.assert_allclose(state, S, rtol=0, atol=1e-13)
