"""The tables of the README are those of the committed full runs.

``python tests/readme_numbers.py`` writes the numbers of every table of the README anew; which rows it has is decided
there. A program is that whose ``docs/results/NAME.txt`` the section names.
"""

import json
import re
from pathlib import Path
from typing import Any

from synfwp import scorecard

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
HEAD = "| what | kind | expected | obtained |\n|---|---|---|---|\n"
CLAIM = {"equal": "", "above": "> ", "below": "< "}


def cells(row: dict[str, Any]) -> str:
    """One row of a program's table as a line of Markdown: n and SD where there are several seeds."""
    expected, obtained = ("-" if x is None else f"{x:.4g}" for x in (row["expected"], row["obtained"]))
    spread = f" ± {row['sd']:.2g}, n = {row['n']}" if row["sd"] is not None else ""
    claim = CLAIM[row["claim"]] if row["kind"] else ""
    return f"| {row['quantity']} | {row['kind'] or '-'} | {claim}{expected} | {obtained}{spread} |"


def section(readme: str, title: str) -> tuple[int, int]:
    """Where the text under a heading begins and ends."""
    start = re.search(rf"^#+ {re.escape(title)}\n", readme, re.M)
    assert start, f"the README has no heading {title!r}"
    after = re.search(r"^#+ ", readme[start.end() :], re.M)
    return start.end(), start.end() + after.start() if after else len(readme)


def filled(text: str, program: str) -> tuple[str, int]:
    """A section with the numbers of its program, and how many rows it has."""
    page = json.loads((RESULTS / f"{program}.json").read_text("utf-8"))
    rows = {row["quantity"]: row for row in page["rows"]}
    lines, found = [], 0
    for line in text.split("\n"):
        label = re.match(r"\| (?!what |-)(.+?) \|", line)
        if label and label[1] in rows:
            lines.append(cells(rows[label[1]]))
            found += 1
        else:
            assert not (label and line.count(" | ") in (2, 3)), f"{program} has no row {label and label[1]!r}"
            lines.append(line)
    table = re.sub(r"\| what \|.*\n\|---.*\n", lambda _: HEAD, "\n".join(lines))
    return table, found


def with_scorecard(readme: str) -> str:
    """The README with the summary and the misses of the page of all rows."""
    found = scorecard.lines(RESULTS)
    text = f"{scorecard.summary(found)}.\n\n{scorecard.misses(found)}"
    return re.sub(r"(<!-- scorecard -->\n).*?(\n<!-- end -->)", lambda m: m[1] + text + m[2], readme, flags=re.S)


def check(title: str, program: str) -> int:
    """The number of rows under a heading of the README; each has to be that of the committed run."""
    readme = (ROOT / "README.md").read_text("utf-8")
    begin, end = section(readme, title)
    text, found = filled(readme[begin:end], program)
    assert readme[begin:end] == text, f"python {Path(__file__).relative_to(ROOT)} writes the table under {title!r} anew"
    return found


def main() -> None:
    """Write all tables anew."""
    path = ROOT / "README.md"
    readme = path.read_text("utf-8")
    titles = re.findall(r"^#+ (.+)\n", readme, re.M)
    for title in titles:
        begin, end = section(readme, title)
        named = re.search(r"docs/results/(\w+)\.txt", readme[begin:end])
        if named and (RESULTS / f"{named[1]}.json").exists():
            readme = readme[:begin] + filled(readme[begin:end], named[1])[0] + readme[end:]
    path.write_text(with_scorecard(readme), "utf-8")


if __name__ == "__main__":
    main()
