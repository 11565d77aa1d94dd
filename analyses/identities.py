"""Identities and theory: what has to hold to rounding, and what has to hold on average, each beside what is obtained.

Exact identities, in double precision on random instructions: linear attention as a Hebbian rule; the forms of every
rule (recurrent, chunkwise, parallel, attention matrix); rules as steps down the gradient of their loss, which automatic
differentiation takes; Longhorn as a minimum, MESA as ridge regression on all writes so far; eigenvalues; reflections as
parity, as counting and as permutations; Oja's rule as a transposed delta rule. A residual is the largest absolute
difference, over the largest number that is compared. On average, over seeds: norm, signal and squared error of the
delta rule, the three measures of recall from a Hebbian sum, and the floor of memories that read a matrix once.

Cites: irie2025, schlag2021, yang2024deltanet, widrow1960, liu2024longhorn, vonoswald2025mesanet, grazzi2025
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
import xarray as xr
from autograd import grad

import synfwp as fw
from synfwp import results, seeds, theory
from synfwp.results import Row
from synfwp.rules import RULES
from synfwp.settings import sized

ROUNDING = 1e-10  # of a residual: some thousand roundings of sums of some hundred products
BETAS = (0.1, 0.5, 1.0, 1.5)
Array = np.ndarray


class Size(NamedTuple):
    """What is run."""

    length: int  # steps of the instructions of an exact identity
    seeds: int  # independent draws of what holds on average
    d_key: int = 64  # features of what holds on average
    writes: int = 128  # of the delta rule whose oldest items are looked at
    burn: int = 2000  # writes before the norm of the delta rule is stationary
    pairs: int = 32  # of the Hebbian sum
    symbols: int = 96  # one-hot values of the memory with a floor


FULL, QUICK = Size(length=100, seeds=20), Size(length=30, seeds=4)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Draw instructions, compare; average over seeds."""
    residuals = {name: check(size, seeds.generator(seed, name)) for name, check in checks().items()}
    draws = range(seed, seed + size.seeds)
    found = results.cells(average, {"seed": draws}, size=size)
    words = {"units": "1", "long_name": "largest difference over the largest number"}
    coords = {"identity": ("identity", list(residuals), {"long_name": "identity"})}
    exact = results.dataset({"residual": ("identity", list(residuals.values()), words)}, coords)
    settings = {"size": size._asdict(), "quick": quick}
    ds = xr.merge([exact, found, expected(size)], combine_attrs="override")
    return results.compared(ds.assign_attrs(results.provenance(settings, seed)), rows)


# exact ----------------------------------------------------------------------------------------------------------------


def checks() -> dict[str, Callable[[Size, np.random.Generator], float]]:
    """Every exact identity by name: a function of the size and a generator that returns its residual."""
    found: dict[str, Callable[[Size, np.random.Generator], float]] = {
        "unnormalised linear attention is hebb": _unnormalised,
        "normalised linear attention is hebb with a divisor": _normalised,
    }
    for rule in RULES.values():
        for form in rule.forms:
            if form != "recurrent" and "recurrent" in rule.forms:
                found[f"{rule.name}: {form} is recurrent"] = partial(_form, rule.name, form)
    for name, loss in LOSSES.items():
        found[f"{name} is a step down the gradient of its loss"] = partial(_step, name, loss)
    return found | {
        "delta is hebb less hebb of its prediction": _hebb_of_prediction,
        "longhorn is the minimum of its objective": _longhorn,
        "mesa is ridge regression on all writes so far": _mesa,
        "mesa is recursive least squares": _recursive,
        "eigenvalues of delta": partial(_eigenvalues, "delta"),
        "eigenvalues of gated_delta": partial(_eigenvalues, "gated_delta"),
        "eigenvalues of longhorn": partial(_eigenvalues, "longhorn"),
        "parity is a state of one number with beta = 2": _parity,
        "counting mod 5 is two reflections per token": _counting,
        "permutations of 5 are four reflections per token": _permutations,
        "a state of zero stays zero under reflections": _zero,
        "oja is delta with key and value exchanged, transposed": _oja,
    }


def apart(one: Any, other: Any) -> float:
    """Largest difference over the largest number."""
    one, other = np.asarray(one), np.asarray(other)
    return float(np.abs(one - other).max() / max(np.abs(one).max(), np.abs(other).max(), 1e-300))


def arrays(rng: np.random.Generator, T: int, writes: int = 1, d_k: int = 6, d_v: int = 5) -> dict[str, Any]:
    """Queries, keys of unit length and values; several of the last two per token for rules that write several."""
    token = (T,) if writes == 1 else (T, writes)
    k, q = rng.standard_normal((*token, d_k)), rng.standard_normal((T, d_k))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    return {"q": q, "k": k, "v": rng.standard_normal((*token, d_v))}


def gates(rng: np.random.Generator, rule: fw.Rule, T: int, d_k: int = 6, d_v: int = 5) -> dict[str, Any]:
    """What else a rule takes, at random within its bounds."""
    token = (T,) if rule.writes == 1 else (T, rule.writes)
    width = d_v if rule.error == "key" else d_k
    found: dict[str, Any] = {}
    if rule.uses_beta:
        found["beta"] = rng.uniform(0.1, 0.9, token)
    if rule.uses_decay:
        high = 0.6 if rule.uses_pair else 1.0
        found["decay"] = rng.uniform(0.2, high, (T, width) if rule.retain == "key" else T)
    if rule.uses_pair:
        p, r = rng.standard_normal((2, *token, d_k))
        found["erase"] = tuple(0.6 * x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (p, r))
    if rule.uses_momentum:
        found["momentum"] = rng.uniform(0, 0.7, T)
    if rule.uses_ridge:
        found["ridge"] = rng.uniform(0.5, 1.5, d_k)
    return found


def instructions(rng: np.random.Generator, name: str, T: int) -> dict[str, Any]:
    """Everything that a rule takes."""
    rule = RULES[name]
    given: dict[str, Any] = arrays(rng, T, rule.writes) | gates(rng, rule, T)
    if rule.normalised:
        given |= {x: np.abs(given[x]) for x in "qk"}
    if rule.error == "key":
        given["v"] /= np.linalg.norm(given["v"], axis=-1, keepdims=True)
    if not rule.uses_values:
        given["v"], given["W0"] = None, rng.standard_normal((5, 6))
    return given


def _form(name: str, form: str, size: Size, rng: np.random.Generator) -> float:
    given = instructions(rng, name, size.length)
    y = fw.scan(name, **given).y
    if form == "attention":
        A = fw.attention(name, **{x: given[x] for x in given if x not in ("v", "W0")})
        v = given["v"]
        return apart(A.reshape(len(y), -1) @ v.reshape(-1, v.shape[-1]), y)
    more: dict[str, Any] = {"chunk": 7} if form == "chunkwise" else {}
    return apart(fw.scan(name, **given, form=form, **more).y, y)


def _unnormalised(size: Size, rng: np.random.Generator) -> float:
    x = arrays(rng, size.length)
    scores = np.tril(x["q"] @ x["k"].T)
    return apart(fw.scan("hebb", **x).y, scores @ x["v"])


def _normalised(size: Size, rng: np.random.Generator) -> float:
    x = {name: np.abs(value) for name, value in arrays(rng, size.length).items()}
    scores = np.tril(x["q"] @ x["k"].T)
    return apart(fw.scan("linear_attention", **x).y, scores @ x["v"] / scores.sum(axis=1, keepdims=True))


def _decayed(W: Any, k: Any, v: Any, beta: float, a: float) -> Any:
    return -v @ W @ k + (1 - a) / (2 * beta) * anp.sum(W**2)


LOSSES: dict[str, Callable[..., Any]] = {  # of W, key, value, beta, decay; W moves by -beta times the gradient
    "hebb": lambda W, k, v, beta, a: -v @ W @ k,
    "anti_hebb": lambda W, k, v, beta, a: v @ W @ k,
    "leaky_hebb": _decayed,
    "delta": lambda W, k, v, beta, a: anp.sum((v - W @ k) ** 2) / 2,
    "oja": lambda W, k, v, beta, a: anp.sum((k - W.T @ v) ** 2) / 2,
}


def _step(name: str, loss: Callable[..., Any], size: Size, rng: np.random.Generator) -> float:
    x, W, beta, a = arrays(rng, 1), rng.standard_normal((5, 6)), 0.3, 0.8
    more: dict[str, Any] = {"decay": np.array([a])} if RULES[name].uses_decay else {}
    new = fw.scan(name, **x, beta=np.array([beta]), W0=W, **more).W
    return apart(new, W - beta * grad(loss)(W, x["k"][0], x["v"][0], beta, a))


def _hebb_of_prediction(size: Size, rng: np.random.Generator) -> float:
    x, W = arrays(rng, 1), rng.standard_normal((5, 6))
    predicted = x | {"v": (W @ x["k"][0])[None]}
    grown = fw.scan("hebb", **x, beta=np.array([0.3]), W0=W).W
    return apart(fw.scan("delta", **x, beta=np.array([0.3]), W0=W).W, fw.scan(
        "anti_hebb", **predicted, beta=np.array([0.3]), W0=grown
    ).W)  # fmt: skip


def _longhorn(size: Size, rng: np.random.Generator) -> float:
    """``argmin |W - W'|^2 + beta |v - W k|^2``, solved as a linear system, for weak and very strong writes."""
    x, W, worst = arrays(rng, 1), rng.standard_normal((5, 6)), 0.0
    k, v = x["k"][0], x["v"][0]
    for beta in (0.1, 1.0, 1000.0):
        best = np.linalg.solve(np.eye(6) + beta * np.outer(k, k), (W + beta * np.outer(v, k)).T).T
        worst = max(worst, apart(fw.scan("longhorn", **x, beta=np.array([beta]), W0=W).W, best))
    return worst


def _mesa(size: Size, rng: np.random.Generator) -> float:
    x, T = arrays(rng, size.length), size.length
    y = fw.scan("mesa", **x, ridge=np.full(6, 0.7), decay=1.0).y
    worst = 0.0
    for t in range(T):
        k, v = x["k"][: t + 1], x["v"][: t + 1]
        W = np.linalg.solve(k.T @ k + 0.7 * np.eye(6), k.T @ v).T
        worst = max(worst, float(np.abs(W @ x["q"][t] - y[t]).max()))
    return worst / float(np.abs(y).max())


def _recursive(size: Size, rng: np.random.Generator) -> float:
    """Recursive least squares (Plackett 1950): P shrinks by what each key has told."""
    x, P, W = arrays(rng, size.length), np.eye(6) / 0.7, np.zeros((5, 6))
    for k, v in zip(x["k"], x["v"], strict=True):
        gain = P @ k / (1 + k @ P @ k)
        W, P = W + np.outer(v - W @ k, gain), P - np.outer(gain, k @ P)
    return apart(fw.scan("mesa", **x, ridge=np.full(6, 0.7), decay=1.0).W, W)


def _eigenvalues(name: str, size: Size, rng: np.random.Generator) -> float:
    """Those of the matrix that one step multiplies W by, measured on W = I without a value."""
    k, beta, a = rng.uniform(-0.7, 0.7, 6), 0.4, 0.8
    more: dict[str, Any] = {"decay": np.array([a])} if RULES[name].uses_decay else {}
    none: dict[str, Any] = {"q": np.zeros((1, 6)), "k": k[None], "v": np.zeros((1, 6)), "beta": np.array([beta])}
    found = np.linalg.eigvals(fw.scan(name, **none, W0=np.eye(6), **more).W).real
    erased = beta * float(k @ k)
    last = {"delta": 1 - erased, "gated_delta": a * (1 - erased), "longhorn": 1 / (1 + erased)}[name]
    return apart(np.sort(found), np.sort([a if more else 1.0] * 5 + [last]))


def _parity(size: Size, rng: np.random.Generator) -> float:
    bits, one = rng.integers(0, 2, size.length), np.ones((size.length, 1))
    y = fw.scan("delta", one, one, 0 * one, beta=2.0 * bits, W0=np.ones((1, 1))).y
    return apart(y[:, 0], 1.0 - 2 * (np.cumsum(bits) % 2))


def _counting(size: Size, rng: np.random.Generator) -> float:
    """A rotation by a fifth of a turn is a product of two reflections."""
    counts, half = rng.integers(0, 2, size.length), np.pi / 5
    first = np.broadcast_to([1.0, 0.0], (size.length, 2))
    k = np.stack([first, np.where(counts[:, None] > 0, [np.cos(half), np.sin(half)], [1.0, 0.0])], axis=1)
    q = np.broadcast_to([1.0, 0.0], (size.length, 2))
    y = fw.scan("delta_product(2)", q, k, np.zeros((size.length, 2, 2)), beta=2.0, W0=np.eye(2)).y
    angle = 2 * np.pi / 5 * np.cumsum(counts)
    return apart(y, np.stack([np.cos(angle), -np.sin(angle)], axis=-1))


def _permutations(size: Size, rng: np.random.Generator, start: float = 1.0) -> float:
    """Four swaps of neighbours or others make every permutation of five; each swap is a reflection."""
    swaps = np.stack([rng.choice(5, 2, replace=False) for _ in range(4 * size.length)]).reshape(size.length, 4, 2)
    k = np.zeros((size.length, 4, 5))
    for t, i in np.ndindex(size.length, 4):
        k[t, i, swaps[t, i, 0]], k[t, i, swaps[t, i, 1]] = 0.5**0.5, -(0.5**0.5)
    row = start * np.arange(1.0, 6.0)
    found: Any = fw.scan("delta_product(4)", np.ones((size.length, 5)), k, np.zeros((size.length, 4, 1)), beta=2.0,
                    W0=row[None], states=1).states  # fmt: skip
    for t in range(size.length):
        for i, j in swaps[t]:
            row[[i, j]] = row[[j, i]]
        if apart(found[t], row) > ROUNDING:
            return apart(found[t], row)
    return apart(found[-1], row)


def _zero(size: Size, rng: np.random.Generator) -> float:
    return _permutations(size, rng, start=0.0)


def _oja(size: Size, rng: np.random.Generator) -> float:
    x, W = arrays(rng, size.length), rng.standard_normal((5, 6))
    x["v"] /= np.linalg.norm(x["v"], axis=-1, keepdims=True)
    swapped = {"q": np.zeros((size.length, 5)), "k": x["v"], "v": x["k"]}
    return apart(fw.scan("oja", **x, beta=0.5, W0=W).W, fw.scan("delta", **swapped, beta=0.5, W0=W.T).W.T)


# on average -----------------------------------------------------------------------------------------------------------


def average(size: Size, seed: int) -> xr.Dataset:
    """One draw of everything that holds on average."""
    d, rng = size.d_key, seeds.generator(seed, "average")
    text = {"units": "1"}

    def unit(*shape: int) -> Array:
        x = rng.standard_normal((*shape, d))
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    norms = []
    for beta in BETAS:
        k, v = unit(2 * size.burn), unit(2 * size.burn)
        states: Any = fw.scan("delta", np.zeros_like(k), k, v, beta=beta, states=50).states
        norms.append(np.mean(np.sum(states[len(states) // 2 :] ** 2, axis=(-2, -1))))
    k, v = unit(size.writes), rng.standard_normal((size.writes, d))
    W = fw.scan("delta", np.zeros_like(k), k, v, beta=1.0).W
    W_less = fw.scan("delta", np.zeros_like(k[1:]), k[1:], v[1:], beta=1.0).W
    ages = np.arange(0, size.writes, 31)
    at = size.writes - 1 - ages
    signal = np.sum(((W - W_less) @ k[0]) * v[0]) / np.sum(v[0] ** 2)
    recalled = k[at] @ W.T
    error = np.sum((recalled - v[at]) ** 2, axis=1) / d
    k, v = unit(size.pairs), np.sign(rng.standard_normal((size.pairs, d)))
    y = k @ fw.scan("hebb", np.zeros_like(k), k, v).W.T
    cosine = np.sum(y * v, axis=1) / np.linalg.norm(y, axis=1) / np.linalg.norm(v, axis=1)
    floor = _pseudo_inverse(size, rng)
    variables: dict[str, Any] = {
        "norm": ("strength", norms, text | {"long_name": "squared norm of W"}),
        "signal": ((), signal, text | {"long_name": "what is left of the first item"}),
        "error_of_age": ("age", error, text | {"long_name": "squared error for each value"}),
        "hebb_error": ((), np.mean(np.sum((y - v) ** 2, axis=1)) / d, text | {"long_name": "squared error"}),
        "hebb_cosine": ((), cosine.mean(), text | {"long_name": "cosine of recall"}),
        "hebb_sign": ((), np.mean(np.sign(y) != v), text | {"long_name": "wrong signs"}),
        "floor": ((), floor, text | {"long_name": "loss"}),
    }
    coords: dict[str, Any] = {"strength": ("strength", list(BETAS), text | {"long_name": "write strength"})}
    coords |= {"age": ("age", ages, text | {"long_name": "later writes"})}
    return results.dataset(variables, coords)


def _pseudo_inverse(size: Size, rng: np.random.Generator) -> float:
    """Loss of the best matrix from random keys to one-hot values."""
    keys = rng.standard_normal((size.symbols, size.d_key))
    return float(np.sum((keys @ np.linalg.pinv(keys) - np.eye(size.symbols)) ** 2) / 2 / size.symbols)


def expected(size: Size) -> xr.Dataset:
    """The closed forms of `average`."""
    d, pairs = size.d_key, size.pairs
    ages = np.arange(0, size.writes, 31)
    errors = [theory.delta_squared_error(int(n), size.writes, d) for n in ages]
    text = {"units": "1", "long_name": "closed form"}
    return xr.Dataset({
        "norm_theory": ("strength", [theory.delta_norm(beta, d) for beta in BETAS], text),
        "signal_theory": ((), theory.delta_signal(size.writes - 1, d), text),
        "error_of_age_theory": ("age", errors, text),
        "hebb_error_theory": ((), theory.hebb_squared_error(pairs, d), text),
        "hebb_cosine_theory": ((), theory.hebb_cosine(pairs, d), text),
        "hebb_sign_theory": ((), theory.hebb_sign_error(pairs, d), text),
        "floor_theory": ((), theory.matrix_floor(size.symbols, d), text),
    })  # fmt: skip


def rows(ds: xr.Dataset) -> list[Row]:
    """A residual for each identity, and each average beside its closed form."""
    found = [Row(f"{name}, residual", ds.residual.sel(identity=name), 0.0, "exact", band=ROUNDING)
             for name in ds.identity.values]  # fmt: skip
    for beta in ds.strength.values:
        one = ds.sel(strength=beta)
        found.append(Row(f"delta: squared norm of W, beta {beta:g}", one.norm, one.norm_theory, "theory"))
    found.append(Row("delta: what is left of the first item", ds.signal, ds.signal_theory, "theory"))
    for age in ds.age.values:
        one = ds.sel(age=age)
        what = f"delta: squared error of an item {age} writes old"
        found.append(Row(what, one.error_of_age, one.error_of_age_theory, "theory", band=1e-12 if age == 0 else 0.0))
    for name, text in (("error", "squared error"), ("cosine", "cosine of recall"), ("sign", "wrong signs")):
        found.append(Row(f"hebb: {text}", ds[f"hebb_{name}"], ds[f"hebb_{name}_theory"], "theory"))
    return [*found, Row("best matrix memory: loss", ds.floor, ds.floor_theory, "theory", band=1e-12)]


def figure(ds: xr.Dataset) -> Any:
    """Residuals in order, and averages against their closed forms."""
    from synfwp import plot

    fig, axes = plot.figure("double", 70, "abc")
    ax = axes["a"]
    sizes = np.sort(np.maximum(ds.residual.values, 1e-17))
    ax.semilogy(np.arange(1, len(sizes) + 1), sizes, "o", color=plot.COLOURS["blue"], markersize=3)
    ax.axhline(ROUNDING, color="black", linestyle="--", linewidth=1)
    ax.set(xlabel="identity (in order)", ylabel="residual")
    ax = axes["b"]
    plot.points(ax, ds.strength, ds.norm.mean("seed"), ds.norm.std("seed"), colour="blue", label="simulated")
    fine = np.linspace(0.05, 1.6, 100)
    ax.plot(fine, theory.delta_norm(fine, size_of(ds)["d_key"]), color="black", linestyle="--", label="closed form")
    ax.set(xlabel="beta", ylabel="squared norm of W", ylim=(0, None))
    plot.legend(ax)
    ax = axes["c"]
    mean, sd = ds.error_of_age.mean("seed"), ds.error_of_age.std("seed")
    plot.points(ax, ds.age, mean, sd, colour="vermillion", label="simulated")
    size = size_of(ds)
    every = np.arange(size["writes"])
    ax.plot(every, [theory.delta_squared_error(int(n), size["writes"], size["d_key"]) for n in every], color="black",
            linestyle="--", label="closed form")  # fmt: skip
    ax.set(xlabel="later writes (number)", ylabel="squared error per value", ylim=(0, None))
    plot.legend(ax)
    plot.letter(axes)
    return fig


def size_of(ds: xr.Dataset) -> dict[str, Any]:
    """The size of a run."""
    size: dict[str, Any] = json.loads(str(ds.attrs["parameters"]))["size"]
    return size


def caption(ds: xr.Dataset) -> str:
    """What is drawn, with its numbers."""
    size = size_of(ds)
    return (
        f"Identities and theory. (a) {ds.sizes['identity']} exact identities in double precision, in order of their "
        "residual: the largest difference over the largest number compared, on random instructions of "
        f"{size['length']} steps; dashed: {ROUNDING:g}, which counts as rounding; the largest is "
        f"{float(ds.residual.max()):.1g}. (b) Squared norm of the fast weights of the delta rule under random unit "
        f"keys and values of {size['d_key']} features, mean and SD of {ds.sizes['seed']} seeds, and d beta / (2 - "
        f"beta). (c) Squared error of the recall of an item after {size['writes']} writes with beta = 1, against the "
        "writes after it, and the recursion over its age."
    )
