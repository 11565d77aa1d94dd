"""A programmer with its trained parameters, kept in files without a line of code in them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from synfwp import checks, owned, results, rules, seeds
from synfwp.instructions import Instructions
from synfwp.measures.reads import classes
from synfwp.programmer import losses
from synfwp.programmer.layer import LayerProgrammer
from synfwp.programmer.network import Programmer
from synfwp.programmer.parts import Params
from synfwp.programmer.plastic import PlasticNetwork
from synfwp.programmer.slow import FunctionProgrammer, SlowNetwork
from synfwp.results.names import Names, check_name
from synfwp.tasks import Batch

if TYPE_CHECKING:
    import xarray as xr


class Trainable(Protocol):
    """What `train` takes: parameters to start from, scores of a batch, and a name."""

    @property
    def name(self) -> str:
        """What a progress bar and the provenance show."""
        ...

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> Params:
        """Parameters before training."""
        ...

    def scores(self, params: Params, x: Any) -> np.ndarray:
        """Scores (..., T, d_out) for x."""
        ...


Network = TypeVar("Network", bound=Trainable)
_KINDS: dict[str, Any] = {
    "Programmer": Programmer,
    "PlasticNetwork": PlasticNetwork,
    "LayerProgrammer": LayerProgrammer,
}


@dataclass(frozen=True)
class Trained(Generic[Network], owned.Owner):
    """A programmer, or a plastic network, with its trained parameters and the history of the training.

    Parameters
    ----------
    programmer : Programmer, or another slow network, or PlasticNetwork
    params : dict of str to array
        Copied, and read-only.
    history : xarray.Dataset
        Along step: loss, gradient_norm and accuracy (NaN for real targets); with evaluations also evaluation_loss and
        evaluation_accuracy along evaluation, whose coordinate is the step.

    Examples
    --------
    >>> import synfwp as fw
    >>> task = fw.tasks.Copy()
    >>> trained = fw.train(fw.Programmer(d_in=task.d_in, d_out=task.d_out, d_key=4, d_value=4), task, steps=2)
    >>> sorted(trained.history)
    ['accuracy', 'gradient_norm', 'loss']
    """

    programmer: Network
    params: Params
    history: xr.Dataset

    def __post_init__(self) -> None:
        """Parameters and history are copies; the parameters are read-only: ``params | {"W_out": ...}`` changes some."""
        object.__setattr__(self, "params", owned.keep(self.params))
        object.__setattr__(self, "history", self.history if self.history is None else self.history.copy(deep=True))

    def instructions(self, x: Any, scored: Any = None, **more: Any) -> Instructions:
        """What the programmer sends to the synapses for tokens ``x (..., T, d_in)``; plastic networks send nothing.

        Parameters
        ----------
        x : (..., T, d_in) array
            Tokens.
        scored : None or (..., T) array
            Marks the tokens whose reads count, such as the mask of a batch.
        **more
            For a `Programmer`: ``modulation=`` takes the place of its own signal, ``layer=`` picks a layer.

        Returns
        -------
        Instructions

        Raises
        ------
        TypeError, ValueError
            For a plastic network, which sends nothing, or tokens that are no plain array.
        """
        if not isinstance(self.programmer, SlowNetwork):
            raise TypeError("a PlasticNetwork sends no instructions; use .programmer.run(.params, x).")
        sent = self.programmer(self.params, checks.plain("x", x), **more)
        return sent if scored is None else sent.marked(scored)

    def answer(self, y: Any, x: Any = None) -> np.ndarray:
        """The class (..., T) that the trained read-out takes from reads ``y (..., T, d_value)`` of any substrate.

        A read-out with a residual stream also needs the tokens x.

        Parameters
        ----------
        y : (..., T, d_value) array, or DataArray with dims time and value
            Reads of any substrate.
        x : None or array
            The tokens.

        Returns
        -------
        (..., T) array
            Integers; where a token was not read (y is NaN), floats with NaN there.

        Raises
        ------
        TypeError, ValueError
            For a plastic network, which reads no substrate, or tokens that are no plain array.
        """
        if not isinstance(self.programmer, SlowNetwork):
            raise TypeError("a PlasticNetwork reads no substrate; use .programmer.scores(.params, x).")
        return classes(self.programmer.read_out(self.params, _reads(y), None if x is None else checks.plain("x", x)))

    def accuracy(self, batch: Batch, on: Any = None, seed: seeds.Seed = 0) -> float:
        """Accuracy on a batch, with the exact rule or on a substrate.

        Parameters
        ----------
        batch : Batch
            Of a task, with classes as targets.
        on : None, Exact, RateNetwork or SpikingNetwork
            What carries the fast weights of every layer and head, as in `synfwp.compare_substrates`; a spiking network
            reads out the tokens that the batch scores. None: the exact rule.
        seed : int, SeedSequence or Generator
            Of the substrate.

        Returns
        -------
        float
            Share of the scored tokens.

        Raises
        ------
        TypeError, ValueError
            If the substrate cannot run the rule, or its schedule does not read a token that is scored.
        """
        return batch.accuracy(classes(self._scores(batch, on, seed)))

    def error(self, batch: Batch, on: Any = None, seed: seeds.Seed = 0) -> float:
        """Mean squared error on a batch of real targets, with the exact rule or on a substrate.

        Parameters
        ----------
        batch : Batch
            Of a task, with real targets.
        on : substrate or None
            As for `accuracy`.
        seed : int, SeedSequence or Generator
            As for `accuracy`.

        Returns
        -------
        float
            Over the scored tokens.

        Raises
        ------
        TypeError, ValueError
            As for `accuracy`.
        """
        return batch.error(self._scores(batch, on, seed))

    def _scores(self, batch: Batch, on: Any, seed: seeds.Seed) -> np.ndarray:
        """Scores of the batch with the exact rule, or on a substrate."""
        if on is None:
            found = np.asarray(self.programmer.scores(self.params, batch.x))
        else:
            from synfwp.substrates.door.answers import scores_on

            found = scores_on(self.programmer, self.params, batch.x, batch.mask, on, seed)
        losses.check(found, batch.target, batch.mask)
        return found

    def save(self, path: str | Path, force: bool = False) -> Path:
        """Keep it as NetCDF; `synfwp.load_trained` reads it back.

        Parameters
        ----------
        path : path
            Missing folders are made.
        force : bool
            Replace an existing file.

        Returns
        -------
        pathlib.Path
            Where it was written.

        Raises
        ------
        FileExistsError
            If the file exists and ``force`` is False.
        """
        ds = pack(self.history.copy(), "param", self.params)
        attrs: dict[str, Any] = {"programmer": describe(self.programmer), "synfwp_format": results.FORMAT}
        return results.save(ds.assign_attrs(attrs), path, force=force)


def load_trained(path: str | Path, programmer: SlowNetwork | None = None) -> Trained[SlowNetwork | PlasticNetwork]:
    """A trained programmer from the NetCDF file that `Trained.save` wrote.

    Parameters
    ----------
    path : str or Path
    programmer : None or a programmer
        Files hold no code: give the function, or the class of your own, that the parameters belong to. It is compared
        with the one that was saved, by its code and its state.

    Returns
    -------
    Trained

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it does not hold a programmer, its function or class is missing or another one, or a
        synfwp before 0.1.0 wrote it.

    Examples
    --------
    >>> import tempfile
    >>> import synfwp as fw
    >>> task, path = fw.tasks.Copy(), Path(tempfile.mkdtemp()) / "trained.nc"
    >>> trained = fw.train(fw.Programmer(d_in=task.d_in, d_out=task.d_out, d_key=4, d_value=4), task, steps=2)
    >>> load_trained(trained.save(path)).programmer == trained.programmer
    True
    """
    ds = results.load(path)
    if "programmer" not in ds.attrs:
        raise ValueError(f"{path} holds no programmer; pass a file written by Trained.save.")
    results.check_format(ds.attrs.get("synfwp_format"), path)
    history, params = unpack(ds, "param")
    spec = json.loads(history.attrs.pop("programmer"))
    if programmer is not None:
        differs = results.difference(spec, json.loads(describe(programmer)), "")
        if differs:
            name, there, here = differs
            raise ValueError(
                f"{path} holds parameters of another programmer: its {name} is {there}, here it is {here}; pass the "
                "one that was saved, or make Trained(programmer, params, history) from synfwp.load(path) yourself."
            )
        return Trained(programmer, params, history)
    if "send" in spec:
        raise ValueError(f"{path} holds parameters of the function {spec['send']}; pass programmer=.")
    if "own" in spec:
        raise ValueError(f"{path} holds parameters of the class {spec['own']['class']} of your own; pass programmer=.")
    if isinstance(spec.get("rule"), dict):  # a row of the user's own
        spec["rule"] = rules.Rule(**spec["rule"])
    return Trained(_KINDS[spec.pop("class", "Programmer")](**spec), params, history)


def describe(programmer: Any) -> str:
    """The specification as JSON; of a function or class of the user's own, what tells it from another."""
    kind = next((name for name, kind in _KINDS.items() if isinstance(programmer, kind)), None)
    if isinstance(programmer, FunctionProgrammer):
        name = getattr(programmer.send, "__qualname__", type(programmer.send).__name__)
        own = json.loads(results.as_json("programmer", programmer))
        return json.dumps({"class": "FunctionProgrammer", "send": name, "own": own})
    if kind is None:
        raise TypeError(f"the programmer is a {type(programmer).__name__}; only {', '.join(_KINDS)} can be kept.")
    if type(programmer) is not _KINDS[kind]:
        return json.dumps({"class": kind, "own": json.loads(results.as_json("programmer", programmer))})
    spec = {"class": kind} | asdict(programmer)
    if isinstance(programmer, Programmer):
        row = rules.get_rule(programmer.rule)
        spec["rule"] = row.name if rules.RULES.get(row.name) == row else asdict(row)
    return json.dumps(spec, default=lambda number: number.item())  # sizes may be NumPy's integers


def _reads(y: Any) -> np.ndarray:
    """Reads as an array; the dims of a labelled one tell which axis is which."""
    if not hasattr(y, "dims"):
        return checks.plain("y", y)
    if not {"time", "value"} <= set(y.dims):
        raise ValueError(f"y has dims {tuple(y.dims)}; pass reads with dims time and value.")
    found: np.ndarray = y.transpose(..., "time", "value").values
    return found


def pack(ds: xr.Dataset, prefix: str, params: Params) -> xr.Dataset:
    """The Dataset with one more variable for every array, ``prefix_name``."""
    check_params(params)
    for name, value in params.items():
        # a dim begins otherwise than a variable: "W" and "W_0" may both be names of parameters
        ds[f"{prefix}_{name}"] = (tuple(f"axis{i}_{prefix}_{name}" for i in range(np.ndim(value))), np.asarray(value))
    return ds


def check_params(params: Params) -> None:
    """Parameters have names that a file can hold."""
    given = Names("rename one of the parameters.")
    for name in params:
        given.give([check_name(name, "name of a parameter")], f"parameter {name!r}")


def unpack(ds: xr.Dataset, prefix: str) -> tuple[xr.Dataset, Params]:
    """What `pack` put in: the Dataset without, and the arrays."""
    names = [str(name) for name in ds.data_vars if str(name).startswith(f"{prefix}_")]
    return ds.drop_vars(names), {name.removeprefix(f"{prefix}_"): ds[name].values for name in names}
