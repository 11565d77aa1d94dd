"""The tables of the README against the committed output of the full runs."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def check(title: str, program: str) -> int:
    """The number of rows under a heading of the README; each has to be what a program printed, to the digits shown."""
    printed = {}
    for line in (ROOT / "docs" / "results" / f"{program}.txt").read_text("utf-8").splitlines():
        match = re.match(r"(\S.*?)\s{2,}(\S+)\s{2,}(\S+)\s{2,}(\S+)$", line)
        if match:
            printed[match[1]] = match[2], match[3]
    readme = (ROOT / "README.md").read_text("utf-8")
    section = re.split(r"\n#+ ", readme[readme.index(f"## {title}\n") :])[0]
    rows = re.findall(r"^\| (?!what|-)([^|]+?) \| ([^|]+?) \| ([^|]+?) \|$", section, re.M)
    for label, *shown in rows:
        for cell, number in zip(shown, printed[label], strict=True):
            if "-" in (cell, number):
                assert cell == number, label
                continue
            percent = cell.endswith("%")
            digit = 10.0 ** int(Decimal(cell.rstrip(" %")).as_tuple().exponent)  # of the last one shown
            assert float(cell.rstrip(" %")) == pytest.approx(
                float(number) * (100 if percent else 1),
                abs=min(0.51 * digit, 0.051 if percent else 5e-4),  # half of it, and rounding of both
            ), label
    return len(rows)
