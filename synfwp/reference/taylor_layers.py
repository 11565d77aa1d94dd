"""Layers whose plasticity is a Taylor rule, step by step."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="activity : (T, d_post) array\nweights : (T + 1, d_post, d_pre) array",
    phi="str: identity, tanh, relu or sigmoid.",
    x="(T, d_pre) array: presynaptic activity.",
    reward="(T,) array",
    theta="(n,) array: coefficients.",
    powers="(n, 4) array of int: powers of x, y, W and the reward in each term.",
    bound="float: the largest size of a weight.",
    W="(d_post, d_pre) array: weights before the first step.",
)
def taylor(phi, x, reward, theta, powers, bound, W):
    """Activity (T, d_post) and weights (T + 1, d_post, d_pre) of a layer y = phi(W x) that changes after each step.

    ``dW_ij = sum_p theta_p x_j^a y_i^b W_ij^c r^d`` with ``(a, b, c, d) = powers[p]`` (Mehta et al. 2024, the Taylor
    rule, with the reward as a fourth factor); W stays within ``bound`` of 0. ``x (T, d_pre)``, ``reward (T,)``.

    Examples
    --------
    >>> x, W = np.ones((2, 1)), np.array([[0.5]])
    >>> taylor("identity", x, np.ones(2), [0.1], [(1, 1, 0, 0)], 10.0, W)[1].round(3).ravel().tolist()
    [0.5, 0.55, 0.605]
    """
    activity, weights = [], [W]
    for t in range(len(x)):
        u = W @ x[t]
        y = {"identity": u, "tanh": np.tanh(u), "relu": u * (u.real > 0), "sigmoid": 1 / (1 + np.exp(-u))}[phi]
        change = np.zeros(W.shape, np.result_type(W, np.asarray(theta), float))
        for coefficient, (a, b, c, d) in zip(theta, powers, strict=True):
            change = change + coefficient * np.outer(y**b, x[t] ** a) * W**c * reward[t] ** d
        W = W + change
        W = np.where(np.abs(W.real) > bound, np.sign(W.real) * bound, W)
        activity.append(y)
        weights.append(W)
    return np.array(activity), np.array(weights)
