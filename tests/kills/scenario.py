"""What a scenario is: a process that writes for ever, and a look at what it leaves."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

LOG = "log"


class Scenario(NamedTuple):
    """Something that writes until it is killed.

    ``work(folder)`` runs in a process group of its own and calls `done` each time when something has been kept that a
    kill must not undo. ``check(folder, count)`` gets the number of these calls and returns problems, each beginning
    with "lost", "half" or "differs". The kill comes at a random moment, within ``span`` seconds of the first `done`.
    """

    name: str
    work: Callable[[Path], None]
    check: Callable[[Path, int], list[str]]
    span: float = 0.05
    live: bool = False  # whether `check` also runs again and again while `work` writes


def done(folder: Path) -> None:
    """One more thing is kept."""
    place = os.open(folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(place, b".")
    os.close(place)


def count(folder: Path) -> int:
    """Calls of `done` so far."""
    log = folder / LOG
    return log.stat().st_size if log.exists() else 0


def half_written(folder: Path) -> list[Path]:
    """What a process left that was killed while it wrote."""
    return [path for path in folder.rglob(".synfwp-*") if path.is_file()]
