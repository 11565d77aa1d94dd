"""The linear programmer: projections of each token are the instructions."""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from synfwp import autograd as ag
from synfwp import checks, fastweights, features, rules, seeds
from synfwp.instructions import Instructions

Params = dict[str, Any]


@dataclass(frozen=True)
class Programmer:
    r"""A frozen specification of a linear slow network. Its numbers live in a flat dict of arrays.

    For a token x: ``q = norm(phi(W_q x))``, ``k = norm(phi(W_k x))``, ``v = W_v x``,
    ``beta = beta_max sigmoid(w_beta x + b_beta)`` and ``decay = sigmoid(W_decay x + b_decay)``, as the rule uses them.
    The answer is ``W_out y`` for the read y (``y`` itself without ``d_out``).

    Parameters
    ----------
    rule : str or Rule
    d_in, d_key, d_value : int
        Features of a token, of keys before the feature map, and of values.
    d_out : int or None
        Classes of the read-out; None reads y itself.
    feature, key_norm : str
        Feature map and normaliser of keys and queries. A map that is not negative can be sent as firing rates.
    beta_max : float
        Largest write strength.
    write_channel : int or None
        The feature of a token that is 1 where it writes and 0 where it only asks: k, v and beta are multiplied by it.
        None: every token writes.

    Raises
    ------
    TypeError, ValueError
        For sizes below 1 and unknown names.

    Source: Irie & Gershman 2025, section 2.2; Schlag, Irie & Schmidhuber 2021.

    >>> import numpy as np
    >>> programmer = Programmer(rule="delta", d_in=5, d_key=4, d_value=3)
    >>> programmer(programmer.init(seed=0), np.ones((7, 5))).k.shape
    (7, 4)
    """

    rule: Any = "delta"
    d_in: int = 64
    d_key: int = 32
    d_value: int = 32
    d_out: int | None = None
    feature: str = "relu"
    key_norm: str = "l2"
    beta_max: float = 1.0
    write_channel: int | None = None

    def __post_init__(self) -> None:
        """Every field is what the table above says."""
        rules.check_one_write(self.rule, "use e.g. rule='delta'")
        for name in ("d_in", "d_key", "d_value"):
            checks.count(name, getattr(self, name))
        if self.d_out is not None:
            checks.count("d_out", self.d_out)
        features.get_feature(self.feature)
        features.get_normaliser(self.key_norm)
        checks.number("beta_max", self.beta_max, 0, above=True)
        if self.write_channel is not None:
            checks.count("write_channel", self.write_channel, -self.d_in)
            if self.write_channel >= self.d_in:
                raise ValueError(
                    f"write_channel is {self.write_channel}; pass an index of the {self.d_in} features of x."
                )

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> Params:
        """Random parameters: normal weights of variance 1 / d_in, gates that start at half of beta_max and decay .95.

        Queries start as the keys (``W_q = W_k``), so that a query finds its own key before anything is learned.

        Returns
        -------
        dict of str to array
        """
        rng = seeds.generator(seed, "init")

        def normal(*shape: int) -> Any:
            return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(dtype)

        params = {
            "W_k": normal(self.d_key, self.d_in),
            "W_v": normal(self.d_value, self.d_in),
        }
        params["W_q"] = params["W_k"].copy()
        row = rules.get_rule(self.rule)
        if row.uses_beta:
            params |= {"w_beta": np.zeros(self.d_in, dtype), "b_beta": np.zeros((), dtype)}
        if row.uses_decay:
            keys = features.get_feature(self.feature).width(self.d_key) if row.error == "value" else self.d_value
            wide = (keys,) if row.retain == "key" else ()
            params["W_decay"] = np.zeros((*wide, self.d_in), dtype)
            params["b_decay"] = np.full(wide, 3.0, dtype)
        if self.d_out is not None:
            params["W_out"] = normal(self.d_out, self.d_value)
        return params

    def __call__(self, params: Params, x: Any) -> Instructions:
        """Instructions for tokens ``x (..., T, d_in)``, in the dtype of the parameters.

        Raises
        ------
        ValueError
            If x has another number of features.
        """
        if anp.shape(x)[-1] != self.d_in:
            raise ValueError(f"x has {anp.shape(x)[-1]} features; this programmer takes d_in={self.d_in}.")
        x = x.astype(params["W_k"].dtype, copy=False)
        phi, norm = features.get_feature(self.feature), features.get_normaliser(self.key_norm)
        q = ag.feature(norm, ag.feature(phi, project(x, params["W_q"])))
        k = ag.feature(norm, ag.feature(phi, project(x, params["W_k"])))
        v = project(x, params["W_v"])
        beta = decay = None
        if "w_beta" in params:
            beta = ag.feature(SIGMOID, project(x, params["w_beta"]) + params["b_beta"]) * float(self.beta_max)
        if "W_decay" in params:
            decay = ag.feature(SIGMOID, project(x, params["W_decay"]) + params["b_decay"])
        if self.write_channel is not None:
            gate = x[..., self.write_channel]
            k, v, beta = k * gate[..., None], v * gate[..., None], None if beta is None else beta * gate
        return Instructions(q, k, v, beta, decay)

    @property
    def name(self) -> str:
        """What a progress bar and the provenance call it."""
        return rules.get_rule(self.rule).name

    def scores(self, params: Params, x: Any) -> Any:
        """Scores ``(..., T, d_out)`` for tokens ``x (..., T, d_in)``, with the exact rule: what is trained."""
        sent = self(params, x)
        y, _, _ = ag.scan(self.rule, sent.q, sent.k, sent.v, sent.beta, sent.decay)
        return self.read_out(params, y)

    def diagnose(self, params: Params, x: Any) -> str:
        """Sizes that tell why a run diverges: the largest ``beta |k|^2`` and the largest norm of the last W."""
        try:
            with np.errstate(all="ignore"):
                sent = self(params, x)
                size = np.square(sent.k).sum(axis=-1) * (1.0 if sent.beta is None else sent.beta)
                W = fastweights.scan(self.rule, sent.q, sent.k, sent.v, sent.beta, decay=sent.decay).W
                norm = np.sqrt(np.square(W).sum(axis=(-2, -1)).max())
        except ValueError as error:
            return f"The rule refuses what is sent: {error}"
        return f"The largest beta |k|^2 is {size.max():.3g}, the largest norm of W {norm:.3g}."

    def read_out(self, params: Params, y: Any) -> Any:
        """Scores ``(..., T, d_out)`` of the classes for reads ``y (..., T, d_value)``."""
        return y if self.d_out is None else project(y, params["W_out"])


def project(x: Any, W: Any) -> Any:
    """``x @ W.T`` over the last axis as one product of matrices: autograd is slow with stacks of them."""
    shape = anp.shape(x)[:-1]
    return anp.reshape(anp.reshape(x, (-1, anp.shape(x)[-1])) @ W.T, shape + anp.shape(W)[:-1])


# 1 / (1 + exp(-x)) without overflow, in the dtype of x: autograd's derivative of tanh overflows (float32, |x| > 178)
SIGMOID = features.Feature("sigmoid", lambda x: (np.tanh(x * 0.5) + 1.0) * 0.5, lambda x, f, g: g * f * (1 - f))
