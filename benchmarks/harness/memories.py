"""Memory and dynamics beside the same in plain NumPy and PyTorch, a part in a process: ``python -m harness.memories``.

A part first checks that all sides agree, and then times them by turns. PyTorch is left out where it is not installed.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from importlib import util
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import synfwp as fw
from synfwp import memory, seeds

DECAY, BETA, D = 0.99, 0.5, 64
LOADS = (8, 16, 32, 64, 128, 256, 384, 512)
MOST_READ = 256  # queries of an episode
RULES: Mapping[str, tuple[float, bool]] = {  # decay of each step, and whether the prediction is taken off
    "hebb": (1.0, False),
    "leaky_hebb": (DECAY, False),
    "delta": (1.0, True),
    "gated_delta": (DECAY, True),
    "longhorn": (1.0, True),
}
ROUNDING = 1e-8  # relative: hundreds of steps in another order
APART = 4.0  # standard errors


def main() -> None:
    """Run one part and print it as JSON."""
    from .worker import pin

    processors, part, size = json.loads(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    pin(processors)
    threads = max(len(processors), 1)
    with threadpool_limits(threads):
        if util.find_spec("torch"):
            import torch

            torch.set_num_threads(threads)
        print(json.dumps(PARTS[part](**size)))


def timed(sides: Mapping[str, Callable[[], Any]], rounds: int, warm: bool = True) -> dict[str, list[float]]:
    """Median seconds of every side, and of all its processors, run by turns after one call of each that is not timed.

    The second number is what counts of one thread where other programs run beside.
    """
    seconds: dict[str, list[list[float]]] = {name: [] for name in sides}
    for run in sides.values() if warm else ():
        run()
    for _ in range(rounds):
        for name, run in sides.items():
            start = time.perf_counter(), time.process_time()
            run()
            seconds[name].append([time.perf_counter() - start[0], time.process_time() - start[1]])
    return {name: [statistics.median(x) for x in zip(*values, strict=True)] for name, values in seconds.items()}


def torch_sides(make: Callable[[], Mapping[str, Callable[[], Any]]]) -> dict[str, Callable[[], Any]]:
    """The sides of PyTorch, or none."""
    return dict(make()) if util.find_spec("torch") else {}


# capacity -------------------------------------------------------------------------------------------------------------


def systems() -> dict[str, Any]:
    """The rules with their steps and decays."""
    gates = {name: {"decay": DECAY} if retained < 1 else {} for name, (retained, _) in RULES.items()}
    return {name: memory.System(name, beta=BETA, **gates[name]) for name in RULES}


def numpy_reads(rule: str, k: Any, v: Any, q: Any) -> Any:
    """The recurrence, all episodes (n, P, d) at once."""
    decay, erases = RULES[rule]
    W = np.zeros((len(k), v.shape[2], k.shape[2]))
    for t in range(k.shape[1]):
        kt, beta = k[:, t], BETA
        if rule == "longhorn":
            beta = (BETA / (1 + BETA * (kt**2).sum(axis=1)))[:, None]
        W *= decay
        write = v[:, t] - (W @ kt[..., None])[..., 0] if erases else v[:, t]
        W += (beta * write)[..., None] * kt[:, None]
    return q @ np.swapaxes(W, 1, 2)


def one_episode(rule: str, k: Any, v: Any, q: Any, rng: Any) -> Any:
    """The recurrence as a system of `synfwp.capacity`."""
    return numpy_reads(rule, k[None], v[None], q[None])[0]


def torch_reads(rule: str, k: Any, v: Any, q: Any) -> Any:
    """The same in PyTorch."""
    import torch

    decay, erases = RULES[rule]
    W = torch.zeros(len(k), v.shape[2], k.shape[2], dtype=k.dtype)
    for t in range(k.shape[1]):
        kt, beta = k[:, t], BETA
        if rule == "longhorn":
            beta = (BETA / (1 + BETA * (kt**2).sum(dim=1)))[:, None]
        W = W * decay
        write = v[:, t] - torch.bmm(W, kt[..., None])[..., 0] if erases else v[:, t]
        W = torch.baddbmm(W, (beta * write)[..., None], kt[:, None])
    return q @ W.mT


def curve(reads: Callable[..., Any], drawn: Callable[[Any], Any], loads: Any, n: int) -> dict[str, list[float]]:
    """Mean recall cosine of every rule at every load, of unit normal keys and normal values."""
    found: dict[str, list[float]] = {rule: [] for rule in RULES}
    for load in loads:
        rng = seeds.generator(0, "benchmark", load)
        k, v = rng.standard_normal((2, n, load, D))
        k /= np.linalg.norm(k, axis=-1, keepdims=True)
        asked = rng.permutation(load)[:MOST_READ]
        for rule in RULES:
            target = v[:, asked]
            y = np.asarray(reads(rule, drawn(k), drawn(v), drawn(k[:, asked])))
            norms = np.linalg.norm(y, axis=-1) * np.linalg.norm(target, axis=-1)
            found[rule].append(float(((y * target).sum(axis=-1) / norms).mean()))
    return found


def capacity(loads: list[int], seeds: int, rounds: int) -> dict[str, Any]:
    """A curve of five rules, and the same by hand."""
    ours = lambda beta: fw.capacity(beta, loads=loads, d_key=D, seeds=seeds)  # noqa: E731
    own = {
        f"NumPy {rule}": lambda k, v, q, rng, rule=rule: numpy_reads(rule, k[None], v[None], q[None])[0]
        for rule in RULES
    }
    both = fw.capacity(systems() | own, loads=loads[:3], d_key=D, seeds=2).score
    for rule in RULES:  # the same episodes
        np.testing.assert_allclose(both.sel(system=f"NumPy {rule}"), both.sel(system=rule), rtol=ROUNDING)
    sides: dict[str, Callable[[], Any]] = {
        "synfwp": lambda: ours(systems()),
        "synfwp, steps and decays chosen": lambda: ours({rule: rule for rule in RULES}),
        "NumPy": lambda: curve(numpy_reads, np.asarray, loads, seeds),
    }

    def others() -> Mapping[str, Callable[[], Any]]:
        import torch

        one, two = curve(torch_reads, torch.from_numpy, loads[:3], 2), curve(numpy_reads, np.asarray, loads[:3], 2)
        for rule in RULES:
            np.testing.assert_allclose(one[rule], two[rule], rtol=ROUNDING)
        return {"PyTorch": lambda: curve(torch_reads, torch.from_numpy, loads, seeds)}

    sides |= torch_sides(others)
    drawn = fw.capacity(systems(), loads=loads, d_key=D, seeds=seeds).score
    by_hand = curve(numpy_reads, np.asarray, loads, seeds)
    for rule in RULES:  # other draws of the same size
        one = drawn.sel(system=rule)
        error = np.sqrt(2 / seeds) * one.std("seed", ddof=1) + 1e-3
        assert (abs(one.mean("seed") - by_hand[rule]) < APART * error).all(), rule
    return {"seconds": timed(sides, rounds)}


# synapses -------------------------------------------------------------------------------------------------------------


def numpy_cascade(levels: int, changes: Any, rng: Any) -> Any:
    """Signs (N,) of cascades after changes (T, N) of +-1: the rates of Fusi, Drew & Abbott 2005, x = 1/2."""
    n = changes.shape[1]
    sign, level = rng.choice([-1.0, 1.0], n), rng.integers(levels, size=n)
    k = np.arange(levels)
    p, q = 2.0**-k, 2.0**-k  # deeper: x^(k+1) / (1 - x); over: x^k
    p[-1], q[-1] = 0.0, 2.0 ** -(levels - 2)
    for change in changes:
        chance, same = rng.random(n), sign == change
        level += same & (chance < p[level])
        over = ~same & (chance < q[level])
        sign[over] *= -1
        level[over] = 0
    return sign


def numpy_chain(variables: int, changes: Any) -> Any:
    """First variables (N,) of chains after changes (T, N): Benna & Fusi 2016, g = 1/8, n = 2."""
    u = np.zeros((variables + 1, changes.shape[1]))
    i = np.arange(2, variables + 1)[:, None]
    up, down = 2.0 ** (-2 * i), 2.0 ** (-2 * i - 1)
    for change in changes:
        flow = u[:-1] - u[1:]
        u[1:-1] += up * flow[:-1] - down * flow[1:]
        u[0] += change - flow[0] / 8
    return u[0]


def torch_chain(variables: int, changes: Any) -> Any:
    """The same in PyTorch."""
    import torch

    u = torch.zeros(variables + 1, changes.shape[1], dtype=torch.float64)
    i = torch.arange(2, variables + 1, dtype=torch.float64)[:, None]
    up, down = 2.0 ** (-2 * i), 2.0 ** (-2 * i - 1)
    for change in changes:
        flow = u[:-1] - u[1:]
        u[1:-1] += up * flow[:-1] - down * flow[1:]
        u[0] += change - flow[0] / 8
    return u[0]


def torch_cascade(levels: int, changes: Any, seed: int) -> Any:
    """The cascade in PyTorch."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    n = changes.shape[1]
    sign = 2.0 * torch.randint(2, (n,), generator=draw) - 1
    level = torch.randint(levels, (n,), generator=draw)
    k = torch.arange(levels, dtype=torch.float64)
    p, q = 2.0**-k, 2.0**-k
    p[-1], q[-1] = 0.0, 2.0 ** -(levels - 2)
    for change in changes:
        chance, same = torch.rand(n, generator=draw, dtype=torch.float64), sign == change
        level += same & (chance < p[level])
        over = ~same & (chance < q[level])
        sign = torch.where(over, -sign, sign)
        level = torch.where(over, 0, level)
    return sign


def pairs(side: int, writes: int) -> tuple[Any, Any]:
    """Keys and values of +-1: their outer products change every synapse."""
    rng = seeds.generator(0, "benchmark", side)
    return tuple(rng.choice([-1.0, 1.0], (2, writes, side)))  # type: ignore[return-value]


def synapses(side: int, writes: int, by_hand: int) -> dict[str, Any]:
    """Cascades and chains of beakers under Hebb's rule: all writes of ours, and so many of the others."""
    cascade, chain = memory.Cascade(levels=10), memory.BennaFusi(variables=10)
    k, v = pairs(30, 60)
    changes = (v[:, :, None] * k[:, None]).reshape(60, -1)
    W = run_through(chain, k, v)
    np.testing.assert_allclose(numpy_chain(10, changes).reshape(W.shape), W, rtol=ROUNDING, atol=1e-10)
    kept = {  # of the last change, whose signal is 1 / levels, in Monte Carlo
        "synfwp": [(run_through(cascade, k, v, seed).ravel() * changes[-1]).mean() for seed in range(10)],
        "NumPy": [(numpy_cascade(10, changes, np.random.default_rng(i)) * changes[-1]).mean() for i in range(10)],
    }

    def others() -> Mapping[str, Callable[[], Any]]:
        import torch

        sent = torch.from_numpy(changes)
        np.testing.assert_allclose(torch_chain(10, sent).reshape(W.shape), W, rtol=ROUNDING, atol=1e-10)
        kept["PyTorch"] = [float((torch_cascade(10, sent, i) * sent[-1]).mean()) for i in range(10)]
        return {
            "PyTorch, cascade": lambda: torch_cascade(10, torch.from_numpy(few), 0),
            "PyTorch, beakers": lambda: torch_chain(10, torch.from_numpy(few)),
        }

    few = changes
    sides = torch_sides(others)
    for name in set(kept) - {"synfwp"}:
        apart = np.mean(kept[name]) - np.mean(kept["synfwp"])
        assert abs(apart) < APART * np.hypot(*(np.std(kept[x], ddof=1) / 10**0.5 for x in (name, "synfwp"))), name
    k, v = pairs(side, writes)
    few = (v[:by_hand, :, None] * k[:by_hand, None]).reshape(by_hand, -1)
    sides |= {
        "NumPy, cascade": lambda: numpy_cascade(10, few, np.random.default_rng(0)),
        "NumPy, beakers": lambda: numpy_chain(10, few),
    }
    ours = {
        "synfwp, cascade": lambda: run_through(cascade, k, v),
        "synfwp, beakers": lambda: run_through(chain, k, v),
    }
    seconds = timed(ours, 1, warm=False)  # the kernel has run above
    seconds |= {name: [x * writes / by_hand for x in both] for name, both in timed(sides, 3).items()}
    return {"seconds": seconds, "by_hand": by_hand, "writes": writes, "synapses": side**2}


def run_through(on: Any, k: Any, v: Any, seed: int = 0) -> Any:
    """Weights that are read after all writes; one thread."""
    query = np.zeros_like(k)
    return memory.scan_through(on, "hebb", query, k, v, seed=seed, threads=1).W


# spectra --------------------------------------------------------------------------------------------------------------


def numpy_spectra(k: Any, beta: Any) -> tuple[Any, Any]:
    """Eigenvalues of every transition of the delta rule, and Lyapunov exponents by QR."""
    M = np.eye(k.shape[1]) - beta[:, None, None] * k[:, :, None] * k[:, None]
    Q, logs = np.eye(k.shape[1]), np.zeros(k.shape[1])
    for step in M:
        Q, R = np.linalg.qr(step.T @ Q)
        logs += np.log(np.abs(np.diag(R)))
    return np.linalg.eigvals(M), np.sort(logs / len(M))[::-1]


def torch_spectra(k: Any, beta: Any) -> tuple[Any, Any]:
    """The same in PyTorch."""
    import torch

    M = torch.eye(k.shape[1], dtype=k.dtype) - beta[:, None, None] * k[:, :, None] * k[:, None]
    Q, logs = torch.eye(k.shape[1], dtype=k.dtype), torch.zeros(k.shape[1], dtype=k.dtype)
    for step in M:
        Q, R = torch.linalg.qr(step.mT @ Q)
        logs += torch.diag(R).abs().log()
    return torch.linalg.eigvals(M), (logs / len(M)).sort(descending=True).values


def spectra(tokens: int, rounds: int) -> dict[str, Any]:
    """Transition spectra and exponents of a run of the delta rule; ours has ranks, norms and contributions besides."""
    rng = seeds.generator(0, "benchmark", "spectra")
    k, v = rng.standard_normal((2, tokens, D))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    beta = rng.uniform(0.1, 0.9, tokens)
    run = fw.simulate("delta", fw.Instructions(k, k, v, beta), states=16)
    ours, (_, exponents) = fw.spectra(run), numpy_spectra(k, beta)
    np.testing.assert_allclose(ours.lyapunov_exponent.values.ravel(), exponents, rtol=1e-6, atol=1e-9)
    total = np.log(1 - beta).mean()  # of unit keys
    np.testing.assert_allclose(exponents.sum(), total, rtol=1e-6)
    sides: dict[str, Callable[[], Any]] = {
        "synfwp": lambda: fw.spectra(run),
        "NumPy": lambda: numpy_spectra(k, beta),
    }

    def others() -> Mapping[str, Callable[[], Any]]:
        import torch

        sent = torch.from_numpy(k), torch.from_numpy(beta)
        np.testing.assert_allclose(torch_spectra(*sent)[1], exponents, rtol=1e-6, atol=1e-9)
        return {"PyTorch": lambda: torch_spectra(*sent)}

    return {"seconds": timed(sides | torch_sides(others), rounds)}


PARTS: Mapping[str, Callable[..., dict[str, Any]]] = {"capacity": capacity, "synapses": synapses, "spectra": spectra}

if __name__ == "__main__":
    main()
