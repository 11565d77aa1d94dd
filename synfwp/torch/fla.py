"""`scan` with the interface of flash-linear-attention."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from synfwp import conventions, rules
from synfwp.rules import Rule
from synfwp.torch.door import scan
from synfwp.torch.primitive import checked


class _Kernel(NamedTuple):
    """A kernel there: the row that it is, the arguments that it needs, the usual factor of its queries."""

    row: str
    needs: tuple[str, ...]
    scale: float | None = None


_LOW_RANK = {
    "dplr": _Kernel("dplr", ("a", "b", "g")),
    "rwkv7": _Kernel("dplr", ("a", "b", "g"), 1.0),
    "iplr": _Kernel("dplr", ("a", "b")),
    "comba": _Kernel("dplr", ("p", "g")),
    "gdn2": _Kernel("dplr", ("g", "b", "w")),
}
_TAKES = {"comba": ("beta",)}


def scan_fla(
    rule: Rule | str,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    g: Tensor | None = None,
    beta: Tensor | None = None,
    a: Tensor | None = None,
    b: Tensor | None = None,
    p: Tensor | None = None,
    w: Tensor | None = None,
    scale: float | None = None,
    initial_state: Tensor | None = None,
    output_final_state: bool = False,
    use_qk_l2norm_in_kernel: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """`scan` with the argument names, layout, scale and logarithmic gates of flash-linear-attention.

    ``chunk_gated_delta_rule(q, k, v, g=g, beta=beta)`` there is ``scan_fla("gated_delta", q, k, v, g=g, beta=beta)``
    here. v, g, beta and the state may have more heads than q and k, a multiple of them (grouped values).

    ================================ ============================================================
    there                            here
    ================================ ============================================================
    ``chunk_delta_rule``             "delta"
    ``chunk_gated_delta_rule``       "gated_delta"
    ``chunk_kda``                    "key_gated_delta"
    ``chunk_gla``                    "gated_hebb"
    ``chunk_simple_gla``             "leaky_hebb"
    ``chunk_gated_delta_product``    "gated_delta_product(n)", without g "delta_product(n)"
    ``chunk_dplr_delta_rule``        "dplr", with a, b and g for its gk
    ``chunk_iplr_delta_rule``        "iplr", with a and b
    ``chunk_rwkv7``                  "rwkv7", with q for its r, g for its w, a and b; scale 1
    ``chunk_comba``                  "comba", with p, g and beta
    ``chunk_gdn2``                   "gdn2", with g, b and w
    ================================ ============================================================

    Parameters
    ----------
    rule : Rule or str
    q, k : [B, T, H, K] tensor
        Of "delta_product(n)", k and v have n T steps.
    v : [B, T, HV, V] tensor
    g : None, [B, T, HV] or (where the row's ``retain`` is "key") [B, T, H, K] tensor
        Logarithms of the decay.
    beta : None or [B, T, HV] tensor
    a, b, p : None or [B, T, H, K] tensor
    w : None or [B, T, HV, V] tensor
    scale : None or float
        Factor of the queries; None means ``K ** -0.5`` ("rwkv7": 1).
    initial_state : None or [B, HV, K, V] tensor
    output_final_state : bool
    use_qk_l2norm_in_kernel : bool
        Whether q, k and p are first divided by their lengths, ``x / sqrt(sum(x^2) + 1e-6)``.

    Returns
    -------
    o [B, T, HV, V], final_state [B, HV, K, V] or None

    Raises
    ------
    TypeError, ValueError
        As `scan` and `synfwp.conventions.from_fla`.

    References
    ----------
    The docstrings of flash-linear-attention (Yang & Zhang 2024); `synfwp.conventions` converts.

    Examples
    --------
    >>> import torch
    >>> one = torch.ones(1, 3, 1, 4)
    >>> scan_fla("leaky_hebb", one, one, one[..., :1], g=torch.full((1, 3, 1), -torch.inf))[0].flatten().tolist()
    [2.0, 2.0, 2.0]
    """
    kernel = _LOW_RANK.get(rule) if isinstance(rule, str) else None
    row = rules.get_rule(rule if kernel is None else kernel.row)
    given = {
        "q": q,
        "k": k,
        "v": v,
        "g": g,
        "beta": beta,
        "initial_state": initial_state,
        "a": a,
        "b": b,
        "p": p,
        "w": w,
    }
    tensors: dict[str, Any] = {name: checked(name, x, torch.float64) for name, x in given.items()}
    if kernel is not None:
        _check_named(str(rule), kernel, tensors)
        scale = kernel.scale if scale is None else scale
    else:
        _check_row(row, tensors)
    sent = conventions.from_fla(
        **tensors, scale=scale, num_householder=row.writes, use_qk_l2norm_in_kernel=use_qk_l2norm_in_kernel
    )
    y, W = scan(row, **sent)
    o, final_state = conventions.results_to_fla(y, W)
    return o, final_state if output_final_state else None


def _check_named(name: str, kernel: _Kernel, given: dict[str, Any]) -> None:
    """What a kernel with erase keys of its own needs is there, and nothing else."""
    known = ("q", "k", "v", "initial_state", *kernel.needs, *_TAKES.get(name, ()))
    for argument, x in given.items():
        if x is None and argument in kernel.needs:
            raise ValueError(f"{name!r} needs {argument}; pass {' and '.join(kernel.needs)}.")
        if x is not None and argument not in known:
            raise ValueError(f"{name!r} does not use {argument}; leave it out.")


def _check_row(row: Rule, given: dict[str, Any]) -> None:
    """A row takes no keys of its own to erase with, and a gate of the kind that it decays by."""
    for argument in ("a", "b", "p", "w"):
        if given[argument] is not None:
            raise ValueError(f"rule {row.name!r} does not use {argument}; leave it out.")
    gate, layout = given["g"], "[B, T, H, K]" if row.retain == "key" else "[B, T, H]"
    if gate is None and row.uses_decay:
        raise ValueError(f"rule {row.name!r} needs g; pass logarithms of decays, {layout}.")
    if gate is not None and row.uses_decay and gate.ndim != layout.count(",") + 1:
        raise ValueError(f"g has shape {tuple(gate.shape)} but rule {row.name!r} decays by {layout}; pass that shape.")
