"""A layer of fast weights for PyTorch."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from synfwp import checks, features, rules
from synfwp.conventions import l2norm
from synfwp.instructions import Instructions
from synfwp.rules import Rule
from synfwp.torch.door import feature, scan
from synfwp.torch.primitive import array


class _Sent(NamedTuple):
    """What all heads send, with the axes (batch, head, time, ...); ridge (head, d_k)."""

    q: Tensor
    k: Tensor
    v: Tensor
    beta: Tensor | None
    decay: Tensor | None
    momentum: Tensor | None
    ridge: Tensor | None
    p: Tensor | None = None
    r: Tensor | None = None


class FastWeights(nn.Module):
    r"""A layer of fast weights: tokens send instructions to a matrix memory and read it, head by head.

    For a token x and each head: ``q = norm(phi(W_q x))``, ``k = norm(phi(W_k x))``, ``v = W_v x``,
    ``beta = beta_max sigmoid(w_beta x + b_beta)`` where the rule writes with beta,
    ``decay = sigmoid(W_decay x + b_decay)`` where it decays, ``momentum`` likewise, ``ridge = softplus(b_ridge)``, and
    ``p = norm(phi(W_p x))``, ``r = sigmoid(W_rate x + b_rate) p`` where it erases with keys of its own; the heads'
    reads go through one read-out. Rules of n writes per token get n keys, values and betas.

    Parameters
    ----------
    rule : Rule or str
        Any but those that take no values (HOUSEHOLDER) or write themselves (SELF_REFERENTIAL).
    d_model : int
        Features of a token.
    heads : int
    d_key, d_value : None or int
        Features of one head's keys (before the feature map) and values; None means ``d_model / heads``.
    feature, key_norm : str
        Feature map and normaliser of keys and queries.
    beta_max : float
        Largest write strength.
    value_heads : None or int
        Heads of values, gates and W, a multiple of ``heads`` (grouped values); None means as many.
    use_qk_l2norm_in_kernel : bool
        Whether q, k and p are also divided by their lengths, ``x / sqrt(sum(x^2) + 1e-6)``.

    Raises
    ------
    TypeError, ValueError
        For sizes below 1, heads that do not divide d_model where a size is None or value_heads, and unknown names.

    Notes
    -----
    Random numbers come from PyTorch's generator (``torch.manual_seed``). Weights are normal with variance 1 over the
    number of inputs, W_q and W_p start as (the first) W_k, beta at half of beta_max, decay at 0.95, momentum and the
    rate of r at 0.5 and the ridge at 1, as in `synfwp.Programmer`.

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
        value_heads: int | None = None,
        use_qk_l2norm_in_kernel: bool = False,
    ) -> None:
        super().__init__()
        self.rule = row = _supported(rule)
        self.d_model, self.heads = checks.count("d_model", d_model), checks.count("heads", heads)
        for name, size in (("d_key", d_key), ("d_value", d_value)):
            if size is None and d_model % heads:
                raise ValueError(f"{name} is None but {heads} heads do not divide d_model={d_model}; pass {name}.")
        self.d_key = d_model // heads if d_key is None else checks.count("d_key", d_key)
        self.d_value = d_model // heads if d_value is None else checks.count("d_value", d_value)
        self.value_heads = n = heads if value_heads is None else checks.count("value_heads", value_heads)
        if n % heads:
            raise ValueError(f"value_heads is {n}; pass a multiple of heads={heads}.")
        self.feature = features.get_feature(feature).name
        self.key_norm = features.get_normaliser(key_norm).name
        self.beta_max = checks.number("beta_max", beta_max, 0, above=True)
        self.use_qk_l2norm_in_kernel = bool(use_qk_l2norm_in_kernel)
        writes, keys = row.writes, features.get_feature(feature).width(self.d_key)
        wide = 1 if row.retain != "key" else keys if row.error == "value" else self.d_value

        def linear(width: int, used: bool = True, bias: bool = False) -> Any:
            return nn.Linear(d_model, width, bias=bias) if used else None

        self.q = linear(heads * self.d_key)
        self.k = linear(heads * writes * self.d_key)
        self.v = linear(n * writes * self.d_value)
        self.beta = linear(n * writes, row.uses_beta, bias=True)
        self.decay = linear(n * wide, row.uses_decay, bias=True)
        self.out = nn.Linear(n * self.d_value, d_model, bias=False)
        self.momentum = linear(n, row.uses_momentum, bias=True)
        self.p = linear(heads * writes * self.d_key, row.uses_pair)
        self.rate = linear(n * writes * keys, row.uses_pair, bias=True)
        self.ridge = nn.Parameter(torch.empty(n, keys)) if row.uses_ridge else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the start again."""
        for layer in (self.k, self.v, self.out):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        with torch.no_grad():
            per_head = self.k.weight.unflatten(0, (self.heads, self.rule.writes, self.d_key))
            self.q.weight.copy_(per_head[:, 0].flatten(0, 1))
            if self.p is not None:
                self.p.weight.copy_(self.k.weight)
            if self.ridge is not None:
                self.ridge.fill_(1.0).expm1_().log_()  # softplus of it is 1
        for gate, bias in ((self.beta, 0.0), (self.decay, 3.0), (self.momentum, 0.0), (self.rate, 0.0)):
            if gate is not None:
                nn.init.zeros_(gate.weight)
                nn.init.constant_(gate.bias, bias)

    def forward(
        self, x: Tensor, W0: Tensor | None = None, aux0: Tensor | None = None, output_state: bool = False
    ) -> Any:
        """Reads of tokens ``x (batch, T, d_model)`` through the read-out, ``(batch, T, d_model)``.

        Parameters
        ----------
        x : (batch, T, d_model) tensor
        W0, aux0 : None or tensor
            The state of an earlier call, (batch, value_heads, ...); None means 0.
        output_state : bool
            Whether ``(reads, W, aux)`` is returned, W and aux being the state after the last token.

        Returns
        -------
        tensor, or tuple

        Raises
        ------
        ValueError
            If x has another shape.
        """
        sent = self._send(x)
        pair = None if sent.p is None or sent.r is None else (sent.p, sent.r)
        y, W, aux = scan(
            self.rule,
            *sent[:4],
            decay=sent.decay,
            erase=pair,
            momentum=sent.momentum,
            ridge=sent.ridge,
            W0=W0,
            aux0=aux0,
            output_aux=True,
        )
        reads = self.out(y.transpose(1, 2).flatten(2))
        return (reads, W, aux) if output_state else reads

    def instructions(self, x: Tensor, head: int = 0) -> Instructions:
        """What one head sends to the synapses for tokens ``x (batch, T, d_model)``, as NumPy arrays (batch, T, .).

        `synfwp.simulate` carries them out in a rate network and in a spiking network.

        Raises
        ------
        TypeError, ValueError
            For a head that is not there, x of another shape, or a rule that erases with keys of its own, which
            `synfwp.Instructions` do not hold.
        """
        if checks.count("head", head, 0) >= self.value_heads:
            raise ValueError(f"head is {head}; pass an index of the {self.value_heads} heads.")
        if self.rule.uses_pair:
            raise ValueError(
                f"rule {self.rule.name!r} erases with keys of its own, which Instructions do not hold; call the layer."
            )
        with torch.no_grad():
            sent = self._send(x)
            alone = [None if stream is None else array(stream[:, head]) for stream in sent[:6]]
            ridge = None if sent.ridge is None else array(sent.ridge[head])
            return Instructions(**dict(zip(_Sent._fields[:6], alone, strict=True)), ridge=ridge)

    def _send(self, x: Tensor) -> _Sent:
        """All streams; those of q, k and p once for each head of the values."""
        if x.ndim != 3 or x.shape[-1] != self.d_model:
            raise ValueError(f"x has shape {tuple(x.shape)}; pass (batch, T, {self.d_model}).")
        writes = (self.rule.writes,) if self.rule.writes > 1 else ()
        q = self._keys(self.q(x))
        k = self._keys(self.k(x), *writes)
        v = self._split(self.v(x), self.value_heads, *writes)
        beta = None if self.beta is None else self.beta_max * self._gate(self.beta, x, *writes)
        decay = None if self.decay is None else self._gate(self.decay, x)
        if self.rule.retain == "key" and decay is not None and decay.ndim == 3:
            decay = decay[..., None]  # of keys of one feature
        momentum = None if self.momentum is None else self._gate(self.momentum, x)
        ridge = None if self.ridge is None else nn.functional.softplus(self.ridge)
        if self.p is None:
            return _Sent(q, k, v, beta, decay, momentum, ridge)
        p = self._keys(self.p(x), *writes)
        r = torch.sigmoid(self._split(self.rate(x), self.value_heads, *writes)) * p
        return _Sent(q, k, v, beta, decay, momentum, ridge, p, r)

    def _keys(self, x: Tensor, *writes: int) -> Tensor:
        """Features of keys or queries, normalised, once for each head of the values."""
        phi, norm = features.get_feature(self.feature), features.get_normaliser(self.key_norm)
        keys = feature(norm, feature(phi, self._split(x, self.heads, *writes)))
        keys = l2norm(keys) if self.use_qk_l2norm_in_kernel else keys
        return keys.repeat_interleave(self.value_heads // self.heads, dim=1) if self.value_heads > self.heads else keys

    def _gate(self, layer: nn.Linear, x: Tensor, *writes: int) -> Tensor:
        """Numbers in (0, 1): one for each head and write, or one for each feature."""
        gate = torch.sigmoid(self._split(layer(x), self.value_heads, *writes))
        return gate[..., 0] if gate.shape[-1] == 1 else gate

    def _split(self, x: Tensor, *axes: int) -> Tensor:
        """(batch, T, all) as (batch, head, T, ..., features of one head)."""
        return x.unflatten(-1, (*axes, -1)).transpose(1, 2)

    def extra_repr(self) -> str:
        """What ``print`` shows beside the projections."""
        more = f", value_heads={self.value_heads}" if self.value_heads != self.heads else ""
        more += ", use_qk_l2norm_in_kernel=True" if self.use_qk_l2norm_in_kernel else ""
        return (
            f"rule={self.rule.name!r}, heads={self.heads}, feature={self.feature!r}, key_norm={self.key_norm!r}{more}"
        )


def _supported(rule: Rule | str) -> Rule:
    """The row of a rule to which tokens can send keys and values."""
    row = rules.get_rule(rule)
    if not row.uses_values:
        why = "takes no values" if row.uses_keys else "sends itself what it writes"
        raise ValueError(f"rule {row.name!r} {why}, so it makes no layer; run it with synfwp.torch.scan.")
    return row
