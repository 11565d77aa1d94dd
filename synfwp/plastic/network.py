"""A plastic network of rates that runs without training: inputs and weights in, labelled activity out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synfwp import checks, results
from synfwp.plastic import calls
from synfwp.plastic.layer import PlasticLayer

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, kw_only=True)
class PlasticRateNetwork(PlasticLayer):
    """A `PlasticLayer` to simulate: `PlasticNetwork.weights` of a trained network, or any numbers, run through it.

    Fields and source as `PlasticLayer`.

    Examples
    --------
    >>> import numpy as np
    >>> network = PlasticRateNetwork(phi="identity", recurrent=False)
    >>> ds = network.simulate({"W": np.eye(1), "lam": 0.5, "eta": -1.0}, np.ones((3, 1)))
    >>> ds.h.values.ravel().tolist(), ds.A.item()
    ([1.0, 0.0, 0.5], -0.75)
    """

    def simulate(
        self,
        weights: Mapping[str, Any],
        x: Any,
        *,
        modulation: Any = None,
        A0: Any = None,
        aux0: Any = None,
        states: int = 0,
    ) -> "xr.Dataset":
        """Run inputs through the network from rest.

        Parameters
        ----------
        weights : mapping
            ``W (unit, pre)``, ``lam`` and ``eta``; where there are such ``W_in (unit, d_in)`` or one number, ``b
            (unit,)`` and ``alpha``, one number or (unit, pre).
        x : (T, d_in) or (trial, T, d_in) array
        modulation : None or (T,) or (trial, T) array
            Multiplies eta.
        A0 : None or array that broadcasts to (trial, unit, pre)
            Plastic weights at the start; None means 0.
        aux0 : None or array that broadcasts to (trial, unit + pre + 1)
            For the covariance rule: means of the postsynaptic and of the presynaptic rates at the start, and the number
            of steps behind them, inf to hold the means; None means 0.
        states : int
            Keep A after every so many steps; 0 keeps none.

        Returns
        -------
        xarray.Dataset
            ``h`` (trial, step, unit), ``A`` (trial, unit, pre) after the last step and, with ``states``, ``A_states``
            (trial, state_step, unit, pre). No trial without one in x.

        Raises
        ------
        TypeError, ValueError
            For a wrong shape, mixed float types, NaN or inf, or a weight that is missing.
        """
        missing = {"W", "lam", "eta"} - set(weights)
        if missing:
            raise ValueError(f"weights has no {', '.join(sorted(missing))}; it needs W, lam and eta.")
        weights = {name: checks.plain(name, value) if np.ndim(value) else value for name, value in weights.items()}
        every, x = checks.count("states", states, 0), checks.plain("x", x)
        for name, value in (("modulation", modulation), ("A0", A0)):
            checks.bare(name, value)
        if x.ndim not in (2, 3):
            raise ValueError(f"x has shape {x.shape}; pass (step, d_in) or (trial, step, d_in).")
        call = calls.check(self, *self.arguments(weights, x, modulation), None, A0, aux0)
        T = call.drive.shape[1]
        if not T:
            raise ValueError(f"x has shape {x.shape}, which holds no step; pass at least one.")
        runs = [calls.run(_part(call, 0, every or T))]
        for start in range(every or T, T, every or T):
            last = runs[-1]
            part = _part(call, start, start + every)
            runs.append(calls.run(part._replace(h0=np.ascontiguousarray(last.h[:, -1]), A0=last.A, aux0=last.aux)))
        variables: dict[str, Any] = {
            "h": (("trial", "step", "unit"), np.concatenate([out.h for out in runs], axis=1), _text("activity")),
            "A": (("trial", "unit", "pre"), runs[-1].A, _text("plastic weights after the last step")),
        }
        coords: dict[str, Any] = {"step": ("step", np.arange(T), _text("step"))}
        if every:
            kept = np.array([out.A for out in runs if out.h.shape[1] == every]).reshape(-1, *call.A0.shape)
            dims = ("trial", "state_step", "unit", "pre")
            variables["A_states"] = (dims, kept.swapaxes(0, 1), _text("plastic weights"))
            after = every * np.arange(1, len(kept) + 1)
            coords["state_step"] = ("state_step", after, _text("steps before A was kept"))
        ds = results.dataset(variables, coords, **results.provenance({"network": self}, seed=0))
        return ds if x.ndim == 3 else ds.squeeze("trial", drop=True)


def _part(call: calls.Call, start: int, stop: int) -> calls.Call:
    """The steps from ``start`` to ``stop`` of a run."""
    part: dict[str, Any] = {}
    for name in ("drive", "x", "lam", "eta"):
        whole = getattr(call, name)
        part[name] = None if whole is None else np.ascontiguousarray(whole[:, start:stop])
    return call._replace(**part)


def _text(long_name: str) -> dict[str, str]:
    """Attributes of a number without units."""
    return {"long_name": long_name, "units": "1"}
