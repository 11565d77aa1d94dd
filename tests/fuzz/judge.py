"""How a call ended: right, refused by a clear error of ours, warned of, or a finding."""

import re
import signal
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

import synfwp
from fuzz import disguises
from fuzz.cases import Call, Entry, Expected, NoMeaning, Rng, pick
from fuzz.disguises import NOTHING, Disguise

HERE, PACKAGE = Path(__file__).parent, Path(synfwp.__file__).parent
REFUSALS = (TypeError, ValueError, KeyError, FloatingPointError, NotImplementedError, OSError, RuntimeError)
INTERNAL = re.compile(
    r"numba|ufunc|broadcast together|could not convert|not supported between|unsupported operand|dtype\('"
)
PATIENCE = 120  # seconds of one call, which may compile a kernel
CHANCES = (0.3, 0.85)  # of no disguise, of at most one; else two


@dataclass(frozen=True)
class Verdict:
    """What became of one call. ``what`` is empty unless it is a finding."""

    entry: str
    outcome: str  # right, refused, warned or finding
    worn: tuple[tuple[str, str], ...] = ()  # argument, disguise
    what: str = ""
    where: str = ""
    message: str = ""

    @property
    def cause(self) -> tuple[str, str, str]:
        """Findings of one cause have this in common."""
        return self.entry, self.what, self.where or ", ".join(name for _, name in self.worn)


def judge(entry: Entry, rng: Rng) -> Verdict:
    """Draw a call and its disguises, make it, and look at how it ends; of two disguises one that is enough is kept."""
    call = entry.draw(rng)
    worn = drawn(call, rng)
    verdict = ended(entry, call, worn)
    if verdict.outcome == "finding" and len(worn) > 1:
        for name, one in worn.items():
            alone = ended(entry, call, {name: one})
            if alone.outcome == "finding":
                return alone
    return verdict


def drawn(call: Call, rng: Rng) -> dict[str, tuple[Disguise, Any, Any]]:
    """For up to two arguments a disguise, what it looks like and what it means."""
    names = [name for name, arg in call.args.items() if arg.kind != "fixed"]
    n = int(np.searchsorted(CHANCES, rng.random()))
    found = {}
    for name in rng.permutation(names)[:n].tolist():
        row = pick(rng, disguises.of(call.args[name].kind))
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found[name] = (row, *row.wear(rng, call.args[name]))
    if [row.name for row, *_ in found.values()] == ["one axis more"] * 2:  # they agree: a call with a meaning
        found.popitem()
    return found


def ended(entry: Entry, call: Call, worn: Mapping[str, tuple[Disguise, Any, Any]]) -> Verdict:
    """Make a call in its disguises."""
    given = {name: worn[name][1] if name in worn else _copy(arg.plain) for name, arg in call.args.items()}
    meant = {name: worn[name][2] if name in worn else _copy(arg.plain) for name, arg in call.args.items()}
    labels = tuple((name, row.name) for name, (row, *_) in worn.items())
    before = {name: x.copy() for name, x in given.items() if type(x) is np.ndarray}

    def finding(what: str, where: str = "", message: object = "") -> Verdict:
        return Verdict(entry.name, "finding", labels, what, where, str(message)[:400])

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            with time_limit():
                found = call.run(**given)
        except TimeoutError as error:
            return finding("takes for ever", _place(error))
        except Exception as error:
            return refusal(entry, call, labels, error, finding)
    foreign = [one for one in seen if _foreign(one)]
    if foreign:
        at = f"{Path(foreign[0].filename).name}:{foreign[0].lineno}"
        return finding(f"a foreign {foreign[0].category.__name__}", at, foreign[0].message)
    if any(not np.array_equal(given[name], x, equal_nan=x.dtype.kind in "fc") for name, x in before.items()):
        return finding("an argument was changed in place")
    ours = [one for one in seen if HERE in Path(one.filename).parents and issubclass(one.category, RuntimeWarning)]
    if ours:
        return Verdict(entry.name, "warned", labels)
    if any(meaning is NOTHING for meaning in meant.values()):
        return finding("accepted what means nothing", message=_short(found))
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = call.twin(**meant)
    except NoMeaning:
        return finding("accepted what means nothing", message=_short(found))
    except (TypeError, ValueError, KeyError, IndexError, ZeroDivisionError, OverflowError, MemoryError) as error:
        return finding("accepted what the twin cannot take", message=f"{type(error).__name__}: {error}")
    wrong = difference(found, expected, call)
    if wrong and not (wrong[0] == "a silent difference" and undetermined(call, meant, found, expected)):
        return finding(wrong[0], message=wrong[1])
    return Verdict(entry.name, "right", labels)


def refusal(entry: Entry, call: Call, labels: tuple[tuple[str, str], ...], error: Exception, finding: Any) -> Verdict:
    """An error: a clear one of ours that names an argument, where a refusal may be right."""
    where, inside = _place(error), _last(error)
    message = str(error)
    known = [*call.args, *call.names]
    if type(error) not in REFUSALS and not isinstance(error, (OSError, NotImplementedError)):
        return finding(f"{type(error).__name__}", where, message)
    if not inside or INTERNAL.search(message):
        return finding(f"an error that is not ours ({type(error).__name__})", where, message)
    if not any(re.search(rf"(?<![A-Za-z0-9_]){re.escape(str(name))}(?![A-Za-z0-9_])", message) for name in known):
        return finding("an error that names no argument", where, message)
    must = all(disguises.DISGUISES[name].must for _, name in labels)
    if must and not call.refusable:
        return finding("refused what is right", where, message)
    return Verdict(entry.name, "refused", labels)


def difference(found: Any, expected: Any, call: Call) -> tuple[str, str] | None:
    """What of an answer is not as expected: a kind of finding and the two values; None if all is right."""
    bound = None
    if isinstance(expected, Expected):
        expected, bound = expected.value, expected.bound
    for path, a, b in _leaves(found, expected):
        if isinstance(b, str | bytes | bool | type(None)) or isinstance(a, str | bytes | type(None)):
            if not (a is b or a == b):
                return "a silent difference", f"{path}: {_short(a)}, twin {_short(b)}"
            continue
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            return "another shape", f"{path}: {a.shape}, twin {b.shape}"
        with np.errstate(all="ignore"):
            odd = ~np.isfinite(a) if a.dtype.kind in "fc" else np.zeros(a.shape, bool)
            if odd.any():
                if not np.array_equal(a[odd], b[odd], equal_nan=call.nan):
                    return "NaN or infinity without a word", f"{path}: {_short(a)}, twin {_short(b)}"
                a, b = a[~odd], b[~odd]
            if a.dtype.kind not in "fciub" or b.dtype.kind not in "fciub":
                close = np.array_equal(a, b)
            else:
                limit = call.rtol * np.max(np.abs(b), initial=1e-300) if bound is None else bound
                close = limit == np.inf or bool(
                    np.all(np.abs(np.subtract(a, b, dtype=np.result_type(a, b, float))) <= limit)
                )
        if not close:
            return "a silent difference", f"{path}: {_short(a)}, twin {_short(b)}"
    return None


def undetermined(call: Call, meant: Mapping[str, Any], found: Any, expected: Any) -> bool:
    """Whether a rounding of the arguments changes what the twin answers by as much as the answer differs from it."""
    expected = expected.value if isinstance(expected, Expected) else expected
    rng, changes = np.random.default_rng(0), dict[str, float]()
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            other = call.twin(**{name: _rounded(x, rng) for name, x in meant.items()})
            for path, a, b in _leaves(other.value if isinstance(other, Expected) else other, expected):
                changes[path] = max(changes.get(path, 0.0), _apart(a, b))
        return all(_apart(a, b) <= 64 * changes[path] for path, a, b in _leaves(found, expected))


def _rounded(x: Any, rng: Rng) -> Any:
    """Floats with one rounding more, each of its own; other things as they are."""
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return _copy(x)
    return x * (1 + np.finfo(x.dtype).eps * rng.uniform(-1, 1, x.shape)).astype(x.dtype)


def _apart(a: Any, b: Any) -> float:
    """The largest difference of two answers; infinity where they are no numbers and not the same."""
    if isinstance(b, str | bytes | bool | type(None)) or isinstance(a, str | bytes | type(None)):
        return 0.0 if a is b or a == b else np.inf
    found = np.abs(np.subtract(a, b, dtype=float))
    return float(np.max(np.where(np.isnan(found), np.inf, found), initial=0.0))


def _leaves(found: Any, expected: Any, path: str = "answer") -> Iterator[tuple[str, Any, Any]]:
    """Pairs of what was found and what was expected, down nests of mappings and sequences."""
    if is_dataclass(expected) and not isinstance(expected, type):
        expected = {field.name: getattr(expected, field.name) for field in fields(expected)}
    if isinstance(expected, Mapping):
        for name, value in expected.items():
            inner = found[name] if isinstance(found, Mapping) else getattr(found, name)
            yield from _leaves(inner, value, f"{path}.{name}")
    elif isinstance(expected, list | tuple):
        found = list(found)
        yield f"length of {path}", len(found), len(expected)
        for i, (one, value) in enumerate(zip(found, expected, strict=False)):
            yield from _leaves(one, value, f"{path}[{i}]")
    else:
        yield path, found, expected


@contextmanager
def time_limit() -> Iterator[None]:
    """A call that does not come back is a finding too."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _foreign(one: warnings.WarningMessage) -> bool:
    """Whether a warning came out of a call without being ours; what others deprecate among themselves is theirs."""
    at = Path(one.filename).parents
    return HERE not in at and (PACKAGE in at or not issubclass(one.category, DeprecationWarning))


def _copy(x: Any) -> Any:
    """Plain numbers as they were drawn, whatever a call does to them."""
    return x.copy() if isinstance(x, np.ndarray) else deepcopy(x) if isinstance(x, np.random.Generator) else x


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return list(traceback.extract_tb(error.__traceback__))


def _last(error: BaseException) -> bool:
    """Whether the last frame is the package's own."""
    frames = _frames(error)
    return bool(frames) and PACKAGE in Path(frames[-1].filename).parents


def _place(error: BaseException) -> str:
    """The last line of the package that an error came through."""
    ours = [frame for frame in _frames(error) if PACKAGE in Path(frame.filename).parents]
    return f"{Path(ours[-1].filename).relative_to(PACKAGE)}:{ours[-1].name}" if ours else "outside"


def _short(x: Any) -> str:
    """A value in a line."""
    return " ".join(repr(x).split())[:160]
