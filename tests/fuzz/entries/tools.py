"""Everything small: units, seeds, features, conventions, measures, closed forms, tables, files, programs by name."""

import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

import synfwp as fw
from fuzz.cases import Arg, Call, Entry, Rng, need, pick, sizes
from synfwp import conventions, features, measures, theory

Array = Any
POWERS = {"ms": -3, "mV": -3, "nS": -9, "pA": -12, "pF": -12, "Hz": 0}


def finite(*arrays: Any) -> list[Array]:
    """Arrays of finite numbers."""
    found = [np.asarray(x, float) for x in arrays]
    need(all(np.isfinite(x).all() for x in found))
    return found


def to_float(rng: Rng) -> Call:
    """`units.to_float`: a number or an array in its unit."""
    unit = pick(rng, list(POWERS))
    args = {"value": Arg(rng.normal(size=pick(rng, ((), (3,), (2, 2)))), "array", unit, ("a", "b"))}
    args["unit"] = Arg(unit, "choice")
    # NaN and infinity are numbers here; who takes them decides
    return Call(lambda **a: fw.units.to_float(**a), args, lambda value, unit: np.asarray(value, float), nan=True)


def per_ms(rng: Rng) -> Call:
    """`units.per_ms`: rates."""
    args = {"hz": Arg(rng.uniform(0, 100, pick(rng, ((), (3,)))), "array", "Hz", ("a",))}
    return Call(lambda hz: fw.units.per_ms(hz), args, lambda hz: np.asarray(hz, float) / 1000, nan=True)


def generator(rng: Rng) -> Call:
    """`seeds.generator`: the same seed and key, the same stream; what is no seed is refused."""
    key = pick(rng, ((), ("init",), ("batch", 17)))
    args = {"seed": Arg(int(rng.integers(2**63)) * int(rng.integers(1, 4)), "seed")}

    def run(seed: Any) -> Any:
        return fw.seeds.generator(seed, *key).integers(2**62, size=3)

    return Call(run, args, run)


def feature(rng: Rng) -> Call:
    """Feature maps and key normalisers against their formulas."""

    def unit(x: Array, size: Array) -> Array:
        return x / np.where(size == 0, 1, size)

    def dpfp(x: Array) -> Array:
        r = np.maximum(np.concatenate([x, -x], axis=-1), 0)
        return np.concatenate([r * np.roll(r, 1, axis=-1), r * np.roll(r, 2, axis=-1)], axis=-1)

    def softmax(x: Array) -> Array:
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    maps: dict[str, Callable[[Array], Array]] = {
        "identity": lambda x: x, "relu": lambda x: np.maximum(x, 0), "exp": np.exp, "dpfp(2)": dpfp, "softmax": softmax,
        "elu_plus_one": lambda x: np.where(x > 0, x + 1, np.exp(np.minimum(x, 0))),
    }  # fmt: skip
    norms: dict[str, Callable[[Array], Array]] = {
        "none": lambda x: x, "l2": lambda x: unit(x, np.linalg.norm(x, axis=-1, keepdims=True)),
        "sum": lambda x: unit(x, x.sum(axis=-1, keepdims=True)),
    }  # fmt: skip
    table, get = pick(rng, ((maps, features.get_feature), (norms, features.get_normaliser)))
    x = rng.uniform(0.1, 2, (2, 3))
    args = {"name": Arg(pick(rng, list(table)), "choice")}
    return Call(
        lambda name: get(name).apply(x), args, lambda name: table[str(name)](x), ("feature map", "key normaliser")
    )


def from_fla(rng: Rng) -> Call:
    """The layout of flash-linear-attention, and back."""
    B, T, H, K, V = sizes(rng, 1, 3, 5)
    args = {"q": Arg(rng.normal(size=(B, T, H, K))), "k": Arg(rng.normal(size=(B, T, H, K)))}
    args |= {
        "v": Arg(rng.normal(size=(B, T, H, V))),
        "g": Arg(-rng.random((B, T, H))),
        "beta": Arg(rng.random((B, T, H))),
    }
    args |= {"scale": Arg(0.5, "number"), "initial_state": Arg(rng.normal(size=(B, H, K, V)))}

    def run(**given: Any) -> Any:
        sent = conventions.from_fla(**given)
        back = conventions.to_fla(**sent)
        return sent | {"back": [back[name] for name in ("k", "v", "initial_state")]}

    def twin(**m: Any) -> Any:
        q, k, v, beta, state = finite(*(m[name] for name in ("q", "k", "v", "beta", "initial_state")))
        g = np.asarray(m["g"], float)
        need(q.ndim == 4 and q.shape == k.shape and v.shape[:3] == k.shape[:3] and g.shape[:3] == k.shape[:3])
        need(g.shape in (k.shape[:3], k.shape) and beta.shape == k.shape[:3] and (g <= 0).all())
        need(state.shape == (k.shape[0], k.shape[2], k.shape[3], v.shape[3]) and np.isfinite(m["scale"]))
        swapped = {"q": np.swapaxes(q, 1, 2) * m["scale"], "k": np.swapaxes(k, 1, 2), "v": np.swapaxes(v, 1, 2)}
        swapped |= {
            "beta": np.swapaxes(beta, 1, 2),
            "decay": np.exp(np.swapaxes(g, 1, 2)),
            "W0": np.swapaxes(state, -1, -2),
        }
        return swapped | {"back": [k, v, state]}

    return Call(run, args, twin, rtol=1e-6)  # single precision stays single


def dplr(rng: Rng) -> Call:
    """RWKV-7, IPLR and Comba as arguments of DPLR."""
    shape = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    x = {name: Arg(rng.random(shape)) for name in ("a", "b", "c")}

    def of(*names: str) -> dict[str, Arg]:
        return dict(zip(names, x.values(), strict=False))

    def rwkv7(w: Any, kappa: Any, rate: Any) -> Any:
        w, kappa, rate = finite(w, kappa, rate)
        need(w.shape == kappa.shape == rate.shape)
        return {"decay": w, "erase": (kappa, rate * kappa)}

    def iplr(a: Any, b: Any) -> Any:
        a, b = finite(a, b)
        need(a.shape == b.shape)
        return {"decay": np.ones_like(a), "erase": (-a, b)}

    function, twin, names = pick(
        rng, ((conventions.rwkv7, rwkv7, ("w", "kappa", "rate")), (conventions.iplr, iplr, ("a", "b")))
    )
    return Call(lambda **a: function(**a), of(*names), twin)


def measure(rng: Rng) -> Call:
    """Measures on arrays against their formulas."""
    W, reference = rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 3, 2))

    def numbers(*arrays: Any) -> list[Array]:
        """NaN where a token was not read, and no infinity."""
        found = [np.asarray(x, float) for x in arrays]
        need(not any(np.isinf(x).any() for x in found))
        return found

    def lengths(W: Array) -> Array:
        size = np.abs(W).max((-2, -1))
        return size * np.sqrt(((W / np.where(size, size, 1)[..., None, None]) ** 2).sum((-2, -1)))

    def alike(W: Array, reference: Array) -> tuple[Array, Array]:
        need(W.ndim >= 2 and W.size and W.shape[-2:] == reference.shape[-2:])
        return tuple(np.broadcast_arrays(W, reference))

    def correlation(W: Any, reference: Any) -> Any:
        W, reference = numbers(W, reference)
        W, reference = alike(W, reference)
        W, reference = (x / np.nanmax(np.abs(x), (-2, -1), keepdims=True, initial=1e-300) for x in (W, reference))
        flat = [x.reshape(-1, x.shape[-2] * x.shape[-1]) for x in (W, reference)]
        found = [
            np.corrcoef(a, b)[0, 1] if np.isnan([*a, *b]).any() or (np.ptp(a) and np.ptp(b)) else 0.0
            for a, b in zip(*flat, strict=True)
        ]
        return np.reshape(found, W.shape[:-2])

    def ratio(W: Any, reference: Any) -> Any:
        W, reference = numbers(W, reference)
        W, reference = alike(W, reference)
        return np.where(lengths(reference) > 0, lengths(W) / lengths(reference), np.nan)

    def rate(time: Any, edges: Any, n: Any) -> Any:
        time, edges = finite(time, edges)
        need(time.ndim == 1 and edges.ndim == 1 and len(edges) and (np.diff(edges) > 0).all() and n >= 1)
        found = [((time >= a) & (time < b)).sum() / (b - a) / n for a, b in pairwise(edges)]
        return np.array(found, float)

    def area(score: Any, positive: Any) -> Any:
        raw = np.ravel(np.asarray(positive, float))
        score, positive = np.ravel(*finite(score)), raw > 0
        need(score.shape == positive.shape and np.isin(raw, (0, 1)).all() and 0 < positive.sum() < positive.size)
        a, b = score[positive][:, None], score[~positive][None]
        return float(((a > b) + 0.5 * (a == b)).mean())

    pair = {"W": Arg(W, dims=("trial", "value", "key")), "reference": Arg(reference, dims=("trial", "value", "key"))}
    spikes = {
        "time": Arg(np.sort(rng.uniform(0, 5, 6)), unit="s"),
        "edges": Arg(np.arange(6.0), unit="s"),
        "n": Arg(2, "count"),
    }
    scores = {"score": Arg(rng.normal(size=5)), "positive": Arg(np.array([1, 0, 0, 1, 1]), "index")}
    function, args, twin = pick(rng, (
        (measures.centred_correlation, pair, correlation), (measures.norm_ratio, pair, ratio),
        (measures.binned_rate, spikes, rate), (measures.auc, scores, area),
    ))  # fmt: skip
    return Call(
        lambda **a: function(**a),
        args,
        twin,
        nan=function in (measures.norm_ratio, measures.centred_correlation),
        rtol=1e-6,
    )  # float32 stays float32


def closed_form(rng: Rng) -> Call:
    """Closed forms of `theory` against their equations, in plain Python."""
    pairs, d, age = int(rng.integers(2, 60)), int(rng.integers(2, 60)), int(rng.integers(0, 20))
    P_d = {"pairs": Arg(pairs, "level"), "d_key": Arg(d, "level")}

    def positive(*numbers: Any) -> None:
        need(all(np.isfinite(x).all() and (np.asarray(x) > 0).all() for x in numbers))

    def guarded(f: Callable[..., float]) -> Callable[..., float]:
        def twin(**m: Any) -> float:
            positive(*(value for name, value in m.items() if name not in ("age", "rho", "d_dot")))
            need(all(np.isfinite(m.get(name, 0)) and m.get(name, 0) >= 0 for name in ("rho", "d_dot")))
            need(np.all(np.asarray(m.get("age", 0)) >= 0) and np.all(np.asarray(m.get("pairs", least)) >= least))
            need(np.all(np.asarray(m.get("d_key", 1)) >= 1))
            return f(**m)

        return twin

    function, args, f = pick(rng, (
        (theory.hebb_cosine, P_d, lambda pairs, d_key: (1 + (pairs - 1) / d_key) ** -0.5),
        (theory.hebb_sign_error, P_d, lambda pairs, d_key: special.erfc(np.sqrt(d_key / (2 * (pairs - 1)))) / 2),
        (theory.hebb_squared_error, P_d, lambda pairs, d_key: (pairs - 1) / d_key),
        (theory.delta_norm, {"beta": Arg(0.7, "level"), "d_key": Arg(d, "level")},
         lambda beta, d_key: d_key * beta / (2 - beta) if np.all(np.asarray(beta) < 2) else need(False)),
        (theory.delta_signal, {"age": Arg(age, "level"), "d_key": Arg(d, "level")},
         lambda age, d_key: (1 - 1 / d_key) ** age),
        (theory.count_cosine, {"spikes": Arg(10.0, "number")}, lambda spikes: 1 / (1 + 1.5 / spikes)),
        (theory.trace_cosine, {name: Arg(20.0, "number", "ms") for name in ("rho", "T", "tau")},
         lambda rho, T, tau: (1 + 2 * rho / T + rho / T * rho / tau / 4) ** -0.5),
        (theory.matrix_floor, {"keys": Arg(pairs, "count"), "d_dot": Arg(d, "count")},
         lambda keys, d_dot: max(0.0, (1 - d_dot / keys) / 2)),
    ))  # fmt: skip
    least = 2 if function is theory.hebb_sign_error else 1
    return Call(lambda **a: function(**a), args, guarded(f))


def names(rng: Rng) -> Call:
    """What is found by name: tables, citations, protocols of tables, programs."""
    look = {
        "load_table": (lambda name: fw.load_table(name).sizes["point"], list(fw.data.tables())),
        "citation": (lambda name: fw.citation(name).count("@"), ["hebb", "delta", "vogels2011", "capacity"]),
        "from_table": (lambda name: len(fw.protocols.from_table(name)), list(fw.data.tables())),
        "get_rule": (lambda name: fw.get_rule(name).name, ["hebb", "delta", "delta_product(2)"]),
    }
    function, options = look[pick(rng, list(look))]
    name = pick(rng, [one for one in options if one != "capacity"])
    kinds = ("table", "citation", "rule", "program", "paper", "update rule", "key")
    return Call(lambda name: function(name), {"name": Arg(name, "choice")}, lambda name: function(str(name)), kinds)


def program(rng: Rng) -> Call:
    """`run` with names of no program; `list_programs` is the same each time."""
    name = pick(rng, list(fw.list_programs())) + "#"
    return Call(
        lambda name: fw.run(name), {"name": Arg(name, "choice")}, lambda name: need(False), ("program",), refusable=True
    )


def files(rng: Rng) -> Call:
    """A Dataset in a file and back: the same values, types, dims and attributes."""
    dtype = pick(rng, ("f8", "f4", "i8", "i4", "u1", "bool", "U5"))
    shape = pick(rng, ((), (0,), (3,), (2, 3)))
    values = rng.integers(0, 2, shape).astype(dtype)
    args = {
        "name": Arg(pick(rng, ("loss", "W_feed", "a b", "größe")), "fixed"),
        "values": Arg(values, "fixed"),
        "title": Arg("a title", "text"),
    }

    def kind(dtype: Any) -> str:
        """Of text no width: a file has none."""
        return "text" if dtype.kind == "U" else str(dtype)

    def run(name: Any, values: Any, title: Any) -> Any:
        dims = tuple(f"axis{i}" for i in range(np.ndim(values)))
        ds = xr.Dataset({name: (dims, values)}, attrs={"title": title})
        with tempfile.TemporaryDirectory() as folder:
            back = fw.load(fw.save(ds, Path(folder) / "a.nc"))
        return {"same": back.identical(ds), "dtype": kind(back[name].dtype), "title": back.attrs["title"]}

    def twin(name: Any, values: Any, title: Any) -> Any:
        return {"same": True, "dtype": kind(np.asarray(values).dtype), "title": title}

    return Call(run, args, twin, ("attribute", "attributes", "variable", "path", "text"))


ENTRIES = (
    Entry("units.to_float", to_float, 4),
    Entry("units.per_ms", per_ms, 1),
    Entry("seeds.generator", generator, 3),
    Entry("features", feature, 2),
    Entry("conventions.from_fla and to_fla", from_fla, 3),
    Entry("conventions.rwkv7 and iplr", dplr, 1.5),
    Entry("measures", measure, 4),
    Entry("theory", closed_form, 4),
    Entry("names: tables, citations, rules", names, 0.7),
    Entry("run", program, 0.05),
    Entry("save and load", files, 1),
)
