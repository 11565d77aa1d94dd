"""Rules against published tables: a rule on every protocol of a table."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol, runtime_checkable

import xarray as xr
from numpy.typing import ArrayLike

from synfwp import results, units
from synfwp.checks import short
from synfwp.data import load_table
from synfwp.plasticity.protocols import from_table

__all__ = ["SpikeRule", "compare_with_table"]


@runtime_checkable
class SpikeRule(Protocol):
    """Anything that turns two spike trains into a weight change: the rules here, a row, or a user's own.

    The change is relative, unless the rule has an attribute ``amplitude`` that is ``"absolute"``, as a row has.

    Examples
    --------
    >>> class Count:
    ...     def dw(self, pre, post):
    ...         return 0.01 * len(pre) * len(post)
    >>> rule: SpikeRule = Count()
    >>> rule.dw([0.0], [10.0, 20.0])
    0.02
    """

    def dw(self, pre: ArrayLike, post: ArrayLike) -> float:
        """Total weight change after the spike trains ``pre`` and ``post`` (ms)."""
        ...


def compare_with_table(rule: SpikeRule, table: str, *, scale: Any = None, protocol: str | None = None) -> xr.Dataset:
    """A rule on every protocol of a published table, beside the data.

    The protocols are those of :func:`synfwp.plasticity.protocols.from_table`. Published parameters belong to the
    protocol that they were fitted on: E of the triplet rule on Sjostrom et al. (2001) is 0.34 for the 60 pairs in a row
    of Pfister & Gerstner (2006), and 6.2 for the bursts of the experiment. The error is
    ``E = mean((data - model)^2 / sigma^2)`` with the standard error of each point as sigma (Pfister & Gerstner
    2006); a table without standard errors takes sigma = 1, so that E is the mean squared residual.

    Parameters
    ----------
    rule : PairSTDP, TripletSTDP, a row or any object with a method ``dw(pre, post)``
    table : str
        One with protocols: see :func:`synfwp.plasticity.protocols.from_table`.
    scale : float or None
        Of a rule whose changes are absolute, such as a `SynapticRule`: the weight, in its unit, that its changes are
        divided by. None for a rule of relative changes.
    protocol : str or None
        Where a table has several: ``"pairs"`` (None) or ``"bursts"`` of ``"sjostrom2001_frequency_timing"``.

    Returns
    -------
    xarray.Dataset
        ``dw_data``, ``dw_model`` and, where published, ``dw_sem`` along ``point``, relative changes of weight; scalar
        ``error``; the coordinates of the table; attributes ``rule``, ``parameters`` (JSON, numbers that are not finite
        as text), ``scale`` and ``protocol`` where given, ``title``, ``citation``.

    Raises
    ------
    ValueError, TypeError
        If the table or its protocol is unknown, the rule has no ``dw``, its changes are absolute and ``scale`` is not a
        finite number above 0, or they are relative and a ``scale`` is given.

    Examples
    --------
    >>> from synfwp.plasticity import TripletSTDP
    >>> ds = compare_with_table(TripletSTDP("visual_cortex"), "sjostrom2001_frequency_timing")
    >>> ds.dw_model.values[:5].round(3).tolist(), round(float(ds.error), 3)
    ([0.0, 0.132, 0.247, 0.534, 0.741], 0.342)
    >>> rule, name = TripletSTDP("visual_cortex"), "sjostrom2001_frequency_timing"
    >>> round(float(compare_with_table(rule, name, protocol="bursts").error), 2)
    6.21
    """
    if not isinstance(rule, SpikeRule) or isinstance(rule, type):
        raise TypeError(
            f"rule is {short(rule)}; pass one with a method dw(pre, post), e.g. TripletSTDP('visual_cortex')."
        )
    size = _weight_of(rule, scale)
    model = [rule.dw(run.pre, run.post) / size for run in from_table(table, protocol)]
    ds = load_table(table)
    (measured,) = {"dw_mean", "dw_rel"} & set(ds.data_vars)
    ds = ds.rename({measured: "dw_data"})
    ds["dw_model"] = ("point", model, {"units": "1", "long_name": "relative change of synaptic weight, model"})
    sigma = ds.get("dw_sem", 1.0)
    ds["error"] = (((ds["dw_data"] - ds["dw_model"]) / sigma) ** 2).mean()
    ds["error"].attrs = {"units": "1", "long_name": "E, mean of (data - model)^2 / sigma^2"}
    parameters = dataclasses.asdict(rule) if dataclasses.is_dataclass(rule) else {"repr": repr(rule)}
    given = ({} if scale is None else {"scale": size}) | ({} if protocol is None else {"protocol": protocol})
    return ds.assign_attrs(rule=type(rule).__name__, parameters=results.as_json("parameters", parameters), **given)


def _weight_of(rule: SpikeRule, scale: Any) -> float:
    """What the changes of a rule are divided by to be relative ones: 1, or the weight that absolute ones need."""
    if getattr(rule, "amplitude", "relative") != "absolute":
        if scale is not None:
            raise ValueError(
                f"scale is {short(scale)} but the changes of {type(rule).__name__} are relative; leave it out."
            )
        return 1.0
    if scale is None:
        raise ValueError(
            f"rule is a {type(rule).__name__}, whose changes are in the unit of the weight, but a table holds relative "
            "ones; pass scale=, the weight that they are divided by."
        )
    return units.number(scale, "1", "scale", 0, above=True)
