"""Training a programmer through the fast weights: one loop, one Dataset of history, results that can be kept."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from autograd import value_and_grad
from autograd.tracer import getval
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from synfwp import checks, fastweights, results, rules, seeds
from synfwp.instructions import Instructions
from synfwp.programmer.losses import LOSSES
from synfwp.programmer.network import Params, Programmer
from synfwp.programmer.optimiser import Adam, clip, cosine
from synfwp.programmer.plastic import PlasticNetwork
from synfwp.tasks import Batch

if TYPE_CHECKING:
    import xarray as xr

Trainable = Programmer | PlasticNetwork
_KINDS: dict[str, Any] = {"Programmer": Programmer, "PlasticNetwork": PlasticNetwork}


@dataclass(frozen=True)
class Trained:
    """A programmer, or a plastic network, with its trained parameters and the history of the training.

    ``history`` is a Dataset with dim step and variables loss, gradient_norm and, where the targets are classes,
    accuracy, each on the batch of the step and before its update.
    """

    programmer: Trainable
    params: Params
    history: "xr.Dataset"

    def instructions(self, x: Any) -> Instructions:
        """What the programmer sends to the synapses for tokens ``x (..., T, d_in)``; plastic networks send nothing."""
        if not isinstance(self.programmer, Programmer):
            raise TypeError("a PlasticNetwork sends no instructions; use .programmer.run(.params, x).")
        return self.programmer(self.params, np.asarray(x, next(iter(self.params.values())).dtype))

    def answer(self, y: Any) -> Any:
        """The class (..., T) that the trained read-out takes from reads ``y (..., T, d_value)`` of any carrier."""
        if not isinstance(self.programmer, Programmer):
            raise TypeError("a PlasticNetwork reads no carrier; use .programmer.scores(.params, x).")
        return self.programmer.read_out(self.params, np.asarray(y)).argmax(axis=-1)

    def accuracy(self, batch: Batch) -> float:
        """Accuracy on a batch, of a programmer with the exact rule."""
        return batch.accuracy(np.asarray(self.programmer.scores(self.params, batch.x)).argmax(axis=-1))

    def save(self, path: str | Path, force: bool = False) -> Path:
        """Keep it as NetCDF; `synfwp.load_trained` reads it back.

        Raises
        ------
        FileExistsError
            If the file exists and ``force`` is False.
        """
        ds = self.history.copy()
        for name, value in self.params.items():
            ds[f"param_{name}"] = (tuple(f"{name}_{i}" for i in range(np.ndim(value))), np.asarray(value))
        spec = {"class": _kind(self.programmer)} | asdict(self.programmer)
        if isinstance(self.programmer, Programmer):
            row = rules.get_rule(self.programmer.rule)
            spec["rule"] = row.name if rules.RULES.get(row.name) == row else asdict(row)
        text = json.dumps(spec, default=lambda number: number.item())  # sizes may be NumPy's integers
        return results.save(ds.assign_attrs(programmer=text), path, force=force)


def load_trained(path: str | Path) -> Trained:
    """A trained programmer from the NetCDF file that `Trained.save` wrote.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it does not hold a programmer.
    """
    ds = results.load(path)
    if "programmer" not in ds.attrs:
        raise ValueError(f"{path} holds no programmer; pass a file written by Trained.save.")
    names = [str(name) for name in ds.data_vars if str(name).startswith("param_")]
    params = {name.removeprefix("param_"): ds[name].values for name in names}
    history = ds.drop_vars(names)
    spec = json.loads(history.attrs.pop("programmer"))
    if isinstance(spec["rule"], dict):  # a row of the user's own
        spec["rule"] = rules.Rule(**spec["rule"])
    return Trained(_KINDS[spec.pop("class", "Programmer")](**spec), params, history)


def _kind(programmer: Trainable) -> str:
    """The name under which it is kept, also for a subclass."""
    for name, kind in _KINDS.items():
        if isinstance(programmer, kind):
            return name
    raise TypeError(f"the programmer is a {type(programmer).__name__}; only {' and '.join(_KINDS)} can be kept.")


def train(
    programmer: Trainable,
    task: Callable[[np.random.Generator, int], Batch],
    *,
    steps: int = 800,
    batch: int = 32,
    learning_rate: float = 5e-3,
    loss: str = "cross_entropy",
    seed: seeds.Seed = 0,
    threads: int = 1,
) -> Trained:
    """Train a programmer or plastic network on a task by Adam with gradient clipping (norm 1) and a cosine schedule.

    Parameters
    ----------
    programmer : Programmer or PlasticNetwork
        Any dataclass with ``init(seed) -> params``, ``scores(params, x)`` and a ``name`` trains as well.
    task : callable
        ``task(rng, batch) -> Batch``.
    steps, batch : int
        Updates, and sequences in each.
    learning_rate : float
        At the start; it falls to zero along a half cosine.
    loss : "cross_entropy" or "squared"
        Of the read-out against the target, over the scored tokens.
    seed : int, SeedSequence or Generator
        The same seed gives the same batches and the same result.
    threads : int
        For the kernels and BLAS together.

    Returns
    -------
    Trained

    Raises
    ------
    FloatingPointError
        If the loss or its gradient is not finite; the message names the step.

    Source: Kingma & Ba 2015 (Adam); Schlag, Irie & Schmidhuber 2021 (the setting).

    >>> from synfwp.tasks import Recall
    >>> task = Recall(keys=2, values=2, writes=3)
    >>> programmer = Programmer(d_in=task.d_in, d_key=4, d_value=4, d_out=2, write_channel=-1)
    >>> dict(train(programmer, task, steps=3, batch=2).history.sizes)
    {'step': 3}
    """
    checks.count("steps", steps)
    checks.count("batch", batch)
    rate = checks.number("learning_rate", learning_rate, 0, above=True)
    score = checks.lookup("loss", loss, LOSSES)
    params = programmer.init(seed)
    adam = Adam.start(params)
    rows: list[tuple[float, float, float]] = []
    seen: dict[str, Any] = {}

    def objective(params: Params, data: Batch) -> Any:
        seen["scores"] = programmer.scores(params, data.x)
        return score(seen["scores"], data.target, data.mask)

    gradient = value_and_grad(objective)
    name = programmer.name
    with (
        threadpool_limits(threads),
        fastweights.thread_limit(threads),
        tqdm(range(steps), desc=f"training {name}", unit="step", disable=None, leave=False) as bar,
    ):
        for step in bar:
            data = task(seeds.generator(seed, "batch", step), batch)
            value, grads = gradient(params, data)
            grads, norm = clip(grads, 1.0)
            if not np.isfinite(value) or not np.isfinite(norm):
                raise FloatingPointError(
                    f"at step {step} the loss is {value:g} and its gradient {norm:g}; lower learning_rate or beta_max."
                )
            adam, params = adam.update(params, grads, rate * cosine(step, steps))
            rows.append((float(value), norm, _accuracy(data, getval(seen.pop("scores")))))
            if step % 20 == 0:
                bar.set_postfix(loss=f"{float(value):.3f}")
    settings = {"steps": steps, "batch": batch, "learning_rate": rate, "loss": loss, "programmer": programmer}
    origin = results.provenance(settings | {"task": task if is_dataclass(task) else repr(task)}, seed, name)
    return Trained(programmer, params, _history(rows, "nat" if loss == "cross_entropy" else "1", origin))


def _accuracy(data: Batch, scores: Any) -> float:
    """Accuracy of scores on a batch; NaN where nothing is scored, or the targets are real numbers."""
    return np.nan if data.real or not data.mask.any() else data.accuracy(np.asarray(scores).argmax(axis=-1))


def _history(rows: list[tuple[float, float, float]], unit: str, origin: dict[str, str | int]) -> "xr.Dataset":
    """Loss, gradient norm and, for classes, accuracy against step."""
    loss, norm, accuracy = np.array(rows).T
    variables: dict[str, Any] = {
        "loss": ("step", loss, {"units": unit}),
        "gradient_norm": ("step", norm, {"long_name": "gradient norm before clipping", "units": "1"}),
    }
    if not np.isnan(accuracy).all():
        variables["accuracy"] = ("step", accuracy)
    return results.dataset(variables, coords={"step": np.arange(len(loss))}, **origin)
