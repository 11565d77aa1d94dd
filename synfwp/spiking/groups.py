"""Groups of a circuit: sources of spikes and populations of neurons, and quantities that change in steps."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synfwp import checks, grid, owned, results, shown, units
from synfwp.results import names
from synfwp.spiking.neurons import Neuron

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Steps(owned.Owner):
    """A quantity that is constant from one time to the next: ``values[m]`` holds from ``times[m]`` (ms) on.

    Parameters
    ----------
    times : (M,) array_like
        Increasing, from 0; multiples of the circuit's dt.
    values : (M,) or (M, n) array_like
        Numbers, or one per neuron, in the unit of what takes them, or quantities.

    Raises
    ------
    ValueError
        If the times do not start at 0 and increase, or there are not as many values.

    Examples
    --------
    >>> Steps([0.0, 100.0], [1.0, 0.0]).values.tolist()
    [1.0, 0.0]
    """

    times: Any
    values: Any

    def __post_init__(self) -> None:
        """Times start at 0 and increase; one value (or row) for each."""
        what = "times of Steps"
        times = np.atleast_1d(grid.precise(what, self.times, units.to_float(self.times, "ms", what)))
        values = self.values  # with a unit they wait for what takes them, which knows its own
        if not units.has_unit(values):
            values = np.array(units.to_float(values, "1", "values of Steps"), float)
        rising = np.isfinite(times).all() and (np.diff(times) > 0).all()
        if times.ndim != 1 or not len(times) or times[0] != 0 or not rising:
            raise ValueError(
                f"times of Steps start with {times[:3].tolist()}; pass increasing times in ms, the first 0."
            )
        shape = np.shape(values)
        if len(shape) not in (1, 2) or shape[0] != len(times):
            raise ValueError(f"Steps has {len(times)} times but values of shape {shape}; pass one value each.")
        object.__setattr__(self, "times", owned.keep(times))
        object.__setattr__(self, "values", owned.keep(values))

    def at(self, step: int, dt: float) -> np.float64 | Array:
        """The value that holds at a step of a grid.

        Parameters
        ----------
        step : int
        dt : float
            ms.

        Returns
        -------
        float or (n,) array
        """
        if len(self.times) == 1:
            return self.values[0]
        return self.values[int(np.searchsorted(grid.steps(self.times, dt), step, side="right")) - 1]


def as_steps(name: str, value: Any, unit: str, n: int | None = None, low: float = -np.inf) -> Steps:
    """A number, an array of one value per neuron, or Steps, as Steps in ``unit`` with values that fit n neurons."""
    if isinstance(value, Steps):
        value = Steps(value.times, units.to_float(value.values, unit, f"values of {name}"))
    else:
        plain = np.asarray(units.to_float(value, unit, name), float)
        if plain.ndim > 1:
            raise ValueError(f"{name} has shape {plain.shape}; pass a number, one per neuron, or Steps.")
        value = Steps([0.0], plain[None])
    if value.values.ndim == 2 and value.values.shape[1] != n:
        wanted = "numbers" if n is None else f"{n} values"
        raise ValueError(f"{name} has {value.values.shape[1]} values at a time; pass {wanted}.")
    if not np.isfinite(value.values).all() or (value.values < low).any():
        bounds = f" of at least {low:g}" if low > -np.inf else ""
        raise ValueError(f"{name} holds {value.values.min():g}; pass finite numbers{bounds} ({unit}).")
    return value


def check_name(name: Any, what: str = "name") -> None:
    """A name is a text that can name a variable of a file."""
    names.check_name(name, what)


@dataclass(frozen=True, eq=False)
class PoissonSource(shown.OneLine):
    """Units that fire at random: in each step with probability ``rate dt``, at most once.

    Parameters
    ----------
    n : int
    rate : float, (n,) array or Steps
        Hz.
    name : str

    Raises
    ------
    TypeError, ValueError
        Naming the source and the argument.

    Examples
    --------
    >>> PoissonSource(100, rate=15.0).n
    100
    """

    n: int
    rate: Any
    name: str = "input"

    def __post_init__(self) -> None:
        """A name, a count and rates of at least 0."""
        check_name(self.name)
        owned.count(self, "n")
        object.__setattr__(self, "rate", as_steps(f"rate of {self.name!r}", self.rate, "Hz", self.n, 0.0))


@dataclass(frozen=True, eq=False)
class SpikeSource(owned.Owner):
    """Units that fire at prescribed times, such as recorded ones.

    Parameters
    ----------
    n : int
        Number of units.
    times : (n_spikes,) array_like
        ms, in increasing order (equal times of different units are allowed). A spike belongs to the step of the grid
        in which its time lies.
    units : (n_spikes,) array_like of int
        The unit of each spike.
    name : str

    Raises
    ------
    ValueError
        If a time is negative or out of order, a unit does not exist, or a unit fires twice at the same time.

    Examples
    --------
    >>> SpikeSource(2, times=[1.0, 3.5], units=[0, 1]).n
    2
    """

    n: int
    times: Any
    units: Any
    name: str = "input"

    def __post_init__(self) -> None:
        """Times in order, units that exist, and one spike of a unit at a time."""
        check_name(self.name)
        owned.count(self, "n")
        what = f"times of {self.name!r}"
        times = np.atleast_1d(grid.precise(what, self.times, units.to_float(self.times, "ms", what)))
        which = np.atleast_1d(checks.plain("units", self.units))
        if which.size == 0:
            which = which.astype(int)
        if times.shape != which.shape or times.ndim != 1:
            raise ValueError(f"source {self.name!r} has times of shape {times.shape} and units of shape {which.shape}.")
        if which.dtype.kind not in "iu" or (which.size and not 0 <= which.min() <= which.max() < self.n):
            raise ValueError(f"units of source {self.name!r} are not all integers from 0 to {self.n - 1}.")
        if not np.isfinite(times).all() or (times < 0).any():
            raise ValueError(f"times of source {self.name!r} are not all finite and at least 0 ms.")
        back = np.flatnonzero(np.diff(times) < 0)
        if back.size:
            m = int(back[0])
            raise ValueError(
                f"times of source {self.name!r} are out of order: spike {m + 1} is at {times[m + 1]:g} ms after one at "
                f"{times[m]:g} ms; sort the spikes by time."
            )
        again = _repeated(times, which)
        if again.size:
            m = int(again[0])
            raise ValueError(
                f"times and units: unit {which[m]} of source {self.name!r} fires twice at {times[m]:g} ms, which no dt "
                "tells apart; "
                "thin the spikes: leave one of the two out (SpikeSource.from_dataset does so with thin=True)."
            )
        object.__setattr__(self, "times", owned.keep(times))
        object.__setattr__(self, "units", owned.freeze(which.astype(np.int64)))

    @classmethod
    def from_dataset(
        cls,
        ds: "xr.Dataset",
        population: str,
        name: str | None = None,
        *,
        thin: bool = False,
        window: tuple[float, float] | None = None,
    ) -> "SpikeSource":
        """The spikes of one population of a run or a recording, to be replayed.

        Parameters
        ----------
        ds : xarray.Dataset
            As `Circuit.run` and ``simulate(..., record=True)`` return it, or `synfwp.read_nwb` and its like; times in
            the unit that the attribute ``units`` of ``spike_time`` names.
        population : str
        name : str or None
            None: that of the population.
        thin : bool
            Of the spikes of one neuron at one time, keep one. Neurons of a spiking network that are drawn as Poisson
            counts (``"key"``, and all of ``engine="poisson"``) may fire several times in a step, a unit of a circuit
            fires once. ``len(fw.spikes(ds, population)[0]) - source.times.size`` spikes are dropped then.
        window : (start, stop) or None
            In s: the spikes from start on and before stop, at times that begin at start. None: all, at their times.

        Returns
        -------
        SpikeSource

        Raises
        ------
        ValueError
            If the Dataset has no such spikes, its times have no unit of time or begin before 0, or a neuron fires twice
            at one time and ``thin`` is False.

        Examples
        --------
        >>> from synfwp.spiking import Circuit
        >>> ds = Circuit([], populations=[SpikeSource(3, [1.0, 2.5], [2, 0], name="cue")]).run(5.0)
        >>> SpikeSource.from_dataset(ds, "cue").times.tolist()
        [1.0, 2.5]
        """
        found = results.spike_trains(ds)
        at = found.names.index(checks.one_of("population", population, found.names))
        seconds, which = found.of(population)
        if window is not None:
            low, high = units.to_float(list(window), "s", "window")
            if not low < high:
                raise ValueError(f"window is {checks.short(window)}; pass (start, stop) in s with start before stop.")
            inside = (seconds >= low) & (seconds < high)
            seconds, which = seconds[inside] - low, which[inside]
        if seconds.size and seconds[0] < 0:
            raise ValueError(f"{population!r} fires at {seconds[0]:g} s, before 0; pass window=(start, stop) in s.")
        times = 1000.0 * seconds
        if thin:
            again = _repeated(times, which)
            times, which = np.delete(times, again), np.delete(which, again)
        return cls(int(found.sizes[at]), times, which, name=population if name is None else name)


def _repeated(times: Array, which: Array) -> Array:
    """Indices of the spikes that lie on an earlier one of the same unit."""
    order = np.lexsort((which, times))
    same = (np.diff(times[order]) == 0) & (np.diff(which[order]) == 0)
    return np.sort(order[1:][same])


@dataclass(frozen=True, eq=False)
class Population(owned.Owner):
    """Neurons of one model.

    Parameters
    ----------
    n : int
    neuron : LIF, AdEx or TwoCompartment
    name : str
    drive : float, (n,) array or Steps
        Current injected into the soma, pA (with ``g_leak=1.0``: mV).
    v_init : None, float or (n,) array
        Membrane potentials at the start, mV; None: the neurons' ``v_rest``. `start_potential` has one for each neuron.

    Raises
    ------
    TypeError, ValueError
        Naming the population and the argument.

    Examples
    --------
    >>> from synfwp.spiking import LIF
    >>> Population(10, LIF(), name="cells").n
    10
    """

    n: int
    neuron: Neuron
    name: str = "cells"
    drive: Any = 0.0
    v_init: Any = None

    def __post_init__(self) -> None:
        """A name, a count, a model, and numbers that fit."""
        check_name(self.name)
        owned.count(self, "n")
        if not isinstance(self.neuron, Neuron):
            raise TypeError(
                f"neuron of {self.name!r} is a {type(self.neuron).__name__}; pass LIF, AdEx or TwoCompartment."
            )
        object.__setattr__(self, "drive", as_steps(f"drive of {self.name!r}", self.drive, "pA", self.n))
        self.neuron.check_size(self.n, f"the neurons of {self.name!r}")
        if self.v_init is None:
            return
        label = f"v_init of {self.name!r}"
        start = np.asarray(units.to_float(self.v_init, "mV", label), float)
        if start.shape not in ((), (self.n,)) or not np.isfinite(start).all():
            raise ValueError(f"{label} has shape {start.shape}; pass a finite number, or {self.n} of them.")
        object.__setattr__(self, "v_init", owned.keep(start) if start.ndim else float(start))

    @property
    def start_potential(self) -> Array:
        """(n,) membrane potentials at the start, mV: ``v_init``, or rest."""
        return np.full(self.n, self.neuron.v_rest if self.v_init is None else self.v_init, float)


Source = PoissonSource | SpikeSource
Group = Population | Source


def steps_of(source: SpikeSource, dt: float) -> tuple[Array, Array]:
    """Steps and units of a source, ordered; a unit that fires twice in a step is refused."""
    steps = grid.steps(source.times, dt)
    order = np.lexsort((source.units, steps))
    steps, unit = steps[order], source.units[order]
    twice = np.flatnonzero((np.diff(steps) == 0) & (np.diff(unit) == 0))
    if twice.size:
        m = int(twice[0])
        raise ValueError(
            f"unit {unit[m]} of source {source.name!r} fires twice within the step of {dt:g} ms at "
            f"{steps[m] * dt:g} ms; lower dt, or leave one of the two spikes out."
        )
    return steps, unit
