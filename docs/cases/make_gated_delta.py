"""Write gated_delta_vectors.json beside this file, from the plain loop of ``synfwp.reference`` in float64."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from synfwp import reference

PATH = Path(__file__).with_name("gated_delta_vectors.json")
# name, heads, T, d_k, d_v, and where the run is cut
SIZES = [
    ("one step", 1, 1, 4, 3, 0),
    ("seven steps", 2, 7, 4, 3, 3),
    ("more values than keys", 1, 7, 2, 6, 6),
    ("sixty-four steps", 2, 64, 8, 5, 33),
    ("no step", 1, 0, 3, 2, 0),
]
EDGES = ["beta 0", "beta 2 on a unit key", "decay 1", "decay 0", "no initial state"]


def grid(x: np.ndarray) -> np.ndarray:
    """Multiples of 1/256: the same numbers in float32 and float64, with few digits."""
    return np.round(x * 256) / 256


def run(q: Any, k: Any, v: Any, beta: Any, decay: Any, W: Any) -> tuple[np.ndarray, np.ndarray]:
    """Reads (heads, T, d_v) and the last S (heads, d_k, d_v) of all heads."""
    reads, states = [], []
    for h in range(len(q)):
        y, every = reference.gated_delta(q[h], k[h], v[h], beta[h], decay[h], W[h])
        reads.append(y)
        states.append((every[-1] if len(every) else W[h]).T)
    return np.array(reads).reshape(*v.shape), np.array(states)


def case(name: str, rng: np.random.Generator, heads: int, T: int, d_k: int, d_v: int, cut: int) -> dict[str, Any]:
    """One case; the name of an edge changes what it is about."""
    q, k = (grid(rng.uniform(-1, 1, (heads, T, d_k)) / d_k**0.5) for _ in range(2))
    v, S0 = grid(rng.standard_normal((heads, T, d_v))), grid(rng.standard_normal((heads, d_k, d_v)))
    beta, decay = grid(rng.uniform(0, 1, (heads, T))), grid(rng.uniform(0.5, 1, (heads, T)))
    if name == "beta 0":
        beta[:, ::2] = 0
    if name == "beta 2 on a unit key":
        beta[:], k[:] = 2, np.eye(d_k)[np.arange(T) % d_k]
    if name == "decay 1":
        decay[:] = 1
    if name == "decay 0":
        decay[:, [2, 5]] = 0
    if name == "no initial state":
        S0[:] = 0
    y, S = run(q, k, v, beta, decay, np.swapaxes(S0, 1, 2))
    _, middle = run(q[:, :cut], k[:, :cut], v[:, :cut], beta[:, :cut], decay[:, :cut], np.swapaxes(S0, 1, 2))
    with np.errstate(divide="ignore"):
        g = np.log(decay)
    sent = {"q": q, "k": k, "v": v, "beta": beta, "decay": decay, "S0": S0}
    wanted = {"y": y, "S": S, "S_cut": middle}
    found: dict[str, Any] = {"name": name, "heads": heads, "T": T, "d_k": d_k, "d_v": d_v, "cut": cut}
    found |= {"inputs": {x: value.tolist() for x, value in sent.items()}}
    found["inputs"]["g"] = [["-inf" if np.isinf(x) else float(x) for x in row] for row in g]
    found |= {"float64": {x: value.tolist() for x, value in wanted.items()}}
    found |= {"float32": {x: value.astype(np.float32).astype(float).tolist() for x, value in wanted.items()}}
    return found


def cases() -> dict[str, Any]:
    """All cases, and what a reader of the file alone has to know."""
    rng = np.random.default_rng(2025)
    made = [case(name, rng, *size) for name, *size in SIZES] + [case(name, rng, 1, 7, 4, 3, 4) for name in EDGES]
    return {
        "rule": "S_t = decay_t S_{t-1}; S_t = S_t + beta_t k_t (v_t - S_t^T k_t)^T; y_t = S_t^T q_t",
        "layout": "q, k [head][time][d_k]; v, y [head][time][d_v]; beta, decay, g [head][time]; S [head][d_k][d_v]",
        "scale": "queries are not scaled",
        "g": "natural logarithm of decay; the string '-inf' for a decay of 0",
        "tolerance": {"float64": 1e-12, "float32": 2e-5},
        "cases": made,
    }


def text() -> str:
    """The file: a line for each array, and one for each case's head."""
    whole = cases()
    made = whole.pop("cases")
    head = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in whole.items())
    return (
        f'{{\n{head},\n "cases": [\n'
        + ",\n".join("  " + json.dumps(one, allow_nan=False) for one in made)
        + "\n ]\n}\n"
    )


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
