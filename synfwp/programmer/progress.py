"""How far a training is: its state, its evaluations, and the file from which a run that was killed goes on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from synfwp import checks, owned, results
from synfwp.programmer.optimiser import Adam
from synfwp.programmer.parts import Params
from synfwp.programmer.trained import pack, unpack

if TYPE_CHECKING:
    import xarray as xr

_KIND = "checkpoint of a training"
_NAMES = {"loss": "loss", "gradient_norm": "gradient norm before clipping", "accuracy": "accuracy on the batch"}


class State(NamedTuple):
    """All that a training is after some steps; replaced as a whole, so that it is never half of two."""

    params: Params
    adam: Adam
    rows: tuple[tuple[float, float, float], ...] = ()  # loss, gradient norm, accuracy of every step
    evaluations: tuple[tuple[int, float, float], ...] = ()  # step, loss, accuracy
    best: Params | None = None  # the parameters of the best evaluation

    @property
    def step(self) -> int:
        """Steps done."""
        return len(self.rows)


@dataclass(frozen=True)
class Evaluation:
    """Fixed sequences, drawn once, on which a training is evaluated as it goes.

    Parameters
    ----------
    every : int
        Steps between evaluations; the last step is evaluated too.
    sequences : int
        Number of sequences.
    patience : int or None
        Evaluations without a lower loss after which the training stops.
    target : float or None
        Loss at which it stops.
    stop_at : float or None
        Accuracy at which it stops; of real targets the mean squared error (twice the loss), from above.

    Raises
    ------
    TypeError, ValueError
        For numbers that are not as above.

    Notes
    -----
    The parameters of the evaluation with the lowest loss are the ones that are kept, or those of the evaluation that
    reached ``stop_at``.

    Examples
    --------
    >>> Evaluation(every=50, patience=4).sequences
    64
    """

    every: int = 100
    sequences: int = 64
    patience: int | None = None
    target: float | None = None
    stop_at: float | None = None

    def __post_init__(self) -> None:
        """Fields are of the kinds in Parameters."""
        owned.count(self, "every")
        owned.count(self, "sequences")
        if self.patience is not None:
            owned.count(self, "patience")
        if self.target is not None:
            checks.number("target", self.target)
        if self.stop_at is not None:
            checks.number("stop_at", self.stop_at, 0)

    def update(self, state: State, loss: float, accuracy: float) -> State:
        """The state after one more evaluation.

        Parameters
        ----------
        state : State
            What the training is after its last step.
        loss : float
            On the sequences of the evaluation.
        accuracy : float
            On the same; nan for real targets.

        Returns
        -------
        State
        """
        lowest = not any(loss >= seen[1] for seen in state.evaluations)
        best = state.params if lowest or self._reached(loss, accuracy) else state.best
        return state._replace(evaluations=(*state.evaluations, (state.step, loss, accuracy)), best=best)

    def _reached(self, loss: float, accuracy: float) -> bool:
        """Whether an evaluation reaches ``stop_at``."""
        if self.stop_at is None:
            return False
        return 2 * loss <= self.stop_at if np.isnan(accuracy) else accuracy >= self.stop_at

    def stop(self, state: State) -> bool:
        """Whether a training is over before its last step.

        Parameters
        ----------
        state : State
            What the training is after its last step.

        Returns
        -------
        bool
        """
        return self.reason(state) is not None

    def reason(self, state: State) -> str | None:
        """Why a training is over before its last step: the field that ends it; None if it is not over.

        Parameters
        ----------
        state : State
            What the training is after its last step.

        Returns
        -------
        "stop_at", "target", "patience" or None
        """
        losses = [loss for _, loss, _ in state.evaluations]
        if any(self._reached(loss, accuracy) for _, loss, accuracy in state.evaluations):
            return "stop_at"
        if losses and self.target is not None and min(losses) <= self.target:
            return "target"
        if losses and self.patience is not None and len(losses) - 1 - int(np.argmin(losses)) >= self.patience:
            return "patience"
        return None


@dataclass(frozen=True)
class Checkpoint:
    """Keep the state of a training in a file every so many steps, and go on from there if the file exists.

    Parameters
    ----------
    path : path
        A NetCDF file; missing folders are made. It is replaced whole or not at all.
    every : int
        Steps between two writings.

    Raises
    ------
    TypeError, ValueError
        If ``every`` is not an integer of at least 1.

    Examples
    --------
    >>> Checkpoint("training.nc", every=50).every
    50
    """

    path: Any
    every: int = 100

    def __post_init__(self) -> None:
        """A path and a number of steps."""
        object.__setattr__(self, "path", Path(self.path))
        owned.count(self, "every")

    def write(self, state: State, unit: str, provenance: dict[str, Any]) -> None:
        """Replace the file by this state; ``unit`` is that of the loss.

        Parameters
        ----------
        state : State
            What the training is after its last step.
        unit : str
            Unit of the loss.
        provenance : dict
            Of the training, from `synfwp.results.provenance`.
        """
        ds = history(state, unit, provenance)
        trees = {"param": state.params, "mean": state.adam.mean, "square": state.adam.square, "best": state.best or {}}
        for prefix, tree in trees.items():
            ds = pack(ds, prefix, tree)
        results.save(ds.assign_attrs(kind=_KIND), self.path, force=True)

    def read(self, provenance: dict[str, Any]) -> State | None:
        """The state in the file, None where there is no file.

        Parameters
        ----------
        provenance : dict
            Of the training that would go on.

        Returns
        -------
        State or None

        Raises
        ------
        ValueError
            If the file is no checkpoint, or one of another training; the message names what differs.
        TypeError
            If the training holds an object whose state cannot be read.
        OSError
            If the file cannot be written.
        """
        unread = results.opaque(json.loads(provenance["parameters"]), "")
        if unread:
            raise TypeError(
                f"{unread[0]} is a {unread[1]}, whose state cannot be compared with that in a checkpoint; keep it "
                "out of the training, or train without a checkpoint."
            )
        results.check_writable(self.path, force=True)
        if not self.path.exists():
            return None
        ds = results.load(self.path)
        if ds.attrs.get("kind") != _KIND:
            raise ValueError(f"{self.path} is no checkpoint; pass another name.")
        kept = json.loads(ds.attrs["parameters"]) | {"seed": ds.attrs["seed"]}
        asked = json.loads(provenance["parameters"]) | {"seed": provenance["seed"]}
        had, wanted = kept.pop("steps"), asked.pop("steps")
        differs = results.difference(kept, asked, "")
        if differs:
            name, there, here = differs
            raise ValueError(
                f"{self.path} holds another training: its {name} is {there}, here it is {here}; pass another name, or "
                "remove the file."
            )
        self._check_steps(had, wanted, ds.sizes["step"], asked["schedule"]["shape"])
        trees = {}
        for prefix in ("param", "mean", "square", "best"):
            ds, trees[prefix] = unpack(ds, prefix)
        rows: Any = tuple(zip(*(ds[name].values.tolist() for name in _NAMES), strict=True))
        seen = ("evaluation", "evaluation_loss", "evaluation_accuracy")
        evaluations: Any = (
            tuple(zip(*(ds[name].values.tolist() for name in seen), strict=True)) if seen[0] in ds else ()
        )
        adam = Adam(trees["mean"], trees["square"], len(rows))
        return State(trees["param"], adam, rows, evaluations, trees["best"] or None)

    def _check_steps(self, had: int, wanted: int, done: int, shape: str) -> None:
        """A training may get more steps where its rate does not depend on their number."""
        if had != wanted and shape != "constant":
            raise ValueError(
                f"{self.path} holds another training: its steps is {had}, here it is {wanted}; pass another name, or "
                f"remove the file. The schedule {shape!r} spans all steps; one with schedule='constant' goes on."
            )
        if done > wanted:
            raise ValueError(f"{self.path} holds {done} steps, but steps is {wanted}; pass at least {done}.")


def history(state: State, unit: str, provenance: dict[str, Any]) -> "xr.Dataset":
    """What happened, step by step and evaluation by evaluation."""
    columns = np.array(state.rows).reshape(-1, 3).T
    units = {"loss": unit, "gradient_norm": "1", "accuracy": "1"}
    variables: dict[str, Any] = {
        name: ("step", column, {"units": units[name], "long_name": _NAMES[name]})
        for name, column in zip(_NAMES, columns, strict=True)
    }
    coords: dict[str, Any] = {"step": np.arange(state.step)}
    if state.evaluations:
        step, loss, accuracy = zip(*state.evaluations, strict=True)
        for name, column, of in (("loss", loss, unit), ("accuracy", accuracy, "1")):
            text = {"units": of, "long_name": f"{name} on the sequences for evaluation"}
            variables[f"evaluation_{name}"] = ("evaluation", np.array(column), text)
        coords["evaluation"] = ("evaluation", np.array(step), {"units": "1", "long_name": "step of the evaluation"})
    return results.dataset(variables, coords=coords, **provenance)


def start(params: Params) -> State:
    """No steps yet."""
    return State(params, Adam.start(params))
