"""The contact sheet of a folder of figures: one static page with thumbnails, captions, commands and links.

What stands on it comes from the caption files that lie beside the figures, and from nothing else.
"""

import html
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

ENDINGS = (".pdf", ".svg", ".png")
THUMBNAILS = "thumbnails"  # folder within that of the figures
_LINES = {"command": "Command", "provenance": "Provenance", "data": "Data", "size": "Size"}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 90rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: .6rem 0 .2rem; overflow-wrap: anywhere; }
nav { line-height: 2.1; margin-bottom: 1rem; }
nav a { margin-right: .9rem; overflow-wrap: anywhere; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1.5rem; }
article { border-top: 1px solid #8886; padding-top: .8rem; min-width: 0; }
img { max-width: 100%; max-height: 24rem; background: white; }
p { margin: .4rem 0; }
.caption { font-size: .875rem; }
.links a { display: inline-block; padding: .35rem .5rem .35rem 0; }
code { font-size: .8125rem; overflow-wrap: anywhere; }
"""


class Entry(NamedTuple):
    """What the page shows of one figure."""

    title: str
    summary: str
    caption: str
    command: str
    provenance: str
    data: str  # path of the Dataset, seen from the folder of figures
    size: str


def as_text(entry: Entry) -> str:
    """The caption file of a figure: the caption, and below it where the figure comes from.

    Examples
    --------
    >>> entry = Entry("song2000", "Rates.", "(a) Rates.", "synfwp run song2000", "0f", "../results/a.nc", "89 x 60 mm")
    >>> print(as_text(entry))
    (a) Rates.
    <BLANKLINE>
    song2000: Rates.
    Command: synfwp run song2000
    Provenance: 0f
    Data: ../results/a.nc
    Size: 89 x 60 mm
    <BLANKLINE>
    """
    lines = [f"{name}: {getattr(entry, field)}" for field, name in _LINES.items()]
    return "\n".join([entry.caption.strip(), "", f"{entry.title}: {entry.summary}", *lines]) + "\n"


def read(path: Path) -> Entry | None:
    """What `as_text` wrote; None for any other text."""
    pattern = r"(?s)(?P<caption>.*)\n\n(?P<title>[^\n]*?): (?P<summary>[^\n]*)\n"
    pattern += "".join(rf"{name}: (?P<{field}>[^\n]*)\n" for field, name in _LINES.items())
    found = re.fullmatch(pattern, path.read_text("utf-8", errors="replace"))
    return Entry(**found.groupdict()) if found else None


def as_html(folder: Path) -> str:
    """The page of a folder, its figures in alphabetical order; nothing on it lies outside the folder's parent.

    Parameters
    ----------
    folder : path
        Holds NAME.txt beside NAME.pdf, .svg and .png, and thumbnails/NAME.png.

    Returns
    -------
    str
        HTML, with links to the files that are there.

    Raises
    ------
    FileNotFoundError
        If the folder holds no figure with a caption file.

    Examples
    --------
    >>> as_html(Path("nowhere"))
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere holds no figure with its caption file; `synfwp figures` makes them.
    """
    found = sorted(entry for path in folder.glob("*.txt") if (entry := read(path)) is not None)
    if not found:
        raise FileNotFoundError(f"{folder} holds no figure with its caption file; `synfwp figures` makes them.")
    names = " ".join(f'<a href="#{quote(entry.title)}">{html.escape(entry.title)}</a>' for entry in found)
    articles = "\n".join(_article(folder, entry) for entry in found)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Figures of synfwp</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Figures</h1>
<nav>{names}</nav>
<main>
{articles}
</main>
</body>
</html>
"""


def _within(folder: Path, name: str) -> bool:
    """Whether a caption names a file that is there, in the folder of figures or beside it."""
    from synfwp import results

    here = folder.resolve()
    path = results.inside(here.parent, os.path.normpath(Path(here.name, name)))
    return path is not None and path.is_file()


def _article(folder: Path, entry: Entry) -> str:
    """One figure of the page."""
    title, summary, caption, command, provenance, _, size = map(html.escape, entry)
    beside = {ending[1:].upper(): entry.title + ending for ending in ENDINGS}
    rows = entry.data.removesuffix(".nc") + ".json"
    links = beside | {"Dataset (NetCDF)": entry.data, "rows (JSON)": rows, "caption": entry.title + ".txt"}
    there = {text: to for text, to in links.items() if _within(folder, to)}
    shown = [f'<a href="{quote(to)}">{text}</a>' for text, to in there.items()]
    picture = quote(f"{THUMBNAILS}/{entry.title}.png")
    return f"""<article id="{title}">
<h2>{title}</h2>
<p>{summary}</p>
<a href="{quote(entry.title)}.png"><img src="{picture}" alt="Figure {title}: {summary}" loading="lazy"></a>
<p class="caption">{caption}</p>
<p><code>{command}</code></p>
<p class="links">{" ".join(shown)}</p>
<p><code>{size}, provenance {provenance}</code></p>
</article>"""
