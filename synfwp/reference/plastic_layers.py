"""Plastic layers, step by step."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="h : (T, d) array\nA : (d, d_pre) array\naux : (d + d_pre + 1,) array or None",
    phi="str: identity, tanh, relu or sigmoid.",
    rule="str: hebb, oja_local or covariance.",
    drive="(T, d) array: what comes from outside.",
    x="(T, d_pre) array or None: what A reads; None: the layer itself.",
    W="(d, d) array or None: slow weights of the layer.",
    alpha="(d, d_pre) array or float: what A is multiplied by.",
    lam="(T,) array: the share of A that is kept per step.",
    eta="(T,) array: write strengths.",
    h="(d,) array: the state before.",
    A="(d, d_pre) array: plastic weights before.",
    aux="(d + d_pre + 1,) array or None: means and number of steps before, of the covariance.",
    inner="int: passes of the inner loop.",
    norm="str: none, every or inner.",
)
def plastic(phi, rule, drive, x, W, alpha, lam, eta, h, A, aux=None, inner=0, norm="none"):
    """A network with plastic weights A beside slow ones; hidden states (T, d), the last A and the last aux.

    ``drive (T, d)`` is all that comes from outside but for what A reads; ``lam, eta (T,)``. With an input ``x (T, .)``,
    ``h_t = phi(drive_t + (alpha A) x_t)`` (Tyulmankov, Yang & Abbott 2022; Aitken & Mihalas 2023, where alpha = W).
    With x = None, ``h_t = phi(drive_t + (W + alpha A) h_(t-1))`` (Miconi, Stanley & Clune 2018, equation 1), or with an
    inner loop ``h <- phi(drive_t + W h_(t-1) + (alpha A) h)`` from phi(drive_t + W h_(t-1)) (Ba et al. 2016, equation
    2), which ends with h on both sides of the write. ``norm`` is where phi sees its argument minus its mean over its
    standard deviation: "every" pass, those of the "inner" loop (equation 5), "none". Then ``A <- lam A + eta h p^T``
    with p what A has read (Miconi's equation 2), Oja's ``A_ij + eta h_i (p_j - h_i A_ij)`` (equation 3; lam = 1), or
    the covariance of h and p, each minus its mean over the steps before; ``aux = (<h>, <p>, n)`` are those means and
    the number of steps behind them.
    The first step of n = 0 meets the means that aux holds, and n = inf holds them for ever.

    Examples
    --------
    >>> one, x = np.ones(2), np.array([[1.0], [2.0]])
    >>> h, A, _ = plastic("identity", "hebb", x, x, None, 1.0, one, 0.5 * one, None, np.zeros((1, 1)))
    >>> h.ravel().tolist(), A.tolist()
    ([1.0, 3.0], [[3.5]])
    """

    def activate(u, normed=norm == "every"):
        if normed:
            u = u - u.mean()
            u = u / np.sqrt(np.mean(u * u) + 1e-5)
        if phi == "sigmoid":
            return 1 / (1 + np.exp(-u))
        return {"identity": u, "tanh": np.tanh(u), "relu": u * (u.real > 0)}[phi]

    states = []
    for t in range(len(drive)):
        if x is not None:
            read, h = x[t], activate(drive[t] + (alpha * A) @ x[t])
        elif inner == 0:
            read, h = h, activate(drive[t] + (W + alpha * A) @ h)
        else:
            sustained = drive[t] + W @ h
            h = activate(sustained)
            for _ in range(inner):
                h = activate(sustained + (alpha * A) @ h, norm != "none")
            read = h
        post, pre = h, read
        if rule == "covariance":
            post_mean, pre_mean, n = aux[: len(h)], aux[len(h) : -1], aux[-1].real + 1
            post, pre = h - post_mean, read - pre_mean
            aux = np.concatenate([post_mean + post / n, pre_mean + pre / n, [n]])
        change = np.outer(post, pre)
        if rule == "oja_local":
            change = np.outer(h, read) - (h * h)[:, None] * A
        A = lam[t] * A + eta[t] * change
        states.append(h)
    return np.array(states), A, aux
