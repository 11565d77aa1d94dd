"""DeltaNet, Gated DeltaNet and GLA as programmers, with flash-linear-attention's arrays under their names there."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import autograd.numpy as anp
import numpy as np

from synfwp import autograd as ag
from synfwp import checks, features, owned, rules, seeds
from synfwp.instructions import Instructions
from synfwp.programmer import parts
from synfwp.programmer.kinds import KINDS, Shapes
from synfwp.programmer.parts import Params, project
from synfwp.programmer.slow import SlowNetwork, merge_heads, repeat_heads, split_heads

Array = Any
L2_EPSILON = 1e-6  # |x|^2 + this under the root, as in the kernels of flash-linear-attention
_MAPS = {
    "silu": parts.SILU,
    "relu": features.get_feature("relu"),
    "elu_plus_one": features.get_feature("elu_plus_one"),
    "identity": features.get_feature("identity"),
}


_EVERY_KIND = ("kind", "d_model", "heads", "d_key", "d_value", "convolution_bias", "epsilon")
_FREE = ("convolution", "beta_max", "value_heads", "key_value_heads", "low_rank", "gate_normaliser")  # any size


@dataclass(frozen=True)
class LayerProgrammer(SlowNetwork):
    r"""A layer of flash-linear-attention as a programmer; `synfwp.load_layer` makes one with its arrays from a file.

    For each head, with ``c`` a causal filter of every channel (if any) and ``phi`` the feature map,
    ``q = norm(phi(c(W_q x))) / sqrt(d_key)``, ``k = norm(phi(c(W_k x)))``, ``v = silu(c(W_v x))`` and
    ``beta = beta_max sigmoid(W_b x)``; the rule reads y, and the layer gives ``W_o (rms_norm(y) * silu(W_g x))``. The
    decay is ``exp(-exp(A_log) softplus(W_a x + dt_bias))`` in ``"gated_delta_net"``, and for every key channel
    ``sigmoid(W_gk x + b) ** (1 / 16)`` in ``"gla"``, which has no beta, no norm of keys, and SiLU only behind filters.

    Parameters
    ----------
    kind : "delta_net", "gated_delta_net" or "gla"
        `LayerProgrammer.preset` takes the defaults that the layer of that kind has there.
    d_model : int
        Features of x and of the answer (there ``hidden_size``).
    heads : int
        Heads (``num_heads``).
    d_key, d_value : int
        Features of keys and values in each head.
    convolution : int or None
        Taps of the filters of q, k and v (``conv_size``); None: no filters (``use_short_conv=False``).
    convolution_bias : bool
        ``conv_bias``.
    feature : str
        ``"silu"``, ``"relu"``, ``"elu_plus_one"`` or ``"identity"`` (``qk_activation``; in GLA ``feature_map``).
    key_norm : "l2", "sum" or "none"
        Of queries and keys (``qk_norm``); l2 is ``x / sqrt(|x|^2 + 1e-6)``.
    beta : bool
        Whether writes are gated (``use_beta``); without, beta is beta_max.
    beta_max : float
        2 for ``allow_neg_eigval=True``.
    gate : bool
        Whether the output is gated (``use_gate``, in GLA ``use_output_gate``).
    value_heads : int or None
        A Gated DeltaNet may have several heads of values to each one of queries and keys (``num_v_heads``).
    key_value_heads : int or None
        A GLA may have several heads of queries to each one of keys and values (``num_kv_heads``).
    low_rank : int
        Width of GLA's gate (``gate_low_rank_dim``).
    gate_normaliser : float
        Root of GLA's gate (``gate_logit_normalizer``).
    fused_norm : bool
        GLA's ``fuse_norm``: it changes the name of the norm's gain, and nothing that is computed.
    epsilon : float
        Of the output norm (``norm_eps``).

    Raises
    ------
    TypeError, ValueError
        For sizes below 1, heads that do not share evenly, and options that the kind does not have.

    Notes
    -----
    Not there: ``clamp_min``, output gates other than swish, output norms without a gain.

    References
    ----------
    Yang et al. 2024 (DeltaNet); Yang, Kautz & Hatamizadeh 2025; Yang et al. 2024 (GLA); Grazzi et al. 2025 (beta up to
    2); flash-linear-attention (names, defaults, epsilons).

    Examples
    --------
    >>> import numpy as np
    >>> layer = LayerProgrammer.preset("gated_delta_net", d_model=6, heads=2, d_key=4, d_value=3)
    >>> params = layer.init(seed=0)
    >>> params["A_log"].shape, layer.scores(params, np.ones((5, 6))).shape
    ((2,), (5, 6))

    One head's instructions go to any substrate, which wants (trial, T, d):

    >>> from synfwp import simulate
    >>> sent = layer(params, np.ones((1, 5, 6)))
    >>> first = Instructions(sent.q[:, 0], sent.k[:, 0], sent.v[:, 0], sent.beta[:, 0], sent.decay[:, 0])
    >>> simulate("gated_delta", first).y.shape
    (1, 5, 3)
    """

    kind: str
    d_model: int
    heads: int
    d_key: int
    d_value: int
    convolution: int | None = None
    convolution_bias: bool = False
    feature: str = "identity"
    key_norm: str = "none"
    beta: bool = False
    beta_max: float = 1.0
    gate: bool = False
    value_heads: int | None = None
    key_value_heads: int | None = None
    low_rank: int = 16
    gate_normaliser: float = 16.0
    fused_norm: bool = True
    epsilon: float = 1e-5

    by_token = True

    def __post_init__(self) -> None:
        """Fields are of the kinds in Parameters, and the kind of layer has them."""
        row = checks.lookup("kind of layer", self.kind, KINDS)
        for name in ("d_model", "heads", "d_key", "d_value", "low_rank"):
            owned.count(self, name)
        for name in ("convolution", "value_heads", "key_value_heads"):
            if getattr(self, name) is not None:
                owned.count(self, name)
        for name in ("beta_max", "gate_normaliser", "epsilon"):
            checks.number(name, getattr(self, name), 0, above=True)
        for field in fields(self):
            if field.name not in _EVERY_KIND:
                allowed = row.options.get(field.name, (field.default,))
                value = getattr(self, field.name)
                if value not in allowed and not (field.name in row.options and field.name in _FREE):
                    raise ValueError(
                        f"{field.name} is {value!r}; a layer of kind {row.name!r} takes "
                        f"{' or '.join(repr(one) for one in allowed)}."
                    )
        if self.convolution_bias and self.convolution is None:
            raise ValueError("convolution_bias is True, but convolution is None; pass the number of taps, e.g. 4.")
        for name in ("q", "k", "v"):
            if self.all_heads % self.counts[name]:
                raise ValueError(
                    f"{self.counts[name]} heads of {name} cannot be shared evenly by {self.all_heads} heads; pass "
                    "value_heads that heads divides, or key_value_heads that divides heads."
                )

    @classmethod
    def preset(cls, kind: str, **fields: Any) -> LayerProgrammer:
        """A layer with the defaults of flash-linear-attention's layer of that kind, less those that are given.

        Parameters
        ----------
        kind : "delta_net", "gated_delta_net" or "gla"
            Whose defaults are taken.
        **fields
            Fields of `LayerProgrammer`; sizes have no default.

        Returns
        -------
        LayerProgrammer

        Raises
        ------
        ValueError
            For another kind, or a field that a layer does not have.

        Examples
        --------
        >>> LayerProgrammer.preset("gla", d_model=8, heads=2, d_key=2, d_value=4).gate
        True
        """
        row = checks.lookup("kind of layer", kind, KINDS)
        for name in fields:
            checks.one_of("field of a layer", name, cls.__dataclass_fields__)
        return cls(kind=kind, **{name: values[0] for name, values in row.options.items()} | fields)

    @property
    def rule(self) -> str:  # type: ignore[override]
        """The rule of the kind."""
        return KINDS[self.kind].rule

    @property
    def counts(self) -> dict[str, int]:
        """Heads of q, k and v as they are projected."""
        shared = self.heads if self.key_value_heads is None else self.key_value_heads
        return {"q": self.heads, "k": shared, "v": shared if self.value_heads is None else self.value_heads}

    @property
    def all_heads(self) -> int:
        """Fast weight matrices."""
        return max(self.counts.values())

    @property
    def norm(self) -> str:
        """Name of the gain of the output norm."""
        return KINDS[self.kind].norms[self.gate and self.fused_norm]

    def shapes(self) -> Shapes:
        """Name and shape of every array, as in a file of flash-linear-attention.

        Examples
        --------
        >>> LayerProgrammer.preset("delta_net", d_model=8, heads=2, d_key=4, d_value=3).shapes()["v_conv1d.weight"]
        (6, 1, 4)
        """
        channels = {name: n * (self.d_value if name == "v" else self.d_key) for name, n in self.counts.items()}
        out = self.all_heads * self.d_value
        found: Shapes = {f"{name}_proj.weight": (rows, self.d_model) for name, rows in channels.items()}
        if self.convolution is not None:
            found |= {f"{name}_conv1d.weight": (rows, 1, self.convolution) for name, rows in channels.items()}
        if self.convolution_bias:
            found |= {f"{name}_conv1d.bias": (rows,) for name, rows in channels.items()}
        if self.beta:
            found["b_proj.weight"] = (self.all_heads, self.d_model)
        found |= KINDS[self.kind].gates(self)
        if self.gate:
            found["g_proj.weight"] = (out, self.d_model)
        return found | {self.norm: (self.d_value,), "o_proj.weight": (self.d_model, out)}

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> Params:
        """Fresh parameters, to train from scratch.

        Projections have variance 1 / inputs, filters start as the token itself, gains are 1, biases 0; ``A_log`` and
        ``dt_bias`` as of Mamba-2 (rates up to 16, steps of 0.001 to 0.1).

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
        made: Params = {}
        for name, shape in self.shapes().items():
            if name == "A_log":
                x = np.log(rng.uniform(1, 16, shape))
            elif name == "dt_bias":
                x = np.log(np.expm1(np.exp(rng.uniform(np.log(1e-3), np.log(1e-1), shape))))
            elif name.endswith("conv1d.weight"):
                x = np.zeros(shape)
                x[..., -1] = 1
            elif len(shape) == 2:
                x = rng.standard_normal(shape) / np.sqrt(shape[-1])
            else:
                x = np.full(shape, float(name == self.norm))
            made[name] = x.astype(dtype)
        return made

    def __call__(self, params: Params, x: Array) -> Instructions:
        """Instructions for ``x (..., T, d_model)``, in the dtype of the parameters; an axis of heads stands before T.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.
        x : (..., T, d_model) array

        Returns
        -------
        Instructions
            With an axis of heads before T.

        Raises
        ------
        ValueError
            If x has another number of features.
        """
        x = self._embed(params, x)
        q, k, v = (self._sent(params, x, name) for name in "qkv")
        beta, decay, row = None, None, KINDS[self.kind]
        if self.beta:
            gate = ag.feature(parts.SIGMOID, project(x, params["b_proj.weight"])) * float(self.beta_max)
            beta = split_heads(gate, self.all_heads)
        elif self.beta_max != 1:
            beta = np.full(anp.shape(k)[:-1], self.beta_max, x.dtype)
        if row.decay is not None:
            rates = row.decay(self, params, x)
            tail = (self.d_key,) if rules.get_rule(self.rule).retain == "key" else ()
            decay = split_heads(rates, self.all_heads, *tail)
        return Instructions(q, k, v, beta, decay)

    def read_out(self, params: Params, y: Array, x: Array = None) -> np.ndarray:
        """The layer's answer (..., T, d_model) to reads ``y (..., heads, T, d_value)``; an output gate needs x too.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.
        y : (..., heads, T, d_value) array
            Reads of the fast weights.
        x : None or (..., T, d_model) array
            Needed with an output gate.

        Returns
        -------
        (..., T, d_model) array

        Raises
        ------
        ValueError
            If x is missing and needed.
        """
        checks.bare("y", y)
        y = merge_heads(parts.rms_norm(y, params[self.norm], float(self.epsilon)), self.all_heads)
        if self.gate:
            if x is None:
                raise ValueError("x is missing; with gate=True the answer depends on the tokens too.")
            y = y * ag.feature(parts.SILU, project(self._embed(params, x), params["g_proj.weight"]))
        return project(y, params["o_proj.weight"])

    def _embed(self, params: Params, x: Array) -> Array:
        """Tokens in the dtype of the parameters."""
        return parts.embed(x, self.d_model, False, None, params["q_proj.weight"].dtype)

    def _sent(self, params: Params, x: Array, name: str) -> Array:
        """Queries, keys or values (..., heads, T, d)."""
        x, d = project(x, params[f"{name}_proj.weight"]), self.d_value if name == "v" else self.d_key
        if self.convolution is not None:  # there the last tap meets the token itself
            x = parts.convolve(x, params[f"{name}_conv1d.weight"][:, 0, ::-1])
        if self.convolution_bias:
            x = x + params[f"{name}_conv1d.bias"]
        always = KINDS[self.kind].silu == "always"
        if (always and name == "v") or (not always and self.convolution is not None):
            x = ag.feature(parts.SILU, x)
        x = split_heads(repeat_heads(x, self.counts[name], self.all_heads), self.all_heads, d)
        if name == "v":
            return x
        x = self._normed(ag.feature(_MAPS[self.feature], x))
        return x * float(self.d_key) ** -0.5 if name == "q" else x

    def _normed(self, x: Array) -> Array:
        """Queries or keys after the normaliser."""
        if self.key_norm == "l2":  # |x|^2 + epsilon is d times the mean of squares + epsilon / d
            return parts.rms_norm(x, float(self.d_key) ** -0.5, L2_EPSILON / self.d_key)
        return ag.feature(features.get_normaliser(self.key_norm), x)
