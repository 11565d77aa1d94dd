"""The figure of a rule: what is left of a pair after later writes, the weights, and the spectrum of one step."""

from typing import Any

import numpy as np

import synfwp as fw
from synfwp import plot
from synfwp.rules import Rule

D, T, SEQUENCES = 8, 16, 40
BETA, DECAY, MOMENTUM, RIDGE = 0.5, 0.9, 0.5, 0.1
CAPTION = (
    f"{T} pairs of random keys and values of length 1 ({D} features), {SEQUENCES} sequences;"
    f" beta {BETA}, decay {DECAY} and what else the rule takes. Left: cosine of what a key reads with its value, over"
    " the number of later writes (mean and SD). Middle: the weights after one sequence. Right: eigenvalues of one step,"
    " as a map of all entries of W, with the unit circle."
)


def gates(rule: Rule, k: Any) -> dict[str, Any]:
    """What a rule takes beside keys and values, at fixed sizes."""
    lead, more = k.shape[: -1 - (rule.writes > 1)], {}
    if rule.uses_beta:
        more["beta"] = np.full(k.shape[:-1], BETA)
    if rule.uses_decay:
        more["decay"] = np.full((*lead, D) if rule.retain == "key" else lead, DECAY)
    if rule.uses_pair:
        more["erase"] = (k, BETA * k)
    if rule.uses_momentum:
        more["momentum"] = np.full(lead, MOMENTUM)
    if rule.uses_ridge:
        more["ridge"] = np.full(D, RIDGE)
    return more


def pairs(rule: Rule) -> tuple[Any, Any]:
    """Keys of length 1 and values, (sequence, time, feature), or several per token."""
    rng = np.random.default_rng(0)
    shape = (SEQUENCES, T, rule.writes, D) if rule.writes > 1 else (SEQUENCES, T, D)
    k, v = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in rng.standard_normal((2, *shape)))
    return k, v


def left(rule: Rule) -> Any:
    """Cosine of read and value, (sequence, later writes): the last query of a sequence is the key of one pair."""
    k, v = pairs(rule)
    many = [np.repeat(x[:, None], T, axis=1) for x in (k, v)]
    q = np.zeros((SEQUENCES, T, T, D))
    first = (lambda x: x[..., 0, :]) if rule.writes > 1 else (lambda x: x)
    q[:, :, -1] = first(k)
    form = "parallel" if rule.solver == "softmax" else None
    y = fw.scan(rule, q, *many, **gates(rule, many[0]), form=form).y[:, :, -1]
    size = np.linalg.norm(y, axis=-1) * np.linalg.norm(first(v), axis=-1)
    return (np.sum(y * first(v), axis=-1) / np.where(size > 0, size, 1))[:, ::-1]


def step(rule: Rule, W: Any) -> Any:
    """W (..., d, d) after one token; whatever else the rule carries starts at 0."""
    k, v = (np.broadcast_to(x[0, :1], W.shape[:-2] + x[0, :1].shape) for x in pairs(rule))
    return fw.scan(rule, one_query(rule, k), k, v if rule.uses_values else None, **gates(rule, k), W0=W).W


def one_query(rule: Rule, k: Any) -> Any:
    """A query per token: its first key."""
    return np.ascontiguousarray(k[..., 0, :]) if rule.writes > 1 else k


def weights(rule: Rule) -> Any:
    """W after one sequence; where the rule writes itself, from random weights."""
    k, v = (x[0] for x in pairs(rule))
    if rule.uses_keys:
        return fw.scan(rule, one_query(rule, k), k, v, **gates(rule, k)).W
    start = np.random.default_rng(1).standard_normal((3 * D + 4, D))
    return fw.scan(rule, k, None, None, W0=start).W


def spectrum(rule: Rule) -> Any:
    """Eigenvalues of one step as a linear map of the entries of W."""
    unit = np.eye(D * D).reshape(D * D, D, D)
    kicked, rest = step(rule, unit), step(rule, 0 * unit)
    return np.linalg.eigvals((kicked - rest).reshape(D * D, D * D))


def drawn(rule: Rule) -> Any:
    """The panels that the rule has."""
    recalls = rule.uses_values and rule.uses_keys
    linear = rule.solver == "linear"
    panels = [
        name
        for name, there in (("a", recalls), ("b", rule.has_weights and (recalls or not rule.uses_keys)), ("c", linear))
        if there
    ]
    fig, axes = plot.figure("double" if len(panels) == 3 else "single", 50, "".join(panels))
    with plot.style():
        if "a" in panels:
            found = left(rule)
            mean, sd = found.mean(0), found.std(0, ddof=1)
            axes["a"].fill_between(np.arange(T), mean - sd, mean + sd, alpha=0.2, linewidth=0)
            axes["a"].plot(np.arange(T), mean)
            axes["a"].axhline(0, color="0.7", linewidth=0.5)
            axes["a"].set(xlabel="later writes", ylabel="cosine of read and value", ylim=(-1.05, 1.05))
        if "b" in panels:
            W = weights(rule)
            limit = float(abs(W).max())
            image = axes["b"].imshow(W, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit)
            axes["b"].set(xlabel="key (pre)", ylabel="value (post)")
            fig.colorbar(image, ax=axes["b"], label="W")
        if "c" in panels:
            circle = np.exp(2j * np.pi * np.linspace(0, 1, 200))
            axes["c"].plot(circle.real, circle.imag, color="0.7", linewidth=0.5)
            roots = spectrum(rule)
            axes["c"].plot(roots.real, roots.imag, "o", alpha=0.4)
            axes["c"].set(
                xlabel="real part", ylabel="imaginary part", aspect="equal", xlim=(-1.2, 1.2), ylim=(-1.2, 1.2)
            )
    return fig
