"""The pages: README.md and every Markdown page under ``docs/``; their tables are those of the committed full runs.

``python tests/pages.py`` writes the numbers of every table anew, on every page; which rows it has is decided there. A
program is that whose ``docs/results/NAME.txt`` the section names. Nobody lists the pages: a new one is read too.
"""

import json
import re
from pathlib import Path
from typing import Any

from synfwp import scorecard

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
MADE = ("_build", "generated")  # by `make docs`
HEAD = "| what | kind | expected | obtained |\n|---|---|---|---|\n"
CLAIM = {"equal": "", "above": "> ", "below": "< "}


def pages() -> dict[str, Path]:
    """Every page, by its path from the root."""
    docs = sorted((ROOT / "docs").rglob("*.md"))
    found = [path for path in docs if path.relative_to(ROOT / "docs").parts[0] not in MADE]
    return {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.md", *found)}


def headings(text: str) -> list[str]:
    """The headings of a page; what begins with a # inside a block is none."""
    return re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)


def anchors(text: str) -> set[str]:
    """What links can name on a page: its headings, as GitHub and MyST write them, and its own targets."""
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(text)]
    return {*plain, *re.findall(r"^\(([\w-]+)\)=$", text, re.M), *re.findall(r'<a (?:id|name)="([\w-]+)"', text)}


def links(text: str) -> list[str]:
    """Where the links and pictures of a page lead, but for addresses."""
    prose = re.sub(r"^```.*?^```|`[^`\n]+`(?!\])", "", text, flags=re.M | re.S)
    found = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def blocks(text: str) -> list[str]:
    """The Python blocks of a page, in order."""
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


def cells(row: dict[str, Any]) -> str:
    """One row of a program's table as a line of Markdown: n and SD where there are several seeds."""
    expected, obtained = ("-" if x is None else f"{x:.4g}" for x in (row["expected"], row["obtained"]))
    spread = f" ± {row['sd']:.2g}, n = {row['n']}" if row["sd"] is not None else ""
    claim = CLAIM[row["claim"]] if row["kind"] else ""
    return f"| {row['quantity']} | {row['kind'] or '-'} | {claim}{expected} | {obtained}{spread} |"


def section(page: str, title: str) -> tuple[int, int]:
    """Where the text under a heading begins and ends."""
    start = re.search(rf"^#+ {re.escape(title)}\n", page, re.M)
    assert start, f"no heading {title!r}"
    after = re.search(r"^#+ ", page[start.end() :], re.M)
    return start.end(), start.end() + after.start() if after else len(page)


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


def tables(page: str) -> list[tuple[str, str]]:
    """Headings of a page whose section names the table of a program, with that program."""
    found = []
    for title in headings(page):
        begin, end = section(page, title)
        named = re.search(r"docs/results/(\w+)\.txt", page[begin:end])
        if named and (RESULTS / f"{named[1]}.json").exists() and HEAD.partition("\n")[0] in page[begin:end]:
            found.append((title, named[1]))
    return found


def with_tables(page: str) -> str:
    """A page with the numbers of all its tables."""
    for title, program in tables(page):
        begin, end = section(page, title)
        page = page[:begin] + filled(page[begin:end], program)[0] + page[end:]
    return page


def with_scorecard(page: str) -> str:
    """A page with the summary of the page of all rows."""
    text = f"{scorecard.summary(scorecard.lines(RESULTS))}."
    return re.sub(r"(<!-- scorecard -->\n).*?(\n<!-- end -->)", lambda m: m[1] + text + m[2], page, flags=re.S)


def check(title: str, program: str) -> int:
    """The number of rows under a heading of the one page that has it; each has to be that of the committed run."""
    texts = [path.read_text("utf-8") for path in pages().values()]
    (page,) = [text for text in texts if (title, program) in tables(text)]
    begin, end = section(page, title)
    text, found = filled(page[begin:end], program)
    assert page[begin:end] == text, f"python {Path(__file__).relative_to(ROOT)} writes the table under {title!r} anew"
    return found


def main() -> None:
    """Write all tables anew."""
    for path in pages().values():
        page = path.read_text("utf-8")
        new = with_scorecard(with_tables(page))
        if new != page:
            path.write_text(new, "utf-8")


if __name__ == "__main__":
    main()
