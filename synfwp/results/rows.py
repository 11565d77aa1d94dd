"""Rows: what a program obtains beside what is expected, with the kind of that, its source, n and the spread.

Examples
--------
>>> row = Row("accuracy of delta", [0.9, 1.0, 0.95], expected=0.93, kind="published", source="schlag2021, table 1")
>>> table = comparison([row])
>>> float(table.obtained[0].round(3)), int(table.n[0]), float(table.sd[0].round(3))
(0.95, 3, 0.05)
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks, shown
from synfwp.results.attributes import FORMAT
from synfwp.results.schema import dataset

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "": "nothing to be compared with",
        "published": "printed in a paper, or in its authors' logs",
        "recomputed": "from the authors' data, parameters or code",
        "exact": "an identity, which holds to rounding",
        "theory": "a closed form, or a bound",
        "chance": "what guessing reaches",
        "ceiling": "what the best answer without the ability in question reaches",
        "other engine": "the same by another engine or program",
        "control": "the same without what is claimed to matter",
    }
)
CLAIMS: Mapping[str, str] = MappingProxyType({"equal": "=", "above": ">", "below": "<"})
COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "expected": "what is expected",
        "obtained": "mean of what was obtained",
        "difference": "obtained minus expected",
        "n": "number of independent values",
        "sd": "standard deviation of what was obtained",
        "error": "standard error of the difference",
        "band": "size of a difference that counts as none",
        "kind": "what the expected value is",
        "source": "where the expected value stands",
        "claim": "what is claimed of the difference",
        "why": "why it differs",
    }
)
NUMBERS = ("expected", "obtained", "difference", "sd", "error", "band")
TEXTS = ("kind", "source", "claim", "why")


@dataclass(frozen=True)
class Row(shown.OneLine):
    """One line of a program's table.

    Parameters
    ----------
    quantity : str
        What it is, with its condition; no two rows of a program have the same.
    obtained : float or array (n,)
        One number, or one for each of n independent seeds: their mean, SD and number are kept.
    expected : float or array (n,)
        What it is compared with; one number for each seed makes the comparison a paired one. NaN: nothing.
    kind : str
        What ``expected`` is, one of `KINDS`; "" if and only if there is nothing.
    source : str
        Key of the bibliography and the place: ``"schlag2021, fig. 2"``. A published row has one.
    claim : str
        "equal", or that what is obtained lies "above" or "below" (a ceiling that it is claimed to pass).
    error : float
        Standard error of ``expected``, 0 where none is known.
    band : float
        Size of a difference that counts as none: the rounding of a printed figure, the error of an approximate formula.
    why : str
        Why it differs, as far as that is known.

    Raises
    ------
    TypeError, ValueError
        For what is no such row.

    Examples
    --------
    >>> Row("recall", 0.5, kind="ceilings", expected=0.4, source="ba2016")
    Traceback (most recent call last):
    ...
    ValueError: unknown kind of the row 'recall' 'ceilings'; did you mean 'ceiling'?
    """

    quantity: str
    obtained: Any
    expected: Any = np.nan
    kind: str = ""
    source: str = ""
    claim: str = "equal"
    error: float = 0.0
    band: float = 0.0
    why: str = ""
    values: np.ndarray = field(init=False, repr=False, compare=False)
    targets: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the row, and take its numbers apart."""
        name = f"of the row {self.quantity!r}"
        if not isinstance(self.quantity, str) or not self.quantity.strip():
            raise TypeError(f"quantity of a row is {self.quantity!r}; pass text.")
        checks.one_of(f"kind {name}", self.kind, KINDS)
        checks.one_of(f"claim {name}", self.claim, CLAIMS)
        for one in ("error", "band"):
            checks.number(f"{one} {name}", getattr(self, one), 0.0)
        values, targets = (np.asarray(x, float) for x in (self.obtained, self.expected))
        if values.ndim > 1 or values.size == 0:
            raise ValueError(f"obtained {name} has shape {values.shape}; pass a number, or one for each seed.")
        if targets.ndim and targets.shape != values.shape:
            raise ValueError(
                f"expected {name} has shape {targets.shape}, obtained {values.shape}; pass a number, or one for each "
                "of the same seeds."
            )
        if bool(self.kind) != bool(np.isfinite(targets).any()):
            raise ValueError(f"kind {name} is {self.kind!r} and expected {self.expected!r}; pass both or neither.")
        if self.kind == "published" and not self.source:
            raise ValueError(f"source {name} is missing; pass the key of the paper and the place in it.")
        object.__setattr__(self, "values", np.atleast_1d(values))
        object.__setattr__(self, "targets", np.broadcast_to(targets, self.values.shape))

    @property
    def columns(self) -> dict[str, Any]:
        """Its entries by column."""
        n, differences = self.values.size, self.values - self.targets
        drawn = [float(np.std(x, ddof=1)) if n > 1 else np.nan for x in (self.values, differences)]
        return {
            "expected": float(np.mean(self.targets)),
            "obtained": float(np.mean(self.values)),
            "difference": float(np.mean(differences)),
            "n": n,
            "sd": drawn[0],
            "error": float(np.hypot(drawn[1] / n**0.5, self.error)) if n > 1 else (self.error or np.nan),
            "band": float(self.band),
            **{name: getattr(self, name) for name in TEXTS},
        }


def comparison(rows: Sequence[Row]) -> xr.Dataset:
    """The table of a program.

    Parameters
    ----------
    rows : sequence of Row

    Returns
    -------
    xarray.Dataset
        Along ``quantity``: expected, obtained, difference, n, sd (of what was obtained), error (standard error of the
        difference), band, kind, source, claim, why.

    Raises
    ------
    TypeError, ValueError
        If there is no row, if one is no `Row`, or if two have the same quantity.

    Examples
    --------
    >>> comparison([Row("accuracy of hebb", 0.75, 0.5, kind="chance")]).difference.values.tolist()
    [0.25]
    """
    if not rows or not all(isinstance(row, Row) for row in rows):
        raise TypeError("a table has no rows, or one that is no results.Row; pass a list of them.")
    names = [row.quantity for row in rows]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"two rows of a table are named {twice!r}; tell them apart.")
    table = [row.columns for row in rows]
    columns = {}
    for name, text in COLUMNS.items():
        units = {"units": "1"} if name not in TEXTS else {}
        columns[name] = ("quantity", np.array([one[name] for one in table]), {"long_name": text, **units})
    return dataset(columns, coords={"quantity": np.array(names)})


def compared(ds: xr.Dataset, table: Callable[[xr.Dataset], Sequence[Row]]) -> xr.Dataset:
    """A finished run beside what it is compared with; a table that misses an entry does not lose the run.

    Parameters
    ----------
    ds : xarray.Dataset
        The run.
    table : callable
        Makes the rows of a run.

    Returns
    -------
    xarray.Dataset
        The run with its table; where that fails for a missing entry, a RuntimeWarning, and the run with the reason in
        its attribute ``not_compared``.

    Examples
    --------
    >>> run = xr.Dataset({"rate": ("dt", [20.0])}, {"dt": [0.1]})
    >>> compared(run, lambda ds: [Row("rate", ds.rate.sel(dt=0.1))]).obtained.values.tolist()
    [20.0]
    """
    try:
        found = comparison(table(ds))
    except (LookupError, ValueError, ZeroDivisionError, StopIteration) as error:
        reason = f"{type(error).__name__}: {error}"
        checks.warn(
            f"the run is complete, but not its table, which needs an entry that these settings do not have ({reason}); "
            "set the usual entries beside the others to have it."
        )
        return ds.assign_attrs(not_compared=reason)
    return ds.merge(found)


def has_table(ds: xr.Dataset) -> bool:
    """Whether a result has the table of `comparison`.

    Examples
    --------
    >>> has_table(comparison([Row("rate", 20.0)])), has_table(xr.Dataset())
    (True, False)
    """
    return {"quantity", "n", *NUMBERS, *TEXTS} <= set(ds.variables)


def as_records(ds: xr.Dataset) -> list[dict[str, Any]]:
    """The table of a result as plain records, one for each row; numbers that are not finite are None.

    Parameters
    ----------
    ds : xarray.Dataset
        With the variables of `comparison`.

    Examples
    --------
    >>> record = as_records(comparison([Row("rate", [20.0, 22.0])]))[0]
    >>> record["quantity"], record["obtained"], record["n"], record["expected"]
    ('rate', 21.0, 2, None)
    """
    found = []
    for i, quantity in enumerate(ds["quantity"].values.tolist()):
        numbers = {name: float(ds[name].values[i]) for name in NUMBERS}
        plain = {name: x if np.isfinite(x) else None for name, x in numbers.items()}
        found.append({"quantity": quantity, "n": int(ds["n"].values[i]), **plain} | _texts(ds, i))
    return found


def _texts(ds: xr.Dataset, i: int) -> dict[str, str]:
    return {name: str(ds[name].values[i]) for name in TEXTS}


def as_page(ds: xr.Dataset, **provenance: Any) -> str:
    """The table of a result with where it comes from, as the JSON text that is committed and that a page is made of.

    Parameters
    ----------
    ds : xarray.Dataset
        With the variables of `comparison`.
    **provenance
        What stands before the rows.

    Examples
    --------
    >>> print(as_page(comparison([Row("rate", 20.0)]), program="song2000")[:26])
    {
     "program": "song2000",
    """
    page = {**provenance, "synfwp_format": FORMAT, "rows": as_records(ds)}
    return json.dumps(page, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
