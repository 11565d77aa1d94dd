"""What a programmer is made of, and the numbers that it starts from."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from synfwp import checks, features, owned, rules, seeds
from synfwp.programmer.parts import Params

Array = Any
_SIZES = ("d_in", "d_key", "d_value", "heads", "layers")
_OPTIONAL_SIZES = ("d_out", "d_model", "hidden", "convolution", "modulators")


@dataclass(frozen=True)
class Specification:
    """The fields of a `Programmer`, which its docstring explains; they check themselves and draw the parameters."""

    rule: Any = "delta"
    d_in: int = 64
    d_key: int = 32
    d_value: int = 32
    d_out: int | None = None
    feature: str = "relu"
    key_norm: str = "l2"
    beta_max: float = 1.0
    write_channel: int | None = None
    tokens: bool = False
    d_model: int | None = None
    hidden: int | None = None
    heads: int = 1
    convolution: int | None = None
    layers: int = 1
    residual: bool = False
    norm: bool = False
    modulators: int | None = None
    recurrent: str | None = None

    def __post_init__(self) -> None:
        """Fields are of the kinds in the Parameters of `Programmer`."""
        row = rules.get_rule(self.rule)
        if row.uses_pair or (row.uses_keys and not row.uses_values):
            raise ValueError(f"rule {row.name!r} needs more, or less, than keys, values and gates; use e.g. 'delta'.")
        for name in (*_SIZES, *(name for name in _OPTIONAL_SIZES if getattr(self, name) is not None)):
            owned.count(self, name)
        features.get_feature(self.feature)
        features.get_normaliser(self.key_norm)
        checks.number("beta_max", self.beta_max, 0, above=True)
        if self.recurrent is not None:
            checks.one_of("recurrent", self.recurrent, ("instructions", "reads"))
        if self.write_channel is not None:
            owned.count(self, "write_channel", -self.d_in)
            if self.write_channel >= self.d_in:
                raise ValueError(
                    f"write_channel is {self.write_channel}; pass an index of the {self.d_in} features of x."
                )
        self._exclude(row)

    def _exclude(self, row: Any) -> None:
        """Refuse fields that exclude each other."""
        gated = row.uses_beta or row.uses_decay
        conflicts = (
            (self.layers > 1 and not self.residual, "layers > 1 needs residual=True"),
            (self.tokens and self.write_channel is not None, "tokens=True leaves no feature for write_channel"),
            (
                self.recurrent is not None and self.convolution is not None,
                "a recurrent programmer runs token by token, without convolution",
            ),
            (
                self.recurrent == "reads" and self.d_key != self.d_value,
                f"recurrent='reads' queries with what it reads; d_key is {self.d_key} and d_value {self.d_value}",
            ),
            (
                self._softmax and (self.recurrent or self.write_channel is not None),
                "rule 'softmax' keeps every token and no W, so it takes no recurrent or write_channel",
            ),
            (self.modulators is not None and not gated, f"modulators act on gates, and rule {row.name!r} has none"),
            (
                self._self_referential
                and (self.recurrent or self.convolution or self.write_channel is not None or self.hidden),
                "a self-referential rule takes no recurrent, convolution, hidden or write_channel",
            ),
        )
        for wrong, why in conflicts:
            if wrong:
                raise ValueError(f"{why}; leave one of them out.")

    @property
    def _self_referential(self) -> bool:
        """Whether W writes itself, so that nothing is sent."""
        return not rules.get_rule(self.rule).uses_keys

    @property
    def _softmax(self) -> bool:
        """Whether there is no W, since all keys and values are kept."""
        return not rules.get_rule(self.rule).has_weights

    @property
    def _matrices(self) -> int:
        """Fast weight matrices of a layer: one for each head, and one more for each head of a Delta-RNN."""
        return self.heads * (2 if self.recurrent == "reads" else 1)

    @property
    def width(self) -> int:
        """Width of the stream."""
        return self.d_in if self.d_model is None else self.d_model

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> Params:
        """Random parameters: normal weights of variance 1 / inputs, and gates that start in the middle.

        Betas start at half of beta_max, decays at 0.95, momenta at 0.5, ridges at 1.

        Queries start as the keys (``W_q = W_k``), so that a query finds its own key before anything is learned;
        filters start as the token itself. Names of several layers begin with ``layer0_``, ``layer1_``, ...

        Parameters
        ----------
        seed : int, SeedSequence or Generator
            Of the draws.
        dtype : dtype
            float64 or float32.

        Returns
        -------
        dict of str to array
        """
        rng = seeds.generator(seed, "init")

        def normal(*shape: int) -> Array:
            return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(dtype)

        params = {} if self.d_model is None else {"W_embed": normal(self.d_model, self.d_in)}
        if self.modulators is not None:
            params |= {"W_mod": normal(self.modulators, self.width), "b_mod": np.zeros(self.modulators, dtype)}
        for layer in range(self.layers):
            made = self._init_self(normal) if self._self_referential else self._init_layer(normal, dtype)
            if self.residual:
                made["W_o"] = normal(self.width, self.heads * self.d_value)
            if self.norm:
                made["g"] = np.ones(self.width, dtype)
            params |= {self._named(layer, name): value for name, value in made.items()}
        if self.norm and self.residual:
            params["g_out"] = np.ones(self.width, dtype)
        if self.d_out is not None:
            params["W_out"] = normal(self.d_out, self.width if self.residual else self.heads * self.d_value)
        return params

    def _init_layer(self, normal: Any, dtype: Any) -> Params:
        """Parameters of one layer that sends instructions."""
        row, matrices = rules.get_rule(self.rule), self._matrices
        seen = self.width + (self.heads * self.d_value if self.recurrent == "instructions" else 0)
        made: Params = {}
        if self.hidden is not None:
            made |= {"W_hidden": normal(self.hidden, seen), "b_hidden": np.zeros(self.hidden, dtype)}
            seen = self.hidden
        writes = matrices * row.writes
        made |= {"W_k": normal(writes * self.d_key, seen), "W_v": normal(writes * self.d_value, seen)}
        first = made["W_k"].reshape(matrices, row.writes, self.d_key, seen)[: self.heads, 0]
        made["W_q"] = first.reshape(self.heads * self.d_key, seen).copy()
        if self.convolution is not None:
            for name in "qkv":
                taps = np.zeros((len(made[f"W_{name}"]), self.convolution), dtype)
                taps[:, 0] = 1
                made[f"conv_{name}"] = taps
        gate = seen if self.modulators is None else self.modulators
        for name, tail, start in self._gates():
            rows = (matrices * prod(tail),) if matrices > 1 or tail else ()
            letter = "w" if name == "beta" else "W"
            made[f"{letter}_{name}"] = np.zeros((*rows, gate), dtype)
            made[f"b_{name}"] = np.full(rows, start, dtype)
        if row.uses_ridge:  # softplus of it is 1
            keys = features.get_feature(self.feature).width(self.d_key)
            made["b_ridge"] = np.full(matrices * keys, np.log(np.expm1(1.0)), dtype)
        return made

    def _init_self(self, normal: Any) -> Params:
        """Parameters of one self-referential layer: the input's projection and the first W of every head."""
        keys = features.get_feature(self.feature).width(self.d_key)
        rows = rules.get_rule(self.rule).rows(self.d_value, keys)
        W0 = normal(self.heads, rows, keys) if self.heads > 1 else normal(rows, keys)
        return {"W_in": normal(self.heads * self.d_key, self.width), "W0": W0}

    def _gates(self) -> list[tuple[str, tuple[int, ...], float]]:
        """Name, shape after (..., T) and start of the bias of each gate that the rule uses."""
        row = rules.get_rule(self.rule)
        found: list[tuple[str, tuple[int, ...], float]] = []
        if row.uses_beta:
            found.append(("beta", (row.writes,) if row.writes > 1 else (), 0.0))
        if row.uses_decay:
            keys = features.get_feature(self.feature).width(self.d_key) if row.error == "value" else self.d_value
            found.append(("decay", (keys,) if row.retain == "key" else (), 3.0))
        if row.uses_momentum:
            found.append(("momentum", (), 0.0))
        return found

    def _named(self, layer: int, name: str) -> str:
        """The name of a layer's parameter in the flat dict."""
        return f"layer{layer}_{name}" if self.layers > 1 else name

    def _of_layer(self, params: Params, layer: int) -> Params:
        """The parameters of a layer by their short names."""
        if self.layers == 1:
            return params
        prefix = self._named(layer, "")
        return {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}
