"""Who is compared: one row per program, and the numbers that all of them get. Importing this imports no peer."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray]
RULES = ("delta", "gated_delta", "key_gated_delta", "hebb", "delta_product(2)")
FORWARD, GRADIENT = MODES = ("forward", "gradient")  # reads; reads and the gradients of every argument
STEP = "training step"  # of a programmer with one layer: loss, gradients clipped to norm 1, Adam
CLIP, RATE = 1.0, 1e-3


@dataclass(frozen=True)
class Case:
    """One setting: ``n`` sequences of ``T`` steps with ``d`` keys and ``d`` values."""

    rule: str
    mode: str
    d: int
    T: int = 512
    n: int = 16

    @property
    def gflop(self) -> float:
        """2 d^2 operations a token forward to predict, write and read; DELTA_PRODUCT(2) predicts and writes twice."""
        return {"hebb": 4, "delta_product(2)": 10}.get(self.rule, 6) * 1e-9 * self.n * self.T * self.d**2

    def as_json(self) -> dict[str, Any]:
        """The fields, to send to another process."""
        return asdict(self)

    def inputs(self) -> Arrays:
        """Unit keys and queries, gates inside (0, 1), a cotangent of the reads; float32, the same in every process."""
        rng = np.random.default_rng(0)
        shape = (self.n, self.T, self.d)
        x = {name: rng.standard_normal(shape) for name in ("q", "k", "v", "dy")}
        if self.rule == "delta_product(2)":
            x |= {name: rng.standard_normal((*shape[:2], 2, self.d)) for name in ("k", "v")}
        for name in ("q", "k"):
            x[name] /= np.linalg.norm(x[name], axis=-1, keepdims=True)
        x["beta"] = rng.uniform(0.05, 0.95, x["k"].shape[:-1])
        if self.rule == "gated_delta":
            x["decay"] = rng.uniform(0.9, 1, shape[:2])
        if self.rule == "key_gated_delta":
            x["decay"] = rng.uniform(0.9, 1, shape)
        return {name: value.astype(np.float32) for name, value in x.items()}

    def tokens(self) -> tuple[np.ndarray, np.ndarray]:
        """Of a training step: random tokens (n, T) of d kinds, and the next one at every place."""
        x = np.random.default_rng(1).integers(self.d, size=(self.n, self.T + 1))
        return np.ascontiguousarray(x[:, :-1]), np.ascontiguousarray(x[:, 1:])

    def weights(self) -> Arrays:
        """Of a training step: embedding, projections to q, k, v and beta, read into the stream, read-out; float32."""
        rng = np.random.default_rng(2)
        names = ("W_embed", "W_q", "W_k", "W_v", "W_o", "W_out")
        x = {name: rng.standard_normal((self.d, self.d)) / self.d**0.5 for name in names}
        x |= {"w_beta": rng.standard_normal(self.d) / self.d**0.5, "b_beta": np.zeros(())}
        return {name: value.astype(np.float32) for name, value in x.items()}


class Peer(NamedTuple):
    """A program: its module here, the form that its module builds, and the cases that it is asked for."""

    name: str
    module: str
    form: str
    modes: tuple[str, ...] = MODES
    rules: tuple[str, ...] = RULES
    only: tuple[int, int] | None = None  # (d, threads) where a peer is slow to prepare

    def takes(self, case: Case, threads: int) -> bool:
        """Whether it is asked for this case."""
        return (
            case.mode in self.modes
            and case.rule in self.rules
            and (self.only is None or self.only == (case.d, threads))
        )


OURS = Peer("synfwp", "ours", "synfwp", modes=(*MODES, STEP))
PEERS = (
    OURS,
    Peer("torch recurrence", "torch_peer", "recurrence"),
    Peer("torch chunkwise 32", "torch_peer", "chunkwise 32", modes=(*MODES, STEP)),
    Peer("torch chunkwise 64", "torch_peer", "chunkwise 64", modes=(*MODES, STEP)),
    Peer("torch.compile chunkwise", "torch_peer", "compiled 64", rules=("delta",), only=(64, 2)),
    Peer("jax scan", "jax_peer", "scan"),
    Peer("numpy recurrence", "ours", "numpy", modes=(FORWARD,)),
)
Run = Callable[[], Any]


class Built(NamedTuple):
    """What a peer's ``build(form, case)`` gives: the call that is timed, and its result as NumPy arrays."""

    run: Run
    arrays: Callable[[Any], Arrays]
