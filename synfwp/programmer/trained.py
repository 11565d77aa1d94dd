"""A programmer with its trained parameters, kept in files without a line of code in them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from synfwp import owned, results, rules, seeds
from synfwp.instructions import Instructions
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

    ``history`` is a Dataset with dim step and variables loss, gradient_norm and accuracy (NaN for real targets); with
    evaluations also evaluation_loss and evaluation_accuracy along evaluation, whose coordinate is the step.
    """

    programmer: Network
    params: Params
    history: "xr.Dataset"

    def __post_init__(self) -> None:
        """Parameters and history are copies; the parameters are read-only: ``params | {"W_out": ...}`` changes some."""
        object.__setattr__(self, "params", owned.keep(self.params))
        object.__setattr__(self, "history", self.history.copy(deep=True))

    def instructions(self, x: Any, **more: Any) -> Instructions:
        """What the programmer sends to the synapses for tokens ``x (..., T, d_in)``; plastic networks send nothing.

        ``more`` goes to a `Programmer`: ``modulation=`` takes the place of its own signal, ``layer=`` picks a layer.
        """
        if not isinstance(self.programmer, SlowNetwork):
            raise TypeError("a PlasticNetwork sends no instructions; use .programmer.run(.params, x).")
        return self.programmer(self.params, np.asarray(x), **more)

    def answer(self, y: Any, x: Any = None) -> np.ndarray:
        """The class (..., T) that the trained read-out takes from reads ``y (..., T, d_value)`` of any substrate.

        A read-out with a residual stream also needs the tokens x.

        Parameters
        ----------
        y : (..., T, d_value) array
            Reads of any substrate.
        x : None or array
            The tokens.

        Returns
        -------
        (..., T) integer array

        Raises
        ------
        TypeError
            For a plastic network, which reads no substrate.
        """
        if not isinstance(self.programmer, SlowNetwork):
            raise TypeError("a PlasticNetwork reads no substrate; use .programmer.scores(.params, x).")
        return self.programmer.read_out(self.params, np.asarray(y), x).argmax(axis=-1)

    def accuracy(self, batch: Batch) -> float:
        """Accuracy on a batch, of a programmer with the exact rule.

        Parameters
        ----------
        batch : Batch
            Of a task, with classes as targets.

        Returns
        -------
        float
            Share of the scored tokens.
        """
        return batch.accuracy(np.asarray(self.programmer.scores(self.params, batch.x)).argmax(axis=-1))

    def error(self, batch: Batch) -> float:
        """Mean squared error on a batch of real targets, of a programmer with the exact rule.

        Parameters
        ----------
        batch : Batch
            Of a task, with real targets.

        Returns
        -------
        float
            Over the scored tokens.
        """
        return batch.error(np.asarray(self.programmer.scores(self.params, batch.x)))

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
    programmer : None or FunctionProgrammer
        Files hold no code: give the function of your own that the parameters belong to.

    Returns
    -------
    Trained

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it does not hold a programmer, its function is missing, or a synfwp before 0.1.0 wrote
        it.
    """
    ds = results.load(path)
    if "programmer" not in ds.attrs:
        raise ValueError(f"{path} holds no programmer; pass a file written by Trained.save.")
    results.check_format(ds.attrs.get("synfwp_format"), path)
    history, params = unpack(ds, "param")
    spec = json.loads(history.attrs.pop("programmer"))
    if programmer is not None:
        return Trained(programmer, params, history)
    if "send" in spec:
        raise ValueError(f"{path} holds parameters of the function {spec['send']}; pass programmer=.")
    if isinstance(spec.get("rule"), dict):  # a row of the user's own
        spec["rule"] = rules.Rule(**spec["rule"])
    return Trained(_KINDS[spec.pop("class", "Programmer")](**spec), params, history)


def describe(programmer: Any) -> str:
    """The specification as JSON, under the name of its class, also for a subclass; of a function only its name."""
    if isinstance(programmer, FunctionProgrammer):
        return json.dumps({"class": "FunctionProgrammer", "send": getattr(programmer.send, "__qualname__", "")})
    kind = next((name for name, kind in _KINDS.items() if isinstance(programmer, kind)), None)
    if kind is None:
        raise TypeError(f"the programmer is a {type(programmer).__name__}; only {', '.join(_KINDS)} can be kept.")
    spec = {"class": kind} | asdict(programmer)
    if isinstance(programmer, Programmer):
        row = rules.get_rule(programmer.rule)
        spec["rule"] = row.name if rules.RULES.get(row.name) == row else asdict(row)
    return json.dumps(spec, default=lambda number: number.item())  # sizes may be NumPy's integers


def pack(ds: "xr.Dataset", prefix: str, params: Params) -> "xr.Dataset":
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


def unpack(ds: "xr.Dataset", prefix: str) -> tuple["xr.Dataset", Params]:
    """What `pack` put in: the Dataset without, and the arrays."""
    names = [str(name) for name in ds.data_vars if str(name).startswith(f"{prefix}_")]
    return ds.drop_vars(names), {name.removeprefix(f"{prefix}_"): ds[name].values for name in names}
