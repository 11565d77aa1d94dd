"""Layers of flash-linear-attention as rows: the rule of each kind, its options, and where its decay comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import autograd.numpy as anp

from synfwp import autograd as ag
from synfwp.programmer import parts
from synfwp.programmer.parts import Params, project
from synfwp.programmer.slow import repeat_heads

Array = Any
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Kind:
    """A kind of layer: its rule, the values that its options take (the first is the default), and its decay.

    ``silu`` is where values pass through SiLU: ``"always"``, or in ``"convolution"`` only, as queries and keys then
    do before their feature map. ``decay(layer, params, x)`` are multipliers (..., T, channels) from the arrays whose
    shapes ``gates(layer)`` gives. ``norms`` name the output norm's gain: without an output gate, and fused with one.
    """

    name: str
    rule: str
    options: Mapping[str, tuple[Any, ...]]
    silu: str = "always"
    norms: tuple[str, str] = ("o_norm.weight", "o_norm.weight")
    gates: Callable[[Any], Shapes] = lambda layer: {}
    decay: Callable[[Any, Params, Array], Array] | None = None
    cite: str = ""


def _scalar_gates(layer: Any) -> Shapes:
    """One gate for each head: a projection, a rate and a bias."""
    return {
        "a_proj.weight": (layer.all_heads, layer.d_model),
        "A_log": (layer.all_heads,),
        "dt_bias": (layer.all_heads,),
    }


def _scalar_decay(layer: Any, params: Params, x: Array) -> Array:
    """``exp(-exp(A_log) softplus(a + dt_bias))`` (Yang, Kautz & Hatamizadeh 2025; Dao & Gu 2024)."""
    step = ag.feature(parts.SOFTPLUS, project(x, params["a_proj.weight"]) + params["dt_bias"])
    return anp.exp(-anp.exp(params["A_log"]) * step)


def _key_gates(layer: Any) -> Shapes:
    """One gate for each key channel, from a projection of low rank."""
    keys = layer.counts["k"] * layer.d_key
    return {
        "gk_proj.0.weight": (layer.low_rank, layer.d_model),
        "gk_proj.1.weight": (keys, layer.low_rank),
        "gk_proj.1.bias": (keys,),
    }


def _key_decay(layer: Any, params: Params, x: Array) -> Array:
    """``sigmoid(gk) ** (1 / tau)`` (Yang et al. 2024, GLA)."""
    logits = project(project(x, params["gk_proj.0.weight"]), params["gk_proj.1.weight"]) + params["gk_proj.1.bias"]
    decay = anp.exp(-ag.feature(parts.SOFTPLUS, -logits) / float(layer.gate_normaliser))
    return repeat_heads(decay, layer.counts["k"], layer.all_heads)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        row.name: row
        for row in (
            Kind(
                "delta_net",
                rule="delta",
                options={
                    "convolution": (4,),
                    "feature": ("silu", "relu", "elu_plus_one", "identity"),
                    "key_norm": ("l2", "sum"),
                    "beta": (True, False),
                    "beta_max": (1.0,),
                    "gate": (False, True),
                },
                cite="yang2024deltanet",
            ),
            Kind(
                "gated_delta_net",
                rule="gated_delta",
                options={
                    "convolution": (4,),
                    "feature": ("silu",),
                    "key_norm": ("l2",),
                    "beta": (True,),
                    "beta_max": (1.0,),
                    "gate": (True, False),
                    "value_heads": (None,),
                },
                gates=_scalar_gates,
                decay=_scalar_decay,
                cite="yang2025gated",
            ),
            Kind(
                "gla",
                rule="gated_hebb",
                options={
                    "convolution": (None,),
                    "feature": ("identity", "silu", "relu"),
                    "beta": (False,),
                    "gate": (True, False),
                    "fused_norm": (True, False),
                    "key_value_heads": (None,),
                    "low_rank": (16,),
                    "gate_normaliser": (16.0,),
                },
                silu="convolution",
                norms=("g_norm.weight", "g_norm_swish_gate.weight"),
                gates=_key_gates,
                decay=_key_decay,
                cite="yang2024gla",
            ),
        )
    }
)
