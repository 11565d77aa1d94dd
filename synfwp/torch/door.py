"""Rules and feature maps on tensors, with their gradients."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synfwp import fastweights, rules
from synfwp.conventions import l2norm
from synfwp.features import Feature
from synfwp.rules import Rule
from synfwp.torch.primitive import apply, checked, one_dtype

_NAMES = ("q", "k", "v", "beta", "decay", "p", "r", "momentum", "ridge", "W0", "aux0")


def scan(
    rule: Rule | str,
    q: Tensor,
    k: Tensor | None = None,
    v: Tensor | None = None,
    beta: Tensor | float | None = None,
    *,
    decay: Tensor | float | None = None,
    erase: tuple[Tensor, Tensor] | None = None,
    momentum: Tensor | float | None = None,
    ridge: Tensor | float | None = None,
    W0: Tensor | None = None,
    aux0: Tensor | None = None,
    use_qk_l2norm_in_kernel: bool = False,
    output_aux: bool = False,
) -> tuple[Any, ...]:
    """Run a rule on tensors, with gradients for every argument that requires them; arguments as `synfwp.scan`.

    Parameters
    ----------
    rule : Rule or str
    q, k : (..., T, d_k) tensor
    v : (..., T, d_v) tensor
        float32 or float64, all alike, on the processor; strided and expanded ones are fine. Rules with n writes per
        token take k and v of shape (..., T, n, d) and beta (..., T, n).
    beta, decay, momentum, ridge, W0, aux0 : None, number or tensor
        They broadcast as in `synfwp.scan`; their gradients are summed back to their own shape.
    erase : None or pair of (..., T, d_k) tensors
        (p, r) of a rule that erases with keys of its own (DPLR; `synfwp.conventions` has RWKV-7, IPLR, Comba and
        Gated DeltaNet 2 as such).
    use_qk_l2norm_in_kernel : bool
        Whether q and k are first divided by their lengths, with `synfwp.conventions.l2norm` (eps 1e-6).
    output_aux : bool
        Whether a third tensor is returned: what the rule carries beside W, an ``aux0`` of the next call.

    Returns
    -------
    y (..., T, d_v), W (..., d_v, d_k)
        W is None for SOFTMAX; with ``output_aux=True`` also aux, None where the rule has none.

    Raises
    ------
    TypeError, ValueError
        As `synfwp.scan`, and for what is not such a tensor.
    NotImplementedError
        For a second derivative.

    References
    ----------
    As `synfwp.scan`; the equation of each rule stands in its row.

    Examples
    --------
    >>> import torch
    >>> key, value = torch.tensor([[0.6, 0.8]], requires_grad=True), torch.tensor([[2.0]])
    >>> scan("hebb", key.detach(), key, value)[0].sum().backward()
    >>> [round(x, 6) for x in key.grad[0].tolist()]
    [1.2, 1.6]
    """
    row = rules.get_rule(rule)
    if erase is not None and (not isinstance(erase, (tuple, list)) or len(erase) != 2):
        raise TypeError(f"erase is of type {type(erase).__name__}; pass a pair of tensors (p, r), each (..., T, d_k).")
    p, r = (None, None) if erase is None else erase
    tensors = one_dtype(dict(zip(_NAMES, (q, k, v, beta, decay, p, r, momentum, ridge, W0, aux0), strict=True)))
    if use_qk_l2norm_in_kernel:
        tensors |= {name: l2norm(tensors[name]) for name in ("q", "k") if tensors[name] is not None}

    def run(*given: Any) -> Sequence[Any]:
        out = fastweights.scan(row, **_sorted(given, erase is not None))
        return [x for x in (out.y, out.W, out.aux) if x is not None]

    def adjoint(*given: Any) -> Sequence[Any]:
        outputs = len(given) - len(_NAMES)
        back = dict(zip(("dy", "dW", "daux"), given[:outputs], strict=False))
        g = fastweights.gradients(row, **_sorted(given[outputs:], erase is not None), **back)
        pair = g.erase or (None, None)
        return [pair["pr".index(name)] if name in ("p", "r") else getattr(g, name) for name in _NAMES]

    y, *more = apply("scan", run, adjoint, *tensors.values())
    W, aux = (*more, None, None)[:2]
    return (y, W, aux) if output_aux else (y, W)


def _sorted(given: Sequence[Any], pair: bool) -> dict[str, Any]:
    """Arrays in the order of the primitive as arguments of `synfwp.scan`."""
    named = dict(zip(_NAMES, given, strict=True))
    p, r = named.pop("p"), named.pop("r")
    return named | {"erase": (p, r) if pair else None}


def feature(row: Feature, x: Tensor) -> Tensor:
    """A feature map or key normaliser of `synfwp.features` along the last axis of a tensor, with its gradient.

    Examples
    --------
    >>> import torch
    >>> from synfwp.features import get_feature
    >>> feature(get_feature("relu"), torch.tensor([-1.0, 1.0])).tolist()
    [0.0, 1.0]
    """

    def run(x: Any) -> Sequence[Any]:
        f = row.apply(x)
        return (x.copy() if f is x else f,)

    def adjoint(g: Any, x: Any) -> Sequence[Any]:
        return (np.ascontiguousarray(row.adjoint(x, row.apply(x), g)),)

    return apply("feature", run, adjoint, checked("x", x, torch.float64))[0]
