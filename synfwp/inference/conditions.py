"""Conditions of a table: which parameters of a rule all points share, and which each condition has for itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from synfwp import checks
from synfwp.inference.engine import Parameter
from synfwp.inference.spike_rules import Family
from synfwp.plasticity.protocols import Protocol


class Conditions(NamedTuple):
    """Which condition each point belongs to, and what differs between conditions.

    Parameters
    ----------
    labels : (points,) array of str or None
        None: the table has no conditions.
    per : tuple of str
        Parameters that each condition has for itself.
    """

    labels: np.ndarray | None = None
    per: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Labels, each once."""
        return [] if self.labels is None else list(dict.fromkeys(self.labels.tolist()))

    def values_of(self, label: str, values: Mapping[str, float]) -> dict[str, float]:
        """The values of one condition, by the names of the rule."""
        return dict(values) | {name: values[own(name, label)] for name in self.per}

    def expand(self, parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
        """The free parameters, with one for each condition of those in ``per``."""
        found: list[Parameter] = []
        for p in parameters:
            if p.name in self.per:
                found += [replace(p, name=own(p.name, label)) for label in self.names]
            else:
                found.append(p)
        return tuple(found)


def own(name: str, label: str) -> str:
    """The name of a parameter of one condition."""
    return f"{name}[{label}]"


def conditions(data: xr.Dataset, condition: Any, per: Any, free: Sequence[Parameter]) -> Conditions:
    """Labels of the points, and what differs.

    Parameters
    ----------
    data : Dataset
    condition : str, (points,) array_like or None
        A variable of the table, or one label per point.
    per : sequence of str or None
    free : sequence of Parameter

    Returns
    -------
    Conditions

    Raises
    ------
    ValueError, TypeError
        For an unknown name, another number of labels, or a parameter that is not free.
    """
    if isinstance(per, str):
        raise TypeError(f"per is {per!r}; pass a list of names, [{per!r}].")
    names = tuple(dict.fromkeys(per or ()))
    if condition is None:
        if names:
            raise ValueError(
                f"per is {list(names)} but condition is None; pass condition=, which names the conditions."
            )
        return Conditions()
    if isinstance(condition, str):
        checks.lookup("variable of the table in condition", condition, {str(name): True for name in data.variables})
        condition = data[condition].values
    labels = np.asarray(condition).astype(str)
    if labels.shape != (data.sizes["point"],):
        raise ValueError(
            f"condition has shape {labels.shape}; pass one label for each of {data.sizes['point']} points."
        )
    known = {p.name: True for p in free}
    for name in names:
        checks.lookup("free parameter in per", name, known)
    return Conditions(labels, names)


def linear(of: Family, found: Conditions) -> tuple[str, ...]:
    """Names of all amplitudes.

    Parameters
    ----------
    of : Family
    found : Conditions

    Returns
    -------
    tuple of str
    """
    made: list[str] = []
    for name in of.kind.amplitudes:
        made += [own(name, label) for label in found.names] if name in found.per else [name]
    return tuple(made)


def columns(of: Family, runs: Sequence[Protocol], found: Conditions, labels: Any) -> Callable[..., np.ndarray]:
    """From values to what one of each amplitude changes, (runs, amplitudes of all conditions).

    Parameters
    ----------
    of : Family
    runs : sequence of Protocol
    found : Conditions
        Of the fit.
    labels : (runs,) array or None
        The condition of each run.

    Returns
    -------
    callable
    """
    if not found.per:
        return of.columns(runs)
    names, amplitudes = linear(of, found), list(of.kind.amplitudes)
    parts = []
    for label in dict.fromkeys(labels.tolist()):
        where = np.flatnonzero(labels == label)
        place = [names.index(own(name, label) if name in found.per else name) for name in amplitudes]
        parts.append((label, np.ix_(where, np.array(place)), of.columns([runs[i] for i in where])))
    times = [name for name in found.per if name not in amplitudes]

    def made(values: Mapping[str, float]) -> np.ndarray:
        out = np.zeros((len(runs), len(names)))
        for label, place, part in parts:
            out[place] = part({**values, **{name: values[own(name, label)] for name in times}})
        return out

    return made
