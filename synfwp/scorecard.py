"""The scorecard: every committed row of every program on one page, with a verdict.

`synfwp run` writes the rows of a program with their provenance as ``results/NAME.json``. The page is made of such files
and of nothing else, so it changes only with them.

A verdict rests on the difference, its standard error and the band of a row:

- *reproduced*: the difference lies within the band; or it is not told from none by a t-test at 0.05, by Holm's method
  over all rows of the page, and it is at most a tenth of what is expected, or not told by the row's own test either.
  Of a claim "above" or "below": the difference has that sign, exceeds the band, and is told from none at 0.01 by the
  row's own test (with one value and no error: exceeds the band).
- *differs*: told from none, or one value without an error, and at most a tenth of what is expected; or larger, and told
  from none by the row's own test alone.
- *undecided*: a claim of direction whose sign its own test does not tell from none.
- *not run*: nothing was obtained, and the reason of the row begins with these words. A goal that a net missed leaves
  nothing either; that is not reproduced.
- *not reproduced*: all else.
"""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from synfwp.results import CLAIMS, KINDS, check_format

LEVEL = 0.05  # of the tests of a whole page
NEAR = 0.1  # of what is expected: a smaller difference "differs", a larger one is "not reproduced"
SIGN = 0.01  # of the test of a claim, of its own: its sign is told from none
VERDICTS = ("reproduced", "differs", "not reproduced", "not run", "undecided")
COLUMNS = (
    "program", "quantity", "kind", "source", "expected", "claim", "obtained", "sd", "n", "difference", "error", "band",
    "z", "p", "verdict", "why", "seconds", "command", "version",
)  # fmt: skip


class Line(NamedTuple):
    """One row of the page: the row of a program, the difference in standard errors, its p by Holm, and the verdict."""

    program: str
    row: Mapping[str, Any]
    z: float
    p: float
    verdict: str
    provenance: Mapping[str, Any]


def lines(folder: Any) -> list[Line]:
    """All rows that are compared with something, from the files of a folder.

    Parameters
    ----------
    folder : path
        Holds NAME.json as ``synfwp run`` writes them.

    Returns
    -------
    list of Line
        By program, in the order of its table.

    Raises
    ------
    OSError
        If the folder has no such file.
    ValueError
        If a file is no table of a program.

    References
    ----------
    S. Holm (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6:65-70.

    Examples
    --------
    >>> lines("no_such_folder")
    Traceback (most recent call last):
    ...
    FileNotFoundError: no_such_folder holds no NAME.json of a program; ...
    """
    paths = sorted(Path(folder).glob("*.json"))
    if not paths:
        raise FileNotFoundError(
            f"{folder} holds no NAME.json of a program; pass a folder of results, or write some with `synfwp run NAME`."
        )
    pages = [_page(path) for path in paths]
    rows = [(page, row) for page in pages for row in page["rows"] if row["kind"]]
    found = [_tested(row) for _, row in rows]
    adjusted = holm([p for _, p in found])
    return [
        Line(page["program"], row, z, p, verdict(row, p, own), page)
        for (page, row), (z, own), p in zip(rows, found, adjusted, strict=True)
    ]


def _page(path: Path) -> dict[str, Any]:
    try:
        page = json.loads(path.read_text("utf-8"))
        if "synfwp_format" in page:  # pages had none at first, and are the same otherwise
            check_format(page["synfwp_format"], path)
        needed = {"program", "command", "seconds", "synfwp_version", "rows"} - set(page)
        if needed:
            raise ValueError(f"it lacks {', '.join(sorted(needed))}")
        for row in page["rows"]:
            _ = row["quantity"], KINDS[row["kind"]], CLAIMS[row["claim"]], int(row["n"]), row["difference"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is no table of a program ({error}); write it again with `synfwp run`.") from None
    return dict(page)


def holm(p: Sequence[float]) -> list[float]:
    """Probabilities adjusted for the number of tests, by Holm's step-down method; NaN is no test.

    Parameters
    ----------
    p : sequence of float

    Returns
    -------
    list of float

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6:65.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03, float("nan")])
    [0.03, 0.06, 0.06, nan]
    """
    values = np.asarray(p, float)
    order = np.argsort(values)[: int(np.sum(~np.isnan(values)))]
    found = np.full(values.shape, np.nan)
    steps = values[order] * (len(order) - np.arange(len(order)))
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return [float(x) for x in found]


def _tested(row: Mapping[str, Any]) -> tuple[float, float]:
    """The difference in standard errors, and how probable one of this size (of this sign, for a claim) is."""
    error, difference = row["error"], row["difference"]
    if not error or difference is None:
        return math.nan, math.nan
    from scipy.stats import t

    z, n = difference / error, row["n"]
    freedom = n - 1 if n > 1 else np.inf
    if row["claim"] == "equal":
        return z, float(2 * t.sf(abs(z), freedom))
    return z, float(t.sf(z if row["claim"] == "above" else -z, freedom))


def verdict(row: Mapping[str, Any], p: float, own: float = math.nan) -> str:
    """One of `VERDICTS`, from a row and its probability, adjusted for the whole page and by itself.

    Parameters
    ----------
    row : mapping
        As `synfwp.results.as_records` has it.
    p, own : float
        NaN where no standard error is known.

    Examples
    --------
    >>> row = {"difference": 0.002, "expected": 0.9, "band": 0.005, "claim": "equal"}
    >>> verdict(row, 0.001), verdict(row | {"difference": 0.02}, 0.001), verdict(row | {"difference": 0.2}, math.nan)
    ('reproduced', 'differs', 'not reproduced')
    >>> verdict(row | {"difference": 0.2}, 0.3, own=0.01), verdict(row | {"difference": 0.2}, 0.9, own=0.2)
    ('differs', 'reproduced')
    >>> verdict(row | {"difference": None, "why": "not run: larger nets"}, math.nan)
    'not run'
    >>> claim = row | {"difference": 0.2, "claim": "above"}
    >>> verdict(claim, 0.1, own=0.001), verdict(claim, 0.9, own=0.04)
    ('reproduced', 'undecided')
    """
    difference, band = row["difference"], row["band"] or 0.0
    if difference is None:
        return VERDICTS[3] if str(row.get("why", "")).startswith(VERDICTS[3]) else VERDICTS[2]
    if row["claim"] != "equal":
        right = difference > band if row["claim"] == "above" else difference < -band
        if math.isnan(own) or own < SIGN or own > 1 - SIGN:
            return VERDICTS[0] if right else VERDICTS[2]
        return VERDICTS[4]
    near = abs(difference) <= NEAR * abs(row["expected"])
    if abs(difference) <= band or (p >= LEVEL and (near or own >= LEVEL)):
        return VERDICTS[0]
    return VERDICTS[1] if near or p >= LEVEL else VERDICTS[2]


def summary(found: Sequence[Line]) -> str:
    """How many rows of the page end in which verdict, in one line.

    Examples
    --------
    >>> summary([])
    '0 rows of 0 programs: 0 reproduced, 0 differ, 0 not reproduced, 0 not run, 0 undecided'
    """
    count = Counter(line.verdict for line in found)
    programs = len({line.program for line in found})
    return (
        f"{len(found)} rows of {programs} programs: {count[VERDICTS[0]]} reproduced, {count[VERDICTS[1]]} differ, "
        f"{count[VERDICTS[2]]} not reproduced, {count[VERDICTS[3]]} not run, {count[VERDICTS[4]]} undecided"
    )


def as_csv(found: Iterable[Line]) -> str:
    """The page as CSV, one line for each row, with all that is known of it.

    Examples
    --------
    >>> as_csv([]).split(",")[:3]
    ['program', 'quantity', 'kind']
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for line in found:
        page = line.provenance
        own = {name: line.row[name] for name in COLUMNS if name in line.row}
        own |= {"program": line.program, "verdict": line.verdict, "command": page["command"]}
        own |= {"seconds": page["seconds"], "version": page["package"]}
        numbers = {"z": line.z, "p": line.p}
        own |= {name: "" if math.isnan(x) else f"{x:.4g}" for name, x in numbers.items()}
        writer.writerow({name: f"{x:.6g}" if isinstance(x, float) else x for name, x in own.items()})
    return text.getvalue()


def as_markdown(found: Sequence[Line]) -> str:
    """The page as Markdown: a summary, what did not come out, and a table for each program.

    Examples
    --------
    >>> print(as_markdown([]).splitlines()[0])
    # Scorecard
    """
    parts = [
        "# Scorecard",
        f"{summary(found)}. Written by `synfwp scorecard` from the files of `docs/results/`; all columns are in "
        "[`scorecard.csv`](scorecard.csv).",
        _words(),
        "## What did not come out",
        misses(found),
    ]
    for program in dict.fromkeys(line.program for line in found):
        own = [line for line in found if line.program == program]
        page = own[0].provenance
        parts += [
            f"## {program}",
            f"`{page['command']}`: {_duration(page['seconds'])} of one core, synfwp {page['package']}.",
            _table(own),
        ]
    return "\n\n".join(parts) + "\n"


def misses(found: Sequence[Line]) -> str:
    """The rows that did not come out, as a table of Markdown.

    Examples
    --------
    >>> misses([])
    'Nothing.'
    """
    return _table([line for line in found if line.verdict != VERDICTS[0]], programs=True)


def _words() -> str:
    """What the columns mean."""
    kinds = "; ".join(f"*{kind}*: {text}" for kind, text in KINDS.items() if kind)
    return (
        f"What a number is compared with has a kind. {kinds}. n counts independent seeds, ± is their SD. "
        "SE: the difference in standard errors (t-test; paired where both sides have the same seeds).\n\n*Reproduced*: "
        "within the band of the row (rounding of a printed figure, an approximate formula), or not told from no "
        f"difference at {LEVEL} by Holm's method over the page (where it is more than a tenth of what is expected: by "
        f"the row's own test either); a claim (> or <) needs its sign, told from none at {SIGN} by its own test. "
        "*Undecided*: a claim whose sign is not told from none. *Differs*: told from none "
        "and at most a tenth of what is expected, or more and told by the row's own test alone. *Not run*: nothing was "
        "obtained, for the reason of the row. *Not reproduced*: all else. One value without an error is judged by its "
        "band and by that tenth."
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _table(found: Sequence[Line], programs: bool = False) -> str:
    """Rows as a table of Markdown; with ``programs`` each names its own."""
    if not found:
        return "Nothing."
    head = ["number", "kind", "source", "expected", "obtained", "n", "SE", "verdict", "why"]
    rows = []
    for line in found:
        row = line.row
        claim = "" if row["claim"] == "equal" else CLAIMS[row["claim"]] + " "
        spread = "" if row["sd"] is None else f" ± {row['sd']:.2g}"
        z = "" if math.isnan(line.z) else f"{line.z:+.1f}"
        obtained = "-" if row["obtained"] is None else f"{row['obtained']:.4g}{spread}"
        name = f"{line.program}: {row['quantity']}" if programs else row["quantity"]
        why = row["why"] or ("unexplained" if line.verdict != VERDICTS[0] else "")
        cells = [name, row["kind"], row["source"], f"{claim}{row['expected']:.4g}", obtained, str(row["n"]), z]
        rows.append([cell.replace("|", "\\|") for cell in [*cells, line.verdict, why]])
    table = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)
