"""Figures as files: PDF, SVG and PNG of equal bytes for equal figures, with a note on where they come from."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from synfwp.checks import one_of
from synfwp.plot.page import style
from synfwp.results import write_together

ENDINGS = (".pdf", ".svg", ".png")
THUMBNAIL = 720  # pixels across
_PLACES = {  # where each format keeps what a note may hold; none keeps a date
    ".pdf": {"title": "Title", "command": "Subject", "provenance": "Keywords"},
    ".svg": {"title": "Title", "command": "Source", "provenance": "Identifier"},
    ".png": {"title": "Title", "command": "Source", "provenance": "Provenance"},
}
_DATES = {".pdf": "CreationDate", ".svg": "Date"}


def save(
    fig: Figure,
    path_stem: str | Path,
    force: bool = False,
    *,
    note: Mapping[str, str] | None = None,
    thumbnail: str | Path | None = None,
) -> tuple[Path, ...]:
    """Write ``path_stem.pdf``, ``.svg`` and ``.png`` (300 dpi), all or none; equal figures give equal bytes.

    Parameters
    ----------
    fig : Figure
        From `figure`, or any other.
    path_stem : path
        Without an ending; missing folders are made.
    force : bool
        Replace existing files.
    note : mapping of str to str
        Kept in the metadata of each file: "title", "command" (that makes it) and "provenance" (a hash).
    thumbnail : path
        A PNG 720 pixels wide that is written with the others.

    Returns
    -------
    tuple of pathlib.Path
        The PDF, the SVG and the PNG.

    Raises
    ------
    ValueError
        If ``path_stem`` already ends in .pdf, .svg or .png, or the note holds anything else.
    OSError
        FileExistsError if one of them exists and ``force`` is false (none is then touched); others if the folder
        cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from synfwp import plot
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in save(plot.figure()[0], f"{folder}/capacity")]
    ['capacity.pdf', 'capacity.svg', 'capacity.png']
    """
    written = write_together(writers(fig, path_stem, note=note, thumbnail=thumbnail), force)
    return tuple(written[: len(ENDINGS)])


def writers(
    fig: Figure, path_stem: str | Path, *, note: Mapping[str, str] | None = None, thumbnail: str | Path | None = None
) -> dict[Path, Callable[[Path], object]]:
    """What writes each file of a figure, for `synfwp.results.write_together`; arguments as those of `save`.

    Parameters
    ----------
    fig : Figure
        From `figure`, or any other.
    path_stem : path
        Without an ending.
    note : mapping of str to str
        "title", "command" and "provenance", for the metadata.
    thumbnail : path
        A PNG 720 pixels wide that is written with the others.

    Returns
    -------
    dict of pathlib.Path to callable
        Which writes the file, given a path.

    Raises
    ------
    ValueError
        For a stem with an ending, or another entry of ``note``.

    Examples
    --------
    >>> from synfwp import plot
    >>> [path.name for path in writers(plot.figure()[0], "capacity")]
    ['capacity.pdf', 'capacity.svg', 'capacity.png']
    """
    stem = Path(path_stem)
    if stem.suffix in ENDINGS:
        raise ValueError(
            f"path_stem is {str(stem)!r}; pass it without {stem.suffix}, a PDF, an SVG and a PNG are written."
        )
    for name in note or {}:
        one_of("entry of note", name, _PLACES[".pdf"])
    found = {stem.with_name(stem.name + ending): _writer(fig, ending, note or {}) for ending in ENDINGS}
    if thumbnail is not None:
        dpi = THUMBNAIL / float(fig.get_size_inches()[0])
        found[Path(thumbnail)] = lambda path: _write(fig, path, format="png", dpi=dpi)
    return found


def _writer(fig: Figure, ending: str, note: Mapping[str, str]) -> Callable[[Path], object]:
    metadata: dict[str, Any] = {_PLACES[ending][name]: text for name, text in note.items()}
    if ending in _DATES:
        metadata[_DATES[ending]] = None
    return lambda path: _write(fig, path, format=ending[1:], metadata=metadata)


def _write(fig: Figure, path: Path, **how: Any) -> None:
    with style():
        fig.savefig(drawn := io.BytesIO(), **how)  # matplotlib leaves files open that it could not write
    path.write_bytes(drawn.getbuffer())


def close(fig: Figure) -> None:
    """Let go of a figure that is saved: matplotlib keeps all that are made by name until then.

    Parameters
    ----------
    fig : Figure
        Any; one that matplotlib does not keep stays as it is.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from synfwp import plot
    >>> fig, _ = plot.figure()
    >>> close(fig)
    >>> plt.fignum_exists(fig.number)
    False
    """
    plt.close(fig)
