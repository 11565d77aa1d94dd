"""Finished cells on the disk: one file of SQLite beside the Zarr store, written by one process, whole after any kill.

A cell counts when its transaction is on the disk (``synchronous=FULL``). The write-ahead log is used with an exclusive
lock, which needs no shared memory, so folders of a network will do; the lock of a process that was killed is gone.
"""

import errno
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from synfwp import checks, results
from synfwp.sweeps.encoding import Made

FORMAT = 1
_APPLICATION = 0x73796E73  # "syns"
_TABLES = """
CREATE TABLE states(id INTEGER PRIMARY KEY, text TEXT UNIQUE NOT NULL);
CREATE TABLE schemas(id INTEGER PRIMARY KEY, text TEXT UNIQUE NOT NULL);
CREATE TABLE cells(
  key BLOB PRIMARY KEY, label TEXT NOT NULL, seed INTEGER, state INTEGER NOT NULL, schema INTEGER, data BLOB,
  error TEXT, seconds REAL NOT NULL);
"""


class Kept(NamedTuple):
    """A cell as it was kept: its schema (None if it failed), bytes, traceback."""

    schema: int | None
    data: bytes
    error: str


class Journal:
    """Cells by their keys; to be used in a ``with`` block. ``path=None`` keeps them in memory.

    Raises
    ------
    OSError
        If the file cannot be written, or another sweep writes to it.
    ValueError
        If it is no journal of synfwp.
    """

    def __init__(self, path: Path | None):
        self.path = path
        if path is not None:
            results.check_writable(path, force=True)
            path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=1.0)
        try:
            self._open()
        except BaseException as error:
            self.db.close()
            if isinstance(error, sqlite3.Error):
                self._refuse(error)
            raise

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()

    def _open(self) -> None:
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
            self.db.execute(f"PRAGMA {pragma}").fetchall()
        self.db.execute("BEGIN IMMEDIATE")
        (application,) = self.db.execute("PRAGMA application_id").fetchone()
        (version,) = self.db.execute("PRAGMA user_version").fetchone()
        if not application and not self.db.execute("SELECT name FROM sqlite_master").fetchall():
            for statement in _TABLES.split(";"):
                self.db.execute(statement)
            self.db.execute(f"PRAGMA application_id={_APPLICATION}")
            self.db.execute(f"PRAGMA user_version={FORMAT}")
        elif application != _APPLICATION:
            raise ValueError(f"{self.path} is a database of another program; choose another store.")
        elif version != FORMAT:
            raise ValueError(f"{self.path} has format {version} of a newer synfwp, this one reads {FORMAT}; update it.")
        self.db.execute("COMMIT")
        self.schemas = dict(self.db.execute("SELECT text, id FROM schemas"))

    def states(self) -> list[str]:
        """The states of function, settings and packages that kept cells come from."""
        return [text for (text,) in self._all("SELECT text FROM states ORDER BY id")]

    def begin(self, state: str, anew: bool = False) -> None:
        """Cells from now on come from this state; ``anew`` drops those that are kept."""
        try:
            self.db.execute("BEGIN")
            if anew:
                for table in ("cells", "states", "schemas"):
                    self.db.execute(f"DELETE FROM {table}")
                self.schemas = {}
            self.db.execute("INSERT OR IGNORE INTO states(text) VALUES (?)", (state,))
            self.db.execute("COMMIT")
            ((self.state,),) = self._all("SELECT id FROM states WHERE text = ?", state)
        except sqlite3.Error as error:
            self._refuse(error)

    def known(self) -> dict[bytes, int | None]:
        """Keys of the cells that are kept, each with its schema, None if it failed."""
        return dict(self._all("SELECT key, schema FROM cells"))

    def keep(self, rows: Iterable[tuple[bytes, str, int | None, Made]]) -> None:
        """Cells on the disk, all of them or none."""
        try:
            self.db.execute("BEGIN")
            for key, label, seed, made in rows:
                schema = None if made.error else self._schema(made.schema)
                row = (key, label, seed, self.state, schema, made.data, made.error or None, made.seconds)
                self.db.execute("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            self.db.execute("COMMIT")
        except sqlite3.Error as error:
            self._refuse(error)

    def read(self, keys: Sequence[bytes]) -> list[Kept]:
        """Cells by their keys, in that order."""
        found = []
        for key in keys:
            ((schema, data, error),) = self._all("SELECT schema, data, error FROM cells WHERE key = ?", key)
            found.append(Kept(schema, data or b"", error or ""))
        return found

    def failures(self) -> list[tuple[str, str]]:
        """Label and traceback of each cell that failed."""
        return self._all("SELECT label, error FROM cells WHERE schema IS NULL ORDER BY label")

    def seconds(self) -> float:
        """What all cells took."""
        ((total,),) = self._all("SELECT coalesce(sum(seconds), 0.0) FROM cells")
        return float(total)

    def _schema(self, text: str) -> int:
        if text not in self.schemas:
            at = self.db.execute("INSERT INTO schemas(text) VALUES (?)", (text,)).lastrowid
            self.schemas[text] = int(at or 0)
        return self.schemas[text]

    def _all(self, query: str, *values: Any) -> list[Any]:
        try:
            return self.db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            self._refuse(error)

    def _refuse(self, error: sqlite3.Error) -> NoReturn:
        """An error of the disk or of the file, in words."""
        text, path = str(error), self.path
        if "locked" in text:
            raise OSError(
                errno.EAGAIN, f"{path} is written by another sweep; wait for its end, or choose another store."
            )
        if "full" in text:
            raise OSError(
                errno.ENOSPC,
                f"{path} cannot grow, the disk is full; all cells that were finished are kept: make room and run the "
                "same again.",
            )
        if "readonly" in text or "disk I/O" in text or "unable to open" in text:
            raise OSError(errno.EIO, f"{path} cannot be written ({text}); kept cells stay. Choose another store.")
        raise ValueError(
            f"{path} is no whole journal of a sweep ({text}); move it away to start anew. {checks.short(error)}"
        )
