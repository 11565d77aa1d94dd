"""Parameters of which each may be one number, or one for each neuron of a population."""

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np

from synfwp import checks, shown, units
from synfwp.units import Parameters

Array = np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class PerNeuron(shown.OneLine, Parameters):
    """Parameters of which each may be one number, or an array of one number for each neuron of a population.

    ``_signed`` names those that may be of either sign, beside potentials.
    """

    _signed: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Numbers in the unit of their field, each within its range; arrays are copies that nothing changes."""
        for entry in fields(self):
            unit, value = self._units.get(entry.name), getattr(self, entry.name)
            if unit is None or value is None:
                continue
            value = units.to_float(value, unit, entry.name)
            if np.ndim(value) > 1 or np.size(value) == 0:
                raise ValueError(
                    f"{entry.name} has shape {np.shape(value)}; pass a number, or one for each neuron of a population."
                )
            free = entry.name in self._signed or (unit == "mV" and entry.name not in ("noise", "delta"))
            low, above = (-np.inf, False) if free else (0.0, entry.name not in self._zero_allowed)
            for m, one in enumerate(np.ravel(value)):
                where = entry.name if np.ndim(value) == 0 else f"{entry.name}[{m}]"
                checks.number(f"{where} ({unit})", float(one), low, above=above)
            if isinstance(value, Array):
                value = value.copy()
                value.flags.writeable = False
            object.__setattr__(self, entry.name, value)

    @property
    def arrays(self) -> dict[str, Array]:
        """What has one value for each neuron, by name; that of receptors as ``"receptor.parameter"``."""
        found = {name: value for name, value in self._fields.items() if isinstance(value, Array)}
        for one in getattr(self, "receptors", ()):
            found |= {f"{one.name}.{name}": value for name, value in one.arrays.items()}
        return found

    def check_size(self, n: int | None, label: str) -> None:
        """Every array has a value for each of n neurons (None: as many as the others have).

        Raises
        ------
        ValueError
            Naming the parameter.
        """
        for name, value in self.arrays.items():
            n = len(value) if n is None else n
            if len(value) != n:
                raise ValueError(f"{name} of {label} has {len(value)} values; pass a number, or {n} of them.")

    def at(self, i: int) -> Self:
        """The parameters of neuron i alone, all of them numbers.

        Parameters
        ----------
        i : int

        Returns
        -------
        The same class

        Examples
        --------
        >>> from synfwp.spiking import LIF
        >>> LIF(tau_m=[10.0, 20.0]).at(1).tau_m
        20.0
        """
        own: dict[str, Any] = {
            name: float(value[i]) for name, value in self._fields.items() if isinstance(value, Array)
        }
        receptors = getattr(self, "receptors", ())
        if any(one.arrays for one in receptors):
            own["receptors"] = tuple(one.at(i) for one in receptors)
        return replace(self, **own) if own else self

    @property
    def _fields(self) -> dict[str, Any]:
        """Values of the fields by name."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}

    def _key(self) -> tuple[Any, ...]:
        """What two equal sets of parameters have in common, arrays as tuples."""
        return tuple(tuple(x.tolist()) if isinstance(x, Array) else x for x in self._fields.values())

    def __eq__(self, other: object) -> bool:
        """The same class and values."""
        return self._key() == other._key() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        """Of the values."""
        return hash((type(self).__name__, self._key()))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrays cannot be changed in a copy either."""
        for value in state.values():
            if isinstance(value, Array):
                value.flags.writeable = False
        self.__dict__.update(state)
