"""JAX, as its users write it: ``lax.scan`` over time under ``jit``, and its gradient."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import FORWARD, Arrays, Built, Case

COMPILED = ("scan",)  # forms that compile when they are first called


def versions() -> dict[str, str]:
    """What is measured."""
    return {"jax": jax.__version__}


def limit_threads(threads: int) -> None:
    """Nothing: XLA takes the processors that this process may use, and was told by its flags before it started."""


def scan(rule: str, x: dict[str, jax.Array]) -> jax.Array:
    """Reads y (n, T, d) of one rule."""

    def step(W: jax.Array, now: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        if rule == "gated_delta":
            W = W * now["decay"][:, None, None]
        elif rule == "key_gated_delta":
            W = W * now["decay"][:, None, :]
        writes = [(now["k"], now["v"], now["beta"])]
        if now["k"].ndim == 3:  # several writes per token
            writes = [(now["k"][:, i], now["v"][:, i], now["beta"][:, i]) for i in range(now["k"].shape[1])]
        for k, v, beta in writes:
            v = v if rule == "hebb" else v - jnp.einsum("nij,nj->ni", W, k)
            W = W + (beta[:, None] * v)[:, :, None] * k[:, None, :]
        return W, jnp.einsum("nij,nj->ni", W, now["q"])

    n, _, d = x["q"].shape
    start = jnp.zeros((n, x["v"].shape[-1], d), x["v"].dtype)
    _, y = lax.scan(step, start, {name: jnp.moveaxis(value, 1, 0) for name, value in x.items()})
    return jnp.moveaxis(y, 0, 1)


def build(form: str, case: Case) -> Built:
    """``scan``."""
    x = {name: jnp.asarray(value) for name, value in case.inputs().items()}
    dy = x.pop("dy")

    def loss(x: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        y = scan(case.rule, x)
        return jnp.vdot(y, dy), y

    forward = jax.jit(lambda x: {"y": scan(case.rule, x)})
    backward = jax.jit(jax.value_and_grad(loss, has_aux=True))

    def gradient(x: dict[str, jax.Array]) -> dict[str, jax.Array]:
        (_, y), g = backward(x)
        return {"y": y} | g

    call: Any = forward if case.mode == FORWARD else gradient
    return Built(lambda: jax.block_until_ready(call(x)), _arrays)


def _arrays(result: dict[str, jax.Array]) -> Arrays:
    """As NumPy arrays."""
    return {name: np.asarray(value) for name, value in result.items()}
