"""Layers whose plasticity is a Taylor rule, step by step."""

import numpy as np


def taylor(phi, x, reward, theta, powers, bound, W):
    """Activity (T, d_post) and weights (T + 1, d_post, d_pre) of a layer y = phi(W x) that changes after each step.

    ``dW_ij = sum_p theta_p x_j^a y_i^b W_ij^c r^d`` with ``(a, b, c, d) = powers[p]`` (Mehta et al. 2024, the Taylor
    rule, with the reward as a fourth factor); W stays within ``bound`` of 0. ``x (T, d_pre)``, ``reward (T,)``.
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
