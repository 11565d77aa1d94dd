"""Slow networks: instructions against projections written out, training cut at a checkpoint, tasks and batches."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import synfwp as fw
from fuzz.cases import Arg, Call, Entry, Expected, Rng, need, pick, sizes

Array = Any
TASKS = ("Recall", "Copy", "SelectiveCopy", "MQAR", "Parity", "Familiarity", "PatternCompletion", "InContextRegression")


def forward(rng: Rng) -> Call:
    """Instructions of a plain programmer: projections, relu, unit length, a sigmoid."""
    d_in, d_key, d_value, T = sizes(rng, 1, 5, 4)
    programmer = fw.Programmer(rule="delta", d_in=d_in, d_key=d_key, d_value=d_value)
    params = programmer.init(seed=int(rng.integers(100)))
    lead = pick(rng, ((), (2,)))
    args = {"x": Arg(rng.normal(size=(*lead, T, d_in)), dims=("time", "feature"))}

    def run(x: Any) -> Any:
        sent = programmer(params, x)
        return {name: np.asarray(getattr(sent, name)) for name in ("q", "k", "v", "beta")}

    def twin(x: Any) -> Any:
        x = np.asarray(x, float)
        need(x.ndim >= 2 and x.shape[-1] == d_in and np.isfinite(x).all())

        def key(W: Array) -> Array:
            u = np.maximum(x @ W.T, 0)
            size = np.linalg.norm(u, axis=-1, keepdims=True)
            return u / np.where(size == 0, 1, size)

        logit = x @ params["w_beta"] + params["b_beta"]
        sent = {"q": key(params["W_q"]), "k": key(params["W_k"]), "v": x @ params["W_v"].T}
        return sent | {"beta": 1 / (1 + np.exp(-logit))}

    return Call(run, args, twin, ("params",))


def specification(rng: Rng) -> Call:
    """`Programmer` with any sizes and names: refused, or parameters that give finite scores, causal in x."""
    args = {name: Arg(int(rng.integers(1, 4)), "count") for name in ("d_in", "d_key", "d_value", "d_out", "heads")}
    args |= {"rule": Arg(pick(rng, ("hebb", "delta", "gated_delta", "mesa", "momentum_delta", "softmax")), "choice")}
    args |= {"feature": Arg(pick(rng, ("relu", "elu_plus_one", "dpfp(2)")), "choice")}
    args |= {"key_norm": Arg(pick(rng, ("l2", "sum")), "choice"), "beta_max": Arg(1.0, "number")}
    args |= {"seed": Arg(int(rng.integers(100)), "seed")}
    draw = int(rng.integers(1000))

    def run(seed: Any, **given: Any) -> Any:
        programmer = fw.Programmer(**given)
        params = programmer.init(seed)
        x = np.random.default_rng(draw).normal(size=(3, int(programmer.d_in)))
        whole, part = programmer.scores(params, x), programmer.scores(params, x[:2])
        return {
            "shape": whole.shape,
            "finite": bool(np.isfinite(whole).all()),
            "causal": np.abs(whole[:2] - part).max(),
        }

    def twin(seed: Any, **meant: Any) -> Any:
        counts = [meant[name] for name in ("d_in", "d_key", "d_value", "d_out", "heads")]
        need(min(counts) >= 1 and np.isfinite(meant["beta_max"]) and meant["beta_max"] > 0)
        return Expected({"shape": (3, meant["d_out"]), "finite": True, "causal": 0.0}, 1e-9)

    return Call(run, args, twin, ("feature map", "key normaliser", "ridge"))


def training(rng: Rng) -> Call:
    """Two steps in one go, or cut at a checkpoint: the same bits."""
    task = fw.tasks.Recall(keys=2, values=2, writes=2)
    programmer = fw.Programmer(d_in=task.d_in, d_key=2, d_value=2, d_out=2, write_channel=-1)
    args = {"steps": Arg(int(rng.integers(1, 3)), "count"), "batch": Arg(2, "count"), "seed": Arg(3, "seed")}
    args |= {"learning_rate": Arg(0.01, "number"), "schedule": Arg("constant", "choice")}
    args |= {"loss": Arg("cross_entropy", "choice"), "method": Arg("adam", "choice")}
    cut = bool(rng.random() < 0.5)

    def run(**given: Any) -> Any:
        if not cut:
            return fw.train(programmer, task, **given).params
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "checkpoint.nc"
            fw.train(programmer, task, **given, checkpoint=fw.Checkpoint(path, every=1))
            trained = fw.train(programmer, task, **given, checkpoint=fw.Checkpoint(path, every=1))
            kept = trained.save(Path(folder) / "trained.nc")
            return fw.load_trained(kept).params

    def twin(**meant: Any) -> Any:
        need(
            min(meant["steps"], meant["batch"]) >= 1
            and np.isfinite(meant["learning_rate"])
            and meant["learning_rate"] > 0
        )
        return Expected(fw.train(programmer, task, **meant).params, 0.0)

    return Call(run, args, twin, ("checkpoint",))


def task(rng: Rng) -> Call:
    """A task's batch: scored targets are classes, and its own solver is right where it can be."""
    name = pick(rng, TASKS)
    kind = getattr(fw.tasks, name)
    fields = {"Recall": {"keys": 3, "values": 2, "writes": 4}}.get(name, {})
    args = {field: Arg(value, "count") for field, value in fields.items()}
    args |= {"batch": Arg(int(rng.integers(1, 4)), "count")}
    seed = int(rng.integers(1000))

    def run(batch: Any, **given: Any) -> Any:
        made = kind(**given)
        found = made(np.random.default_rng(seed), batch)
        ds = found.to_dataset()
        right = (
            True if found.real else bool(((found.target >= 0) == found.mask).all() and found.target.max() < made.d_out)
        )
        return {
            "x": found.x.shape[0],
            "mask": found.mask.shape,
            "right": right,
            "same": bool((ds.x.values == found.x).all()),
        }

    def twin(batch: Any, **meant: Any) -> Any:
        need(batch >= 1 and all(value >= 1 for value in meant.values()))
        made = kind(**meant)
        shape = made(np.random.default_rng(0), 1).mask.shape[1:]
        return {"x": batch, "mask": (batch, *shape), "right": True, "same": True}

    return Call(run, args, twin, ("rng",))


def batch(rng: Rng) -> Call:
    """`Batch` by hand: accuracy over the scored tokens."""
    n, T = sizes(rng, 1, 4, 2)
    mask = rng.random((n, T)) < 0.7
    mask[0, 0] = True
    target = np.where(mask, rng.integers(0, 3, (n, T)), -1)
    args = {"x": Arg(rng.normal(size=(n, T, 2)), dims=("trial", "time", "feature"))}
    args |= {"target": Arg(target, "index", dims=("trial", "time")), "answer": Arg(rng.integers(0, 3, (n, T)), "index")}
    args |= {"chance": Arg(1 / 3, "number")}

    def run(x: Any, target: Any, answer: Any, chance: Any) -> Any:
        made = fw.tasks.Batch(x, target, mask, chance)
        return {"accuracy": made.accuracy(answer), "chance": made.chance}

    def twin(x: Any, target: Any, answer: Any, chance: Any) -> Any:
        x, target, answer = np.asarray(x, float), np.asarray(target), np.asarray(answer)
        need(x.shape[:2] == (n, T) and x.ndim == 3 and target.shape == (n, T) == answer.shape)
        need((answer[mask] == np.floor(answer[mask])).all())
        need(((target >= 0) | ~mask).all() and np.isfinite(x).all() and np.isfinite(chance))
        return {
            "accuracy": float(np.mean([target[i] == answer[i] for i in zip(*np.nonzero(mask), strict=True)])),
            "chance": chance,
        }

    return Call(run, args, twin, ("mask",))


ENTRIES = (
    Entry("Programmer(params, x)", forward, 3),
    Entry("Programmer", specification, 1.5),
    Entry("train", training, 0.1),
    Entry("tasks", task, 1),
    Entry("Batch", batch, 2),
)
