"""The table of closed forms: how far each is to be trusted, when it holds, and where it stands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks, shown

F = TypeVar("F", bound=Callable[..., Any])

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "exact": "an expectation or an identity without approximation, under its condition",
        "asymptotic": "exact in a limit; short of it, off by at most the band, under its condition",
        "approximate": "off by at most the band, under its condition",
    }
)

DERIVED = "derived here"  # of a formula without a paper: its docstring has the steps


@dataclass(frozen=True)
class Formula(shown.OneLine):
    """One closed form: its function, how far it is to be trusted, when it holds, and where it stands.

    Parameters
    ----------
    function : callable
    kind : str
        "exact", "asymptotic" or "approximate".
    condition : str
        What is assumed.
    source : str
        Keys of the bibliography, each with its equation where it has a number; `DERIVED` where there is none.
    band : float
        The largest difference from what is exact that counts as none; 0 for exact ones.
    relative : bool
        Whether the band is a share of the value.

    Raises
    ------
    ValueError, TypeError
        For another kind, or a band that does not fit it.

    Examples
    --------
    >>> from synfwp import theory
    >>> theory.FORMULAS["hebb_cosine"].kind, float(theory.FORMULAS["hebb_cosine"].allowed(0.5))
    ('asymptotic', 0.01)
    """

    function: Callable[..., Any]
    kind: str
    condition: str
    source: str
    band: float = 0.0
    relative: bool = False

    def __post_init__(self) -> None:
        checks.one_of("kind", self.kind, KINDS)
        checks.number("band", self.band, 0)
        if (self.kind == "exact") != (self.band == 0):
            raise ValueError(f"band is {self.band} of a formula that is {self.kind}; exact ones alone have band 0.")

    @property
    def name(self) -> str:
        """That of the function."""
        return self.function.__name__

    def allowed(self, value: ArrayLike) -> np.ndarray:
        """The band at a value of the formula, absolute: what `synfwp.results.Row` takes as ``band``.

        Parameters
        ----------
        value : float or array

        Returns
        -------
        array
        """
        size = np.abs(value)
        return np.asarray(self.band * (size if self.relative else np.ones_like(size, float)))


_table: dict[str, Formula] = {}
FORMULAS: Mapping[str, Formula] = MappingProxyType(_table)


def formula(*, kind: str, condition: str, source: str, band: float = 0.0, relative: bool = False) -> Callable[[F], F]:
    """Enter the function below into `FORMULAS`; its docstring gets the source as its section References."""

    def enter(function: F) -> F:
        row = Formula(function, kind, condition, source, band, relative)
        _table[row.name] = row
        text, heading, examples = inspect.cleandoc(function.__doc__ or "").partition("Examples\n--------\n")
        if "\nReferences\n" not in text:
            known = "Derived here." if source == DERIVED else f"{source} (`synfwp.citation` takes the key)."
            text = f"{text}References\n----------\n{known}\n\n"
        function.__doc__ = f"{text}{heading}{examples}"
        return function

    return enter


def plain(found: Any) -> Any:
    """A float of an array without axes, and any other array as it is."""
    return float(found) if np.ndim(found) == 0 else found
