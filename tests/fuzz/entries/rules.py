"""Exact rules: scan, vjp, attention and autograd, against the twin of every row; instructions and substrates."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from strategies import INPUTS, ROWS, SINGLE, Problem, aux_shape, outcome, problem, rounding

import synfwp as fw
from fuzz.cases import Arg, Call, Entry, Expected, NoMeaning, Rng, need, pick, sizes
from synfwp import reference, rules
from synfwp.rules import Rule

Array = Any
STEP = 1e-30  # complex: nothing is subtracted, so the derivative is exact to rounding
LEADS: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (2, 1), (0,))
RANGES = {"beta": (0, math.inf), "decay": (0, 1), "momentum": (0, 1), "ridge": (5e-324, math.inf)}
DIMS = {"q": ("time", "key"), "k": ("time", "key"), "v": ("time", "value"), "beta": ("time",), "W0": ("value", "key")}
INSTRUCTED = ("hebb", "anti_hebb", "leaky_hebb", "gated_hebb", "delta", "gated_delta", "key_gated_delta", "longhorn")
NAMES = ("erase", "states", "form", "chunk", "rule", "dW", "daux")


def drawn(rng: Rng, rows: Any = tuple(ROWS), dtype: Any = float, lead: Any = None) -> Problem:
    """Stable instructions of a row, of small sizes."""
    d_k, d_v = sizes(rng, 1, 4, 2)
    lead = pick(rng, LEADS) if lead is None else lead
    return problem(ROWS[pick(rng, rows)], rng, int(rng.integers(0, 6)), d_k, d_v, lead, dtype)


def arguments(p: Problem, rng: Rng, leave_out: tuple[str, ...] = (), broadcast: float = 0.3) -> dict[str, Arg]:
    """The arrays of a problem as arguments; gates and states now and then without the axes of the batch."""
    found = {}
    for name in p.used:
        x = getattr(p, name)
        if name in leave_out:
            continue
        if name not in ("q", "k", "v") and p.lead and 0 not in p.lead and rng.random() < broadcast:
            x = x[(0,) * len(p.lead)]
        found[name] = Arg(x, dims=DIMS.get(name, ()))
    return found


def understood(p: Problem, meant: dict[str, Array], ranges: Mapping[str, tuple[float, float]] = RANGES) -> Problem:
    """The problem that arguments describe, every gate at full size, or `NoMeaning`."""
    rule, given = p.rule, {name: x for name, x in meant.items() if name in INPUTS}
    given = {name: np.asarray(x, float).astype(p.q.dtype) for name, x in given.items()}
    axes = given["q"].ndim - (rule.writes == 1)  # of a beta for each write
    if np.ndim(given.get("beta", 0)) == axes + 1 and given["beta"].shape[-1:] == (1,):
        given["beta"] = given["beta"][..., 0]  # one beta for each value is the same for all
    need(all(np.isfinite(x).all() for x in given.values()) and given["q"].ndim >= 2)
    lead, (T, d_k) = given["q"].shape[:-2], given["q"].shape[-2:]
    phases = (T,) if rule.writes == 1 else (T, rule.writes)
    need("k" not in given or given["k"].shape == (*lead, *phases, d_k))
    need("v" not in given or given["v"].shape[:-1] == (*lead, *phases))
    d_v = given["v"].shape[-1] if "v" in given else given["W0"].shape[-2] - rule.rows(0, d_k) if "W0" in given else 1
    need(d_k and d_v > 0)
    width = d_v if rule.error == "key" else d_k
    full: dict[str, tuple[int, ...]] = {
        "beta": phases, "decay": (T, width) if rule.retain == "key" else (T,), "p": (*phases, d_k),
        "r": (*phases, d_k), "momentum": (T,), "ridge": (d_k,), "W0": (rule.rows(d_v, d_k), d_k),
        "aux0": aux_shape(rule, d_v, d_k),
    }  # fmt: skip
    for name, x in given.items():
        low, high = ranges.get(name, (-math.inf, math.inf))
        need((x >= low).all() and (x <= high).all())
        if name in full:
            try:
                given[name] = np.broadcast_to(x, lead + full[name])
            except ValueError:
                raise NoMeaning from None
    if "W0" not in given and rule.has_weights:
        given["W0"] = np.zeros(lead + full["W0"], p.q.dtype)
    if "aux0" not in given and full["aux0"]:
        given["aux0"] = np.zeros(lead + full["aux0"], p.q.dtype)
    return Problem(rule, **given)


def passed(given: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `scan` by name, p and r as one pair."""
    more = {name: x for name, x in given.items() if name not in ("p", "r")}
    return more | ({"erase": (given["p"], given["r"])} if "p" in given else {})


def bound(p: Problem, found: Any) -> float:
    """How far rounding may go; anywhere, if numbers overflow on the way."""
    far = rounding(p, found) + 1e-15 * float(np.abs(found.y).max(initial=0.0))
    return far if np.isfinite(far) else math.inf


def scan(rng: Rng) -> Call:
    """Every row, form, chunk, number of kept states."""
    single = rng.random() < 0.15
    p = drawn(rng, SINGLE, np.float32) if single else drawn(rng)
    row = p.rule
    optional = tuple(
        name
        for name in ("W0", "aux0")
        if rng.random() < 0.3 and row.uses_keys and row.uses_values and not row.normalised
    )
    form = pick(rng, [None, *(form for form in row.forms if form != "attention"), "auto"])
    more: dict[str, Any] = {"form": Arg(form, "choice" if form else "fixed")}
    if form == "chunkwise":
        more["chunk"] = Arg(int(rng.integers(1, 9)), "count")
    every = int(rng.integers(0, 4)) * (row.has_weights and form is None)
    more["states"] = Arg(every, "count")
    name = row.name if ROWS.get(row.name) == row and row.name in rules.RULES and rng.random() < 0.5 else row
    args = {"rule": Arg(name, "choice" if isinstance(name, str) else "fixed")} | arguments(p, rng, optional) | more

    def run(rule: Any, **given: Any) -> Any:
        return vars(fw.scan(rule, **passed(given)))

    def twin(**meant: Any) -> Any:
        n, chunk = meant.pop("states"), meant.get("chunk", 1)
        need(n >= 0 and chunk >= 1 and (row.has_weights or not n))
        full = understood(p, meant)
        found = outcome(full)
        T = full.q.shape[-2]
        if n:
            states = found.states[..., n - 1 : T - T % n : n, :, :]
        return Expected(
            {"y": found.y, "W": found.W, "aux": found.aux, "states": states if n else None}, bound(full, found)
        )

    return Call(run, args, twin, NAMES)


def _pushed(p: Problem, given: dict[str, Any], seed: int) -> dict[str, Array]:
    """A random direction for every argument, in the shape in which it is passed."""
    found = {}
    for name in p.used:
        if name in given:
            found[name] = np.asarray(
                np.random.default_rng([seed, INPUTS.index(name)]).standard_normal(np.shape(given[name]))
            )
            if name == "aux0" and p.rule.centred:
                found[name][(..., slice(p.q.shape[-1], None)) if found[name].ndim else ()] = (
                    0.0  # the number of keys behind a mean is no parameter
                )
    return found


def _cotangents(p: Problem, rng: Rng) -> dict[str, Array]:
    """Random cotangents of the results that there are."""
    results = outcome(p)[:3]
    return {
        name: rng.standard_normal(x.shape)
        for name, x in zip(("dy", "dW", "daux"), results, strict=True)
        if x is not None
    }


def _forward(p: Problem, meant: dict[str, Any], cotangents: dict[str, Array], seed: int) -> Expected:
    """The derivative of the twin in the random direction, times the cotangents."""
    full = understood(p, meant)
    push = {name: np.broadcast_to(dx, getattr(full, name).shape) for name, dx in _pushed(p, meant, seed).items()}
    found = outcome(full.but(**{name: getattr(full, name) + 1j * STEP * dx for name, dx in push.items()}))
    moved = dict(zip(("dy", "dW", "daux"), found[:3], strict=True))
    pairs = [(np.asarray(c, float), moved[name].imag / STEP) for name, c in cotangents.items()]
    need(all(c.shape == dx.shape and np.isfinite(c).all() for c, dx in pairs))
    size = sum(float(np.linalg.norm(c) * np.linalg.norm(dx)) for c, dx in pairs)
    kink = p.rule.normalised and not full.q.any(axis=-1).all()  # a read divided by 0 is 0 and has no derivative
    tokens = [x for x in (full.q, full.k) if x is not None]
    kink |= p.rule.centred and not all(x.any(axis=-1).all() for x in tokens)  # 0 is no read and no key, and not centred
    return Expected(sum(float(np.sum(c * dx)) for c, dx in pairs), math.inf if kink else 1e-9 * size + 1e-12)


def vjp(rng: Rng) -> Call:
    """The adjoint against the complex step of the twin."""
    p = drawn(rng, lead=pick(rng, LEADS[:4]))
    seed, cotangents = int(rng.integers(2**31)), _cotangents(p, rng)
    args = arguments(p, rng) | {name: Arg(x) for name, x in cotangents.items()}

    def run(**given: Any) -> float:
        c = {name: given.pop(name) for name in cotangents}
        _, pullback = fw.vjp(p.rule, **passed(given))
        return _along(pullback(**c), _pushed(p, given, seed))

    def twin(**meant: Any) -> Expected:
        c = {name: meant.pop(name) for name in cotangents}
        return _forward(p, meant, c, seed)

    return Call(run, args, twin, NAMES)


def _along(grads: Any, push: dict[str, Array]) -> float:
    """Gradients along a direction."""
    parts = {name: grads.erase["pr".index(name)] if name in "pr" else getattr(grads, name) for name in push}
    if any(np.shape(parts[name]) != np.shape(dx) for name, dx in push.items()):
        return math.nan  # a gradient has the shape of its argument
    with np.errstate(all="ignore"):  # of gradients that overflowed, with a warning
        return sum(float(np.sum(parts[name] * dx)) for name, dx in push.items())


def traced(rng: Rng) -> Call:
    """`autograd.scan`: its values, and its gradient against the complex step of the twin."""
    p = drawn(rng, lead=pick(rng, LEADS[:3]))
    args, seed, c = arguments(p, rng), int(rng.integers(2**31)), _cotangents(p, rng)
    order = ("q", "k", "v", "beta", "decay", "p", "r", "momentum", "ridge", "W0", "aux0")

    def values(**given: Any) -> Any:
        from synfwp import autograd

        found = autograd.scan(p.rule, *(given.get(name) for name in order))
        return [x if np.size(x) else None for x in found]

    def answers(**meant: Any) -> Expected:
        full = understood(p, meant)
        found = outcome(full)
        return Expected([x if np.size(x) else None for x in found[:3]], bound(full, found))

    def gradient(**given: Any) -> float:
        from autograd import grad

        from synfwp import autograd

        def loss(given: dict[str, Any]) -> Any:
            found = autograd.scan(p.rule, *(given.get(name) for name in order))
            results = dict(zip(("dy", "dW", "daux"), found, strict=True))
            return sum((results[name] * x).sum() for name, x in c.items())

        found = grad(loss)(given)
        return sum(float(np.sum(found[name] * dx)) for name, dx in _pushed(p, given, seed).items())

    if rng.random() < 0.5:
        return Call(values, args, answers, NAMES)
    fixed = {name: Arg(arg.plain, "fixed") for name, arg in args.items()}
    return Call(gradient, fixed, lambda **meant: _forward(p, meant, c, seed), NAMES)


def attention(rng: Rng) -> Call:
    """The matrix times the values is what the twin reads from W = 0."""
    p = drawn(
        rng,
        [name for name, row in ROWS.items() if "attention" in row.forms and row.error == "value" and row.uses_values],
    )
    p = p.but(**{name: None if x is None else np.zeros_like(x) for name, x in (("W0", p.W0), ("aux0", p.aux0))})
    args = arguments(p, rng, ("v", "W0", "aux0"))

    def run(**given: Any) -> Array:
        A = fw.attention(p.rule, **passed(given))
        return np.einsum("...ts,...sv->...tv" if p.rule.writes == 1 else "...tsn,...snv->...tv", A, p.v)

    def twin(**meant: Any) -> Expected:
        full = understood(p, meant | {"v": p.v})
        found = outcome(full)
        return Expected(found.y, bound(full, found))

    return Call(run, args, twin, NAMES)


def fastest_form(rng: Rng) -> Call:
    """A form that the row has."""
    row = ROWS[pick(rng, sorted(rules.RULES))]
    T, d_k, d_v = sizes(rng, 0, 2000, 3)
    args = {"rule": Arg(row.name, "choice"), "T": Arg(T, "fixed"), "d_k": Arg(d_k, "fixed"), "d_v": Arg(d_v, "fixed")}
    return Call(lambda **a: fw.fastest_form(**a) in row.forms, args, lambda **a: True)


def own_rule(rng: Rng) -> Call:
    """A row of random fields: refused, or run as its sentence at the head of `rules` has it."""
    options: dict[str, tuple[Any, ...]] = {
        "retain": (None, "scalar", "key"), "erase": (None, "beta", "-beta", "proximal", "pair", 0.5, 2.0),
        "write": ("beta", "-beta", "proximal", None, 0.5, -1.5), "order": ("decay_first", "undecayed"),
        "read": ("after", "before"), "error": ("value", "key"), "solver": ("linear", "linear", "momentum", "mesa"),
    }  # fmt: skip
    fields = {name: pick(rng, some) for name, some in options.items() if rng.random() < 0.5}
    flags = {name: bool(rng.random() < 0.2) for name in ("centred", "normalised")}
    if fields.get("write", "beta") is None:  # the twin has no sentence on keys that no value is there for
        flags["normalised"] = False
    if fields.get("erase") == "pair":  # the twin has no sentence on what a pair does to the sum of keys,
        flags["normalised"] = False
    if fields.get("error") == "key" and fields.get("write", "beta") is None:  # nor on keys that no value is there for
        del fields["write"]
    if fields.get("erase") is None and fields.get("write", "beta") is None:  # nor on a rule that does nothing
        del fields["write"]
    args = {name: Arg(x, "choice" if isinstance(x, str) else "fixed") for name, x in fields.items()}
    args |= {"name": Arg("mine", "text"), **{name: Arg(flag, "fixed") for name, flag in flags.items()}}
    writes = int(rng.integers(1, 3)) if fields.get("write", "beta") is not None else 1
    args["writes"] = Arg(writes, "count" if fields.get("write", "beta") is not None else "fixed")
    seed, (T, d_k, d_v) = int(rng.integers(2**31)), sizes(rng, 1, 4, 3)

    def instructions(rule: Rule) -> Problem:
        return problem(rule, np.random.default_rng(seed), T, d_k, d_v)

    def run(**given: Any) -> Any:
        rule = fw.Rule(**given)
        if "recurrent" not in rule.forms or rule.writes > 4:
            return None
        p = instructions(rule)
        out = fw.scan(*p.args, **p.kwargs)
        return {"y": out.y, "W": out.W, "aux": out.aux}

    def twin(**meant: Any) -> Any:
        rule = Rule(**meant)
        if "recurrent" not in rule.forms or rule.writes > 4:
            return None
        p = instructions(rule)
        found = outcome(p)
        return Expected({"y": found.y, "W": found.W, "aux": found.aux}, bound(p, found))

    return Call(run, args, twin, ("mine", "rule", *fields, "form", "k", "v", "W0"), refusable=True)


def instructed(rng: Rng) -> tuple[Problem, dict[str, Arg]]:
    """Instructions from W = 0 that every substrate could run."""
    p = drawn(rng, INSTRUCTED, lead=pick(rng, ((), (1,), (2,))))
    p = problem(p.rule, rng, int(rng.integers(1, 5)), p.q.shape[-1], p.d_v, p.lead)
    p = p.but(W0=np.zeros_like(p.W0))
    return p, arguments(p, rng, ("W0",), broadcast=0.0)


def instructions(rng: Rng) -> Call:
    """`Instructions` to a Dataset, its dims in another order, and back; what writes; the values in another order."""
    p, args = instructed(rng)
    args["seed"] = Arg(int(rng.integers(100)), "seed")

    def run(seed: Any, **given: Any) -> Any:
        sent = fw.Instructions(**given)
        back = fw.Instructions.from_dataset(sent.to_dataset().transpose(..., "time"))
        mixed = sent.shuffled(seed)
        return {name: np.asarray(getattr(back, name)) for name in given} | {
            "writes": sent.writes, "mixed": np.sort(mixed.v, axis=-2), "flat": sent.one_axis().q
        }  # fmt: skip

    def twin(seed: Any, **meant: Any) -> Any:
        full = understood(p, meant, {})  # a rule knows ranges
        arrays = {name: getattr(full, name) for name in args if name != "seed"}
        nonzero = (full.k != 0).any(axis=-1)
        writes = nonzero if full.beta is None else nonzero & (full.beta > 0)
        flat = full.q.reshape(math.prod(full.lead), *full.q.shape[-2:])
        return arrays | {"writes": writes, "mixed": np.sort(full.v, axis=-2), "flat": flat}

    return Call(run, args, twin, NAMES)


def simulate_exact(rng: Rng) -> Call:
    """The labelled door with the exact substrate, from arrays or a Dataset."""
    p, args = instructed(rng)
    labelled = bool(rng.random() < 0.5)
    args["seed"] = Arg(int(rng.integers(100)), "seed")

    def run(seed: Any, **given: Any) -> Any:
        fw.seeds.generator(seed)  # a sequence of seeds would be several runs
        sent: Any = fw.Instructions(**given)
        sent = sent.to_dataset().transpose(..., "time") if labelled else sent
        ds = fw.simulate(p.rule, sent, on=fw.Exact(), seed=seed)
        return {"y": ds.y.values, "W": ds.W.values, "y_exact": ds.y_exact.values}

    def twin(seed: Any, **meant: Any) -> Any:
        full = understood(p, meant)
        found = outcome(full)
        return Expected({"y": found.y, "W": found.W, "y_exact": found.y}, bound(full, found))

    return Call(run, args, twin, NAMES)


def simulate_rate(rng: Rng) -> Call:
    """The rate network against its differential equations in small steps."""
    name, flow = pick(
        rng, (("hebb", "instant"), ("delta", "instant"), ("delta", "sample_and_hold"), ("delta", "lagged"))
    )
    p = problem(ROWS[name], rng, 2, 2, 2)
    times = {"tau": 20.0, "T_write": 60.0, "T_read": 60.0, "gap": 20.0}
    args = {x: Arg(value * float(rng.uniform(0.8, 1.2)), "number", "ms") for x, value in times.items()}
    args |= {"flow": Arg(flow, "choice"), "beta": Arg(rng.uniform(0, 1, 2), dims=("time",))}

    def run(beta: Any, **given: Any) -> Any:
        ds = fw.simulate(name, fw.Instructions(p.q, p.k, p.v, beta), on=fw.RateNetwork(**given))
        return {"y": ds.y.values, "W": ds.W.values}

    def twin(beta: Any, **meant: Any) -> Any:
        numbers = [meant[x] for x in times]
        need(all(np.isfinite(numbers)) and min(numbers[:3]) > 0 and numbers[3] >= 0 and np.all(np.asarray(beta) >= 0))
        gain = np.broadcast_to(np.asarray(beta, float), 2)
        if max(numbers) > 1e4 * min(numbers[:3]):  # more small steps than there is time for: finite is enough
            return Expected({"y": np.zeros((2, 2)), "W": np.zeros((2, 2))}, math.inf)
        y, W = reference.rate_network(
            name == "delta",
            meant["flow"],
            p.q,
            p.k,
            p.v,
            gain,
            None,
            *numbers,
            steps=max(20, int(4 * max(numbers) / numbers[0])),
        )
        return Expected(
            {"y": y, "W": W}, 2e-3 * (np.abs(W).max() + np.abs(y).max()) + 1e-12
        )  # of Runge-Kutta in such steps

    return Call(run, args, twin, (*NAMES, "rule", "k"))


def simulate_spikes(rng: Rng) -> Call:
    """Spiking networks: any disguise gives what the plain arguments give, with the same seed."""
    p = problem(ROWS[pick(rng, ("hebb", "delta"))], rng, 2, 2, 2)
    args = {"q": Arg(np.abs(p.q), dims=DIMS["q"]), "k": Arg(np.abs(p.k), dims=DIMS["k"]), "v": Arg(p.v, dims=DIMS["v"])}
    args |= {"beta": Arg(p.beta / 4, dims=("time",)), "seed": Arg(int(rng.integers(100)), "seed", dims=("seed",))}
    args |= {"delay": Arg(1.0, "number", "ms"), "w0": Arg(float(rng.uniform(1, 3)), "number")}
    engine = pick(rng, ("counts", "counts", "counts", "poisson", "lif"))

    def run(seed: Any, delay: Any, w0: Any, **given: Any) -> Any:
        on = fw.SpikingNetwork(engine=engine, delay=delay, w0=w0, code=fw.RateCode(neurons_per_feature=1))
        ds = fw.simulate(p.rule, fw.Instructions(**given), on=on, seed=seed)
        return {"y": ds.y.values, "W": ds.W.values}

    return Call(run, args, run, (*NAMES, "rule"), nan=True)


ENTRIES = (
    Entry("scan", scan, 20),
    Entry("vjp", vjp, 8),
    Entry("autograd.scan", traced, 3),
    Entry("attention", attention, 5),
    Entry("fastest_form", fastest_form, 1),
    Entry("Rule", own_rule, 5),
    Entry("Instructions", instructions, 2),
    Entry("simulate on Exact", simulate_exact, 2),
    Entry("simulate on RateNetwork", simulate_rate, 0.5),
    Entry("simulate on SpikingNetwork", simulate_spikes, 0.5),
)
