"""The files of a run: its Dataset, its rows, its figure and its caption, made together by one mechanism.

`synfwp run` and `synfwp figures` both end here. Equal results give images, captions and pages of equal bytes: none of
them holds a date. A Dataset holds when it was made and how long that took (`synfwp.results.UNCOUNTED`); all else in it
is counted by the provenance hash, which stands in the metadata of its images.
"""

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from synfwp import programs, sheet
from synfwp.shown import wrapped

if TYPE_CHECKING:
    import xarray as xr


class Job(NamedTuple):
    """One run of a program, and where its files go."""

    name: str
    out: Path = Path()
    quick: bool = False
    seed: int = 0
    values: Mapping[str, Any] = MappingProxyType({})
    width: int | None = None  # mm; None: that of the program
    cells: Path | None = None
    jobs: int = 1
    again: bool = False

    @property
    def other(self) -> dict[str, str]:
        """The settings that differ from the usual ones, as text."""
        return programs.changed(programs.settings(self.name), self.values, self.quick)

    @property
    def data(self) -> Path:
        """The Dataset; its rows lie beside it."""
        return self.out / "results" / f"{stem(self.name, self.other)}.nc"

    @property
    def title(self) -> str:
        """The name of the figure's files."""
        return stem(self.name, self.other) + ("" if self.width is None else f"-{self.width}mm")

    @property
    def folder(self) -> Path:
        """Where the figure goes."""
        return self.out / "figures"

    @property
    def command(self) -> str:
        """The command that makes it."""
        return command(self.name, self.quick, self.seed, self.other, self.width)


def made(job: Job, force: bool = False, reuse: bool = False, run: bool = True) -> str:
    """Run a program, or take its finished result, draw it, and write all files or none.

    Parameters
    ----------
    job : Job
    force : bool
        Run it, and replace all files.
    reuse : bool
        Take a finished result of the same run where there is one. Images and captions are then drawn anew in any case;
        only the Dataset and the rows are never replaced.
    run : bool
        Whether the program may be run where there is no finished result.

    Returns
    -------
    str
        The table, the caption and the files, to be printed.

    Raises
    ------
    OSError
        If a file exists that may not be replaced, one cannot be written, or a result is missing that may not be made.
    ValueError
        If a result is there that is of another run or cannot be read.

    Examples
    --------
    >>> made(Job("first_look", Path("nowhere")), reuse=True, run=False)
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere/results/first_look.nc does not exist; make it with `synfwp run first_look`, ...
    """
    os.environ.setdefault("MPLBACKEND", "agg")  # figures go to files; a window is never opened
    from synfwp import plot, results

    with plot.at_width(job.width):
        module = programs.load_program(job.name)
        ds = finished(job) if reuse and not force else None
        if ds is not None:
            return _drawn(job, module, ds, {})
        if not run:
            raise FileNotFoundError(
                f"{job.data} does not exist; make it with `{job.command}`, or leave out --no-run (run=False)."
            )
        images = [job.folder / f"{job.title}{ending}" for ending in (*sheet.ENDINGS, ".txt")]
        for path in (job.data, job.data.with_suffix(".json"), *images):
            results.check_writable(path, force or (reuse and path in images))
        cells = job.cells or job.out / "results" / "cells" / job.name
        how: dict[str, Any] = {
            "quick": job.quick,
            "seed": job.seed,
            "cells": cells,
            "jobs": job.jobs,
            "again": job.again,
        }
        ds = programs.run(job.name, **how, **job.values)
        with _kept(ds, job.name):
            return _drawn(job, module, ds, {job.data: lambda temporary: results.save(ds, temporary)})


def finished(job: Job) -> "xr.Dataset | None":
    """The result of a job that has run before; None if there is none.

    Parameters
    ----------
    job : Job

    Returns
    -------
    xarray.Dataset or None

    Raises
    ------
    ValueError
        If the file holds something else: the run of other code, settings, seed, size or versions, or no result.

    Examples
    --------
    >>> finished(Job("first_look", Path("nowhere"))) is None
    True
    """
    from synfwp import results

    if not job.data.exists():
        return None
    try:
        ds = results.load(job.data)
    except ValueError as error:
        raise ValueError(f"{error}{'' if str(error).endswith('.') else '.'} (--force does.)") from None
    cure = "pass --force to run it again, or --out for another folder."
    wanted = programs.of_run(job.name, job.quick, job.seed, job.values)
    try:
        there = json.loads(str(ds.attrs["run"]))
    except (KeyError, ValueError):
        raise ValueError(f"{job.data} does not hold what its numbers follow from (attribute 'run'); {cure}") from None
    found = results.difference(there, wanted, "")
    if found is None:
        return ds
    name, this, that = found
    raise ValueError(f"{job.data} is of another run: {name} is {this!r} there and {that!r} here; {cure}")


def _drawn(job: Job, module: Any, ds: "xr.Dataset", writers: dict[Path, Callable[[Path], object]]) -> str:
    """Draw a result and write its files with those of ``writers``, all or none; what is to be printed."""
    from synfwp import plot, results

    figure, caption = module.figure(ds), module.caption(ds)
    try:
        size = "{:.0f} x {:.0f} mm".format(*(25.4 * float(side) for side in figure.get_size_inches()))
        summary, digits = programs.list_programs()[job.name].summary, results.provenance_hash(ds)
        data = f"../results/{job.data.name}"
        entry = sheet.Entry(job.title, summary, caption, job.command, digits, data, size)
        if results.has_table(ds):
            writers[job.data.with_suffix(".json")] = results.text_writer(page(ds, job._replace(width=None).command))
        writers |= plot.writers(
            figure,
            job.folder / job.title,
            note={"title": job.title, "command": job.command, "provenance": digits},
            thumbnail=job.folder / sheet.THUMBNAILS / f"{job.title}.png",
        )
        writers[job.folder / f"{job.title}.txt"] = results.text_writer(sheet.as_text(entry))
        results.write_together(writers, force=True)  # what may not be replaced was found before the run
    finally:
        plot.close(figure)
    paths = [str(path) for path in writers if path.parent.name != sheet.THUMBNAILS]
    return "\n\n".join(block for block in (programs.table(ds), wrapped(caption), "\n".join(paths)) if block)


@contextlib.contextmanager
def _kept(ds: Any, name: str) -> Iterator[None]:
    """A run that has ended is not lost where its figure or its files fail: its result goes to a temporary folder."""
    try:
        yield
    except BaseException as error:  # an interrupt too
        from synfwp import results

        try:
            kept = results.save(ds, Path(tempfile.mkdtemp(prefix="synfwp-")) / f"{name}.nc")
            where = f"The result is kept in {kept}."
        except Exception as worse:
            where = f"The result could not be kept elsewhere: {worse}"
        if isinstance(error, (ValueError, TypeError, OSError, LookupError)):
            raise OSError(f"{error} {where}") from error
        error.add_note(where)
        raise


def all_of(jobs: Sequence[Job], force: bool = False, run: bool = True) -> Iterator[tuple[Job, str, Exception | None]]:
    """Every job, one after the other, with what is to be printed or the error that ended it; others go on.

    The contact sheet ``figures/index.html`` is written last, of all figures that lie in the folder.

    Parameters
    ----------
    jobs : sequence of Job
        All with the same folder.
    force, run : bool
        As those of `made`.

    Yields
    ------
    Job, str, Exception or None

    Examples
    --------
    >>> [(job.name, type(error).__name__) for job, _, error in all_of([Job("first_look", Path("nowhere"))], run=False)]
    [('first_look', 'FileNotFoundError')]
    """
    from synfwp import results

    some = False
    for job in jobs:
        try:
            text = made(job, force, reuse=True, run=run)
        except Exception as error:  # of a program: whatever it is, the others are wanted
            yield job, "", error
            continue
        some = True
        yield job, text, None
    if some:
        folder = jobs[0].folder
        results.write_text(folder / "index.html", sheet.as_html(folder), force=True)


def stem(name: str, other: Mapping[str, str]) -> str:
    """The name of a run's files: the program's, and after it the settings that differ from the usual ones.

    Where these are long or hold what no name of a file does, eight digits that stand for them.

    Examples
    --------
    >>> stem("vogels2011", {}), stem("vogels2011", {"rho0": "8"})
    ('vogels2011', 'vogels2011-rho0=8')
    """
    tail = "".join(f"-{key}={value}" for key, value in other.items())
    if len(tail) > 80 or not re.fullmatch(r"[\w.,=+-]*", tail):
        tail = f"-{hashlib.sha256(tail.encode()).hexdigest()[:8]}"
    return name + tail


def command(
    name: str, quick: bool = False, seed: int = 0, other: Mapping[str, str] | None = None, width: int | None = None
) -> str:
    """The command that makes a run.

    Examples
    --------
    >>> command("vogels2011", quick=True, other={"rho0": "8"})
    'synfwp run vogels2011 --quick --set rho0=8'
    """
    parts = ["synfwp run", name, *(["--quick"] if quick else []), *([f"--seed {seed}"] if seed else [])]
    parts += [f"--set {key}={value}" for key, value in (other or {}).items()]
    return " ".join([*parts, *([f"--width {width}"] if width else [])])


def page(ds: "xr.Dataset", made_by: str) -> str:
    """The rows of a run with where they come from, as text to be written as NAME.json.

    Parameters
    ----------
    ds : xarray.Dataset
        What `run` returned.
    made_by : str
        The `command`.

    Raises
    ------
    ValueError
        If the run has no table.

    Examples
    --------
    >>> from synfwp.results import Row, comparison
    >>> print(page(comparison([Row("rate", 20.0)]), command("song2000"))[:36])
    {
     "command": "synfwp run song2000",
    """
    from synfwp import results

    if not results.has_table(ds):
        raise ValueError(f"{made_by}: {programs.table(ds) or 'the run has no table'}.")
    kept = ("program", "synfwp_version", "package", "git_commit", "seed", "created", "dependencies", "seconds")
    provenance = {name: ds.attrs[name] for name in (*kept, "parameters", "cells_from") if name in ds.attrs}
    plain = {name: x.item() if hasattr(x, "item") else x for name, x in provenance.items()}
    return results.as_page(ds, **plain, command=made_by)
