"""PyTorch, as its users write it: the eager recurrence, and the chunkwise form of its matrix products.

The chunkwise form is that of Yang et al. 2024 (section 3, the WY representation), with decay as in Yang et al. 2025
(scalar) and the Kimi team 2025 (one number per key). ``torch.compile`` gets the chunkwise function.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from . import CLIP, FORWARD, RATE, STEP, Arrays, Built, Case

Tensors = dict[str, Tensor]

COMPILED = ("compiled 64",)  # forms that compile when they are first called


def versions() -> dict[str, str]:
    """What is measured."""
    return {"torch": torch.__version__}


def limit_threads(threads: int) -> None:
    """So many threads inside one operation, none beside it."""
    torch.set_num_threads(threads)


def recurrence(rule: str, q: Tensor, k: Tensor, v: Tensor, beta: Tensor, decay: Tensor | None = None) -> Tensor:
    """One step after the other."""
    n, T, d = k.shape
    W = q.new_zeros(n, v.shape[-1], d)
    y = []
    for t in range(T):
        kt = k[:, t]
        if decay is not None:
            W = W * (decay[:, t, None, None] if rule == "gated_delta" else decay[:, t, None, :])
        u = v[:, t] if rule == "hebb" else v[:, t] - torch.bmm(W, kt.unsqueeze(-1)).squeeze(-1)
        W = torch.baddbmm(W, (beta[:, t, None] * u).unsqueeze(-1), kt.unsqueeze(1))
        y.append(torch.bmm(W, q[:, t].unsqueeze(-1)).squeeze(-1))
    return torch.stack(y, 1)


def chunkwise(
    rule: str, q: Tensor, k: Tensor, v: Tensor, beta: Tensor, decay: Tensor | None = None, chunk: int = 64
) -> Tensor:
    """Chunks one after the other, matrix products inside. T is a multiple of the chunk."""
    q, k, v = (x.unflatten(1, (-1, chunk)) for x in (q, k, v))
    beta = beta.unflatten(1, (-1, chunk)).unsqueeze(-1)
    k_in = k_out = k_end = k
    end = None
    scores = None
    if decay is not None:
        log = decay.unflatten(1, (-1, chunk)).log().cumsum(2)
        log = log if log.dim() == 4 else log.unsqueeze(-1)
        end = log[:, :, -1:].exp()  # what is left of W at the end of the chunk
        q, k_in, k_end = q * log.exp(), k * log.exp(), k * (log[:, :, -1:] - log).exp()
        k_out = k * (-log).exp()
    scores = (q @ k_out.mT).tril()
    u = beta * v
    w = None
    if rule != "hebb":  # u = (I + L)^-1 beta v and w = (I + L)^-1 beta k: the WY representation
        lower = (beta * (k_in @ k_out.mT)).tril(-1)
        solved = torch.linalg.solve_triangular(lower, torch.cat((u, beta * k_in), -1), upper=False, unitriangular=True)
        u, w = solved.split(v.shape[-1], -1)
    S = q.new_zeros(q.shape[0], k.shape[-1], v.shape[-1])
    y = []
    for c in range(q.shape[1]):
        new = u[:, c] if w is None else u[:, c] - w[:, c] @ S
        y.append(q[:, c] @ S + scores[:, c] @ new)
        if end is not None:
            S = S * end[:, c].mT
        S = S + k_end[:, c].mT @ new
    return torch.cat(y, 1)


def one_write_a_step(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Several writes per token as several steps of the delta rule, of which the last one reads."""

    def run(rule: str, q: Tensor, k: Tensor, v: Tensor, beta: Tensor, **options: int) -> Tensor:
        writes = k.shape[2]
        q = torch.stack((*[torch.zeros_like(q)] * (writes - 1), q), 2)
        return function("delta", *(x.flatten(1, 2) for x in (q, k, v, beta)), **options)[:, writes - 1 :: writes]

    return run


def build(form: str, case: Case) -> Built:
    """``recurrence``, ``chunkwise C`` or ``compiled C``."""
    if case.mode == STEP:
        return _training_step(case, int(form.partition(" ")[2]))
    x = {name: torch.from_numpy(value) for name, value in case.inputs().items()}
    dy = x.pop("dy")
    kind, _, chunk = form.partition(" ")
    function: Callable[..., Tensor] = recurrence if kind == "recurrence" else chunkwise
    if kind == "compiled":
        torch._dynamo.reset()
        function = torch.compile(chunkwise, dynamic=False)
    if case.rule == "delta_product(2)":
        function = one_write_a_step(function)
    options = {"chunk": int(chunk)} if chunk else {}

    def forward() -> Tensors:
        with torch.no_grad():
            return {"y": function(case.rule, **x, **options)}

    def gradient() -> Tensors:
        y = function(case.rule, **x, **options)
        return {"y": y.detach()} | dict(zip(x, torch.autograd.grad(y, list(x.values()), dy), strict=True))

    if case.mode == FORWARD:
        return Built(forward, _arrays)
    for value in x.values():
        value.requires_grad_()
    return Built(gradient, _arrays)


def _training_step(case: Case, chunk: int) -> Built:
    """The same layer in eager PyTorch, with its own optimiser and clipping."""
    functional = torch.nn.functional
    w = {name: torch.from_numpy(value).requires_grad_() for name, value in case.weights().items()}
    x, target = (torch.from_numpy(value) for value in case.tokens())
    adam = torch.optim.Adam(w.values(), lr=RATE)

    def keys(u: Tensor) -> Tensor:
        return functional.normalize(functional.relu(u), dim=-1)

    def step() -> Tensors:
        u = functional.embedding(x, w["W_embed"].mT)
        beta = torch.sigmoid(u @ w["w_beta"] + w["b_beta"])
        y = chunkwise(case.rule, keys(u @ w["W_q"].mT), keys(u @ w["W_k"].mT), u @ w["W_v"].mT, beta, chunk=chunk)
        scores = (u + y @ w["W_o"].mT) @ w["W_out"].mT
        loss = functional.cross_entropy(scores.flatten(0, 1), target.flatten())
        adam.zero_grad(set_to_none=True)
        loss.backward()
        grads = {name: value.grad for name, value in w.items()}
        result = {"loss": loss.detach()} | ({name: g.clone() for name, g in grads.items()} if first else grads)
        first.clear()
        torch.nn.utils.clip_grad_norm_(w.values(), CLIP)
        adam.step()
        return result

    first = [True]  # the gradients of the first step are compared, before they are clipped in place
    return Built(step, _arrays)


def _arrays(result: Tensors) -> Arrays:
    """As NumPy arrays."""
    return {name: value.numpy() for name, value in result.items()}
