"""Which rule a synapse follows: from recorded weights by regression, from activity by a Taylor rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synfwp import checks
from synfwp.inference.activity import from_activity, layered
from synfwp.inference.how import FromActivity, FromWeights
from synfwp.inference.recordings import from_weights, recorded

if TYPE_CHECKING:
    import xarray as xr


def infer_rule(
    pre: Any,
    post: Any,
    W: Any = None,
    *,
    W_split: Any = None,
    trace: Any = None,
    reward: Any = None,
    W0: Any = None,
    how: FromWeights | FromActivity | None = None,
) -> xr.Dataset:
    r"""Which rule synapses follow, from recorded weights or from activity alone.

    **From weights.** Trial by trial,

    .. math::
        W_{t+1} - W_t = w\, v_t k_t^\top - e\, (W_t k_t) k_t^\top - d\, W_t + a\, 1 k_t^\top + b\, v_t 1^\top + \dots

    with terms of Oja's rule (``v v W``), of covariance (``v <k>``) and of BCM (``v v k``) behind the dots; ``retain =
    1 - d``, ``erase = e``, ``write = w``. The same noisy W on both sides would invent a decay, of
    ``-s^2 / (s^2 + <W^2>)`` for noise of variance s^2, and total least squares does not help, since the two errors are
    one; so W is instrumented (`FromWeights`). Each rule is a cone of coefficients: ``write`` alone is Hebb or, below 0,
    anti-Hebb; with as much erasure delta, with as much ``v v W`` Oja, with as much ``v <k>`` covariance (each between
    half and twice as much). The verdict is the only rule that the estimate does not exclude, in the directions that the
    design shows. "none" needs no change and enough data to see one. All else is "cannot tell", with the reason.

    **What has to be observed.** v is the postsynaptic activity that wrote, recorded apart: if it is what the synapses
    recall, W k, then Hebb, anti-Hebb and delta are one regressor. Keys without a mean make covariance Hebb, and those
    with a uniform mean make it a depression by post. With constant v^2 Oja's decay is a decay, and over blocks of
    orthogonal keys of equal frequency so is an erasure. k and v are taken to be without noise, and the noise of W to be
    independent from synapse to synapse.

    **From activity.** The layer ``post_t = phi(W_t pre_t)`` runs with ``dW_ij = sum theta pre_j^a post_i^b W_ij^c
    reward^d`` after each step. theta minimises the squared error of the recorded activity by gradients through all
    steps, with an L1 penalty on each term's contribution; sessions that are left out choose the penalty.

    Parameters
    ----------
    pre : (session, trial, event, d_pre), (session, trial, d_pre) or (trial, d_pre) array
        Presynaptic activity k. Events of a trial add up, to first order. From activity: without an event axis.
    post : array
        Postsynaptic activity v, its axes as those of ``pre``. From weights: what was clamped. From activity: recorded.
    W : (session, trial + 1, d_post, d_pre) or (trial + 1, d_post, d_pre) array, or None
        Weights before each trial and after the last one. None: from activity.
    W_split : array or None
        A second measurement of W whose noise is independent, such as even beside odd sweeps.
    trace : array or None
        As ``pre``: the mean that presynaptic activity is compared with. None: the mean of the keys of a session before.
    reward : (session, step) or (step,) array, or None
        From activity only.
    W0 : (session, d_post, d_pre) or (d_post, d_pre) array, or None
        Weights at the start, from activity only; None is 0.
    how : FromWeights, FromActivity or None
        None: ``FromWeights()`` where there is W, else ``FromActivity()``.

    Returns
    -------
    xarray.Dataset
        Attributes ``verdict`` and ``reason``. From weights: ``coefficient``, ``sem`` and ``vif`` (term) of the five
        terms alone, ``retain``, ``erase``, ``write``, ``condition_number`` of all terms, ``r2_held_out``, and ``p`` and
        ``amount`` (rule). From activity: ``coefficient`` and ``sem`` (term), ``log_likelihood`` and
        ``log_likelihood_still`` (of activity left out, for each number, of the rule and without plasticity),
        ``r2_held_out`` (share of the error without plasticity), ``coefficient_path`` (penalty, term) and ``error_path``
        (penalty).

    Raises
    ------
    ValueError, TypeError
        For shapes that do not belong together, NaN or inf, too few trials, or arguments of the other way.

    References
    ----------
    Mehta et al. 2024, Advances in Neural Information Processing Systems 37 (the Taylor rule by gradients through
    trajectories); Oja 1982, J Math Biol 15:267.

    Examples
    --------
    >>> import numpy as np
    >>> from synfwp import seeds
    >>> k, v = seeds.generator(0, "k").gamma(1.0, 0.5, (200, 6)), seeds.generator(0, "v").gamma(2.0, 0.5, (200, 4))
    >>> W = [seeds.generator(0, "W").standard_normal((4, 6))]
    >>> for t in range(200):
    ...     W.append(W[-1] + 0.2 * np.outer(v[t] - W[-1] @ k[t], k[t]))
    >>> found = infer_rule(k, v, np.array(W))
    >>> found.verdict, round(float(found.erase), 3)
    ('delta', 0.2)
    """
    chosen = how if how is not None else FromActivity() if W is None else FromWeights()
    if not isinstance(chosen, FromWeights | FromActivity):
        raise TypeError(f"how is {checks.short(how)}; pass FromWeights(...), FromActivity(...) or None.")
    weights = isinstance(chosen, FromWeights)
    _only(
        f"how={type(chosen).__name__}()",
        {"reward": reward, "W0": W0} if weights else {"W": W, "W_split": W_split, "trace": trace},
    )
    if isinstance(chosen, FromWeights):
        return from_weights(recorded(pre, post, W, W_split, trace), chosen)
    return from_activity(layered(pre, post, reward, W0, chosen), chosen)


def _only(kind: str, others: dict[str, Any]) -> None:
    """Refuse arguments of the other way."""
    for name, value in others.items():
        if value is not None:
            raise ValueError(f"{name} is not used with {kind}; leave it out.")
