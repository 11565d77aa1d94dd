"""The kernels in PyTorch: ``scan`` with its gradient, flash-linear-attention's interface, and a layer of fast weights.

An optional extra (``pip install "synfwp[torch]"``), and the only file that imports PyTorch. The kernels run on the
processor and share the memory of the tensors; one backward pass runs the adjoint kernel once for all arguments.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

try:
    import torch
    from torch import Tensor, nn
except ModuleNotFoundError as error:
    raise ModuleNotFoundError('synfwp.torch needs PyTorch; install it with: pip install "synfwp[torch]"') from error

from synfwp import checks, conventions, fastweights, features, rules
from synfwp.features import Feature
from synfwp.instructions import Instructions
from synfwp.rules import Rule


def _supported(rule: Rule | str) -> Rule:
    """The row of a rule with one write per token; others run in `synfwp.scan`."""
    return rules.check_instructed(rule, "run it with synfwp.scan")


def scan(
    rule: Rule | str,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor | float | None = None,
    *,
    decay: Tensor | float | None = None,
    W0: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Run a rule on tensors, with gradients for every argument that requires them; arguments as `synfwp.scan`.

    Parameters
    ----------
    rule : Rule or str
    q, k : (..., T, d_k) tensor
    v : (..., T, d_v) tensor
        float32 or float64, all alike, on the processor; strided and expanded ones are fine.
    beta, decay, W0 : None, number or tensor
        They broadcast as in `synfwp.scan`; their gradients are summed back to their own shape.

    Returns
    -------
    y (..., T, d_v), W (..., d_v, d_k)

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
    row = _supported(rule)
    dtype = k.dtype if isinstance(k, Tensor) else torch.float64
    given = {"q": q, "k": k, "v": v, "beta": beta, "decay": decay, "W0": W0}
    inputs = [_checked(name, x, dtype) for name, x in given.items()]

    def run(q: Any, k: Any, v: Any, beta: Any, decay: Any, W0: Any) -> Sequence[Any]:
        out = fastweights.scan(row, q, k, v, beta, decay=decay, W0=W0)
        return out.y, out.W

    def adjoint(dy: Any, dW: Any, q: Any, k: Any, v: Any, beta: Any, decay: Any, W0: Any) -> Sequence[Any]:
        g = fastweights.gradients(row, q, k, v, beta, decay=decay, W0=W0, dy=dy, dW=dW)
        return g.q, g.k, g.v, g.beta, g.decay, g.W0

    y, W = _apply("scan", run, adjoint, *inputs)
    return y, W


def scan_fla(
    rule: Rule | str,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    g: Tensor | None = None,
    beta: Tensor | None = None,
    scale: float | None = None,
    initial_state: Tensor | None = None,
    output_final_state: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """`scan` with the argument names, layout, scale and logarithmic gates of flash-linear-attention.

    ``chunk_gated_delta_rule(q, k, v, g=g, beta=beta)`` there is ``scan_fla("gated_delta", q, k, v, g=g, beta=beta)``
    here; ``chunk_delta_rule`` is "delta", ``chunk_kda`` is "key_gated_delta", ``chunk_gla`` is "gated_hebb",
    ``chunk_simple_gla`` is "leaky_hebb".

    Parameters
    ----------
    rule : Rule or str
    q, k : [B, T, H, K] tensor
    v : [B, T, H, V] tensor
    g : None, [B, T, H] or (where the row's ``retain`` is "key") [B, T, H, K] tensor
        Logarithms of the decay.
    beta : None or [B, T, H] tensor
    scale : None or float
        Factor of the queries; None means ``K ** -0.5``.
    initial_state : None or [B, H, K, V] tensor
    output_final_state : bool

    Returns
    -------
    o [B, T, H, V], final_state [B, H, K, V] or None

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
    row = rules.get_rule(rule)
    given = {"q": q, "k": k, "v": v, "g": g, "beta": beta, "initial_state": initial_state}
    tensors = {name: _checked(name, x, torch.float64) for name, x in given.items()}
    gate, layout = tensors["g"], "[B, T, H, K]" if row.retain == "key" else "[B, T, H]"
    if gate is None and row.uses_decay:
        raise ValueError(f"rule {row.name!r} needs g; pass logarithms of decays, {layout}.")
    if gate is not None and row.uses_decay and gate.ndim != layout.count(",") + 1:
        raise ValueError(f"g has shape {tuple(gate.shape)} but rule {row.name!r} decays by {layout}; pass that shape.")
    sent: dict[str, Any] = conventions.from_fla(**tensors, scale=scale)
    y, W = scan(row, **sent)
    o, final_state = conventions.results_to_fla(y, W)
    return o, final_state if output_final_state else None


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

    return _apply("feature", run, adjoint, _checked("x", x, torch.float64))[0]


class FastWeights(nn.Module):
    r"""A layer of fast weights: tokens send instructions to a matrix memory and read it, head by head.

    For a token x and each head: ``q = norm(phi(W_q x))``, ``k = norm(phi(W_k x))``, ``v = W_v x``,
    ``beta = beta_max sigmoid(w_beta x + b_beta)`` where the rule writes with beta, and
    ``decay = sigmoid(W_decay x + b_decay)`` where it decays; the heads' reads go through one read-out.

    Parameters
    ----------
    rule : Rule or str
    d_model : int
        Features of a token.
    heads : int
    d_key, d_value : None or int
        Features of one head's keys (before the feature map) and values; None means ``d_model / heads``.
    feature, key_norm : str
        Feature map and normaliser of keys and queries.
    beta_max : float
        Largest write strength.

    Raises
    ------
    TypeError, ValueError
        For sizes below 1, heads that do not divide d_model where a size is None, and unknown names.

    Notes
    -----
    Random numbers come from PyTorch's generator (``torch.manual_seed``). Weights are normal with variance 1 over the
    number of inputs, W_q starts as W_k, beta at half of beta_max and decay at 0.95, as in `synfwp.Programmer`.

    References
    ----------
    Irie & Gershman 2025, section 2.2; Schlag, Irie & Schmidhuber 2021.

    Examples
    --------
    >>> import torch
    >>> layer = FastWeights("gated_delta", 8, heads=2)
    >>> layer(torch.ones(3, 5, 8)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(
        self,
        rule: Rule | str,
        d_model: int,
        heads: int = 1,
        d_key: int | None = None,
        d_value: int | None = None,
        feature: str = "relu",
        key_norm: str = "l2",
        beta_max: float = 1.0,
    ) -> None:
        super().__init__()
        self.rule = _supported(rule)
        self.d_model, self.heads = checks.count("d_model", d_model), checks.count("heads", heads)
        for name, size in (("d_key", d_key), ("d_value", d_value)):
            if size is None and d_model % heads:
                raise ValueError(f"{name} is None but {heads} heads do not divide d_model={d_model}; pass {name}.")
        self.d_key = d_model // heads if d_key is None else checks.count("d_key", d_key)
        self.d_value = d_model // heads if d_value is None else checks.count("d_value", d_value)
        self.feature = features.get_feature(feature).name
        self.key_norm = features.get_normaliser(key_norm).name
        self.beta_max = checks.number("beta_max", beta_max, 0, above=True)
        self.q = nn.Linear(d_model, heads * self.d_key, bias=False)
        self.k = nn.Linear(d_model, heads * self.d_key, bias=False)
        self.v = nn.Linear(d_model, heads * self.d_value, bias=False)
        self.beta = nn.Linear(d_model, heads) if self.rule.uses_beta else None
        wide = features.get_feature(feature).width(self.d_key) if self.rule.retain == "key" else 1
        self.decay = nn.Linear(d_model, heads * wide) if self.rule.uses_decay else None
        self.out = nn.Linear(heads * self.d_value, d_model, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the start again."""
        for layer in (self.k, self.v, self.out):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        with torch.no_grad():
            self.q.weight.copy_(self.k.weight)
        for gate, bias in ((self.beta, 0.0), (self.decay, 3.0)):
            if gate is not None:
                nn.init.zeros_(gate.weight)
                nn.init.constant_(gate.bias, bias)

    def forward(self, x: Tensor) -> Tensor:
        """Reads of tokens ``x (batch, T, d_model)`` through the read-out, ``(batch, T, d_model)``.

        Raises
        ------
        ValueError
            If x has another shape.
        """
        q, k, v, beta, decay = self._send(x)
        y, _ = scan(self.rule, q, k, v, beta, decay=decay)
        return self.out(y.transpose(1, 2).flatten(2))

    def instructions(self, x: Tensor, head: int = 0) -> Instructions:
        """What one head sends to the synapses for tokens ``x (batch, T, d_model)``, as NumPy arrays (batch, T, .).

        `synfwp.simulate` carries them out in a rate network and in a spiking network.

        Raises
        ------
        TypeError, ValueError
            For a head that is not there, or x of another shape.
        """
        if checks.count("head", head, 0) >= self.heads:
            raise ValueError(f"head is {head}; pass an index of the {self.heads} heads.")
        with torch.no_grad():
            return Instructions(*(None if sent is None else _array(sent[:, head]) for sent in self._send(x)))

    def _send(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor | None]:
        """q, k, v, beta and decay with the axes (batch, head, time, feature)."""
        if x.ndim != 3 or x.shape[-1] != self.d_model:
            raise ValueError(f"x has shape {tuple(x.shape)}; pass (batch, T, {self.d_model}).")
        phi, norm = features.get_feature(self.feature), features.get_normaliser(self.key_norm)
        q, k = (feature(norm, feature(phi, self._split(layer(x)))).transpose(1, 2) for layer in (self.q, self.k))
        v = self._split(self.v(x)).transpose(1, 2)
        beta = None if self.beta is None else self.beta_max * torch.sigmoid(self.beta(x)).transpose(1, 2)
        if self.decay is None:
            return q, k, v, beta, None
        decay = torch.sigmoid(self._split(self.decay(x))).transpose(1, 2)
        return q, k, v, beta, decay if self.rule.retain == "key" else decay[..., 0]

    def _split(self, x: Tensor) -> Tensor:
        """The features of each head apart: (batch, T, heads, .)."""
        return x.unflatten(-1, (self.heads, -1))

    def extra_repr(self) -> str:
        """What ``print`` shows beside the projections."""
        return f"rule={self.rule.name!r}, heads={self.heads}, feature={self.feature!r}, key_norm={self.key_norm!r}"


class _Primitive(torch.autograd.Function):
    """NumPy's ``run(*arrays) -> outputs``, ``adjoint(*cotangents, *arrays) -> gradients`` as one node of the graph."""

    @staticmethod
    def forward(
        name: str, run: Callable[..., Sequence[Any]], adjoint: Any, *inputs: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Outputs share memory with the arrays that ``run`` gives."""
        return tuple(torch.as_tensor(x) for x in run(*map(_array, inputs)))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep the inputs themselves: PyTorch then notices when they are changed in place."""
        ctx.name, _, ctx.adjoint = inputs[:3]
        ctx.save_for_backward(*inputs[3:])
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Any, ...]:
        """One adjoint for all inputs; None for those that need none, and where nothing comes back."""
        wanted = ctx.needs_input_grad[3:]
        if all(g is None for g in cotangents):
            return None, None, None, *[None] * len(wanted)
        return None, None, None, *_Adjoint.apply(ctx.name, ctx.adjoint, wanted, *cotangents, *ctx.saved_tensors)


class _Adjoint(torch.autograd.Function):
    """The adjoint as a node of its own, so that a second derivative is refused and never taken for 0."""

    @staticmethod
    def forward(name: str, adjoint: Callable[..., Sequence[Any]], wanted: tuple[bool, ...], *tensors: Any) -> Any:
        """Gradients for the inputs that are wanted."""
        grads = adjoint(*map(_array, tensors))
        return tuple(torch.as_tensor(g) if want else None for g, want in zip(grads, wanted, strict=True))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Only the name, for the refusal."""
        ctx.name = inputs[0]

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        """There is none."""
        raise NotImplementedError(f"synfwp.torch.{ctx.name} has no second derivative; differentiate it once.")


@torch.compiler.disable
def _apply(name: str, run: Any, adjoint: Any, *inputs: Tensor | None) -> tuple[Tensor, ...]:
    """One primitive; ``torch.compile`` leaves it as it is and compiles what stands around it."""
    return _Primitive.apply(name, run, adjoint, *inputs)


def _checked(name: str, x: Any, dtype: torch.dtype) -> Any:
    """A tensor that NumPy can see, None as it is, a number as a tensor of ``dtype``."""
    if x is None or (isinstance(x, (int, float)) and not isinstance(x, bool)):
        return x if x is None else torch.tensor(x, dtype=dtype)
    if not isinstance(x, Tensor):
        kind = f"{type(x).__module__.split('.')[0]} {type(x).__name__}"
        raise TypeError(f"{name} is of type {kind}; pass a PyTorch tensor (torch.from_numpy shares an array's memory).")
    if x.device.type != "cpu":
        raise ValueError(f"{name} is on device {x.device}, but the kernels run on the processor; pass {name}.cpu().")
    if x.layout != torch.strided:
        raise TypeError(f"{name} has layout {x.layout}; pass {name}.to_dense().")
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} has dtype {x.dtype}; pass torch.float64 or torch.float32.")
    return x


def _array(x: Tensor | None) -> Any:
    """The tensor's memory as a NumPy array."""
    return None if x is None else x.detach().resolve_neg().numpy()
