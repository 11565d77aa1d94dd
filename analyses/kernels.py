"""Kernels: from Hebb to softmax in one law, 1/SNR = (P - 1) E kappa^2 / kappa(1)^2, and the feature maps beside it.

A read is a sum of stored values, each weighted by a kernel of the product of its key with the query (Zhong et al. 2025).
With unit keys in random directions and values of mean zero its signal over noise is known in closed form: for powers of
the product, of which the first is Hebb, and for exponentials, which are softmax without its denominator; the
denominator scales a read and leaves its direction alone. A feature map with finitely many features makes a kernel whose
memory does not grow: those of the package stand on the same axes, each at its best scale of keys and queries.

Ours: recall is the mean cosine of a read with its value; the law is measured as the squared error of reads in units of
kappa(1), at the P that it expects for an SNR of 1, and must hold for any number of seeds. It needs keys of mean zero:
with rates as keys other keys overlap, and rates as values make every read alike; both are rows.

Cites: zhong2025, katharopoulos2020, schlag2021, choromanski2021
"""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import features, results, seeds, theory
from synfwp.memory import Kernel
from synfwp.results import Row
from synfwp.settings import sized

Array = np.ndarray
KERNELS = {
    "x": Kernel("power", 1), "x^2": Kernel("power", 2), "x^3": Kernel("power", 3),
    "exp(2 x)": Kernel("exp", 2), "exp(4 x)": Kernel("exp", 4), "exp(8 x)": Kernel("exp", 8),
}  # fmt: skip
MAPS = ("elu_plus_one", "dpfp(1)", "dpfp(3)", "favor(64)", "favor(256)", "favor(1024)")
SCALES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 8.0, 16.0, 32.0)
HALF = float(np.sqrt(0.5))  # cosine at an SNR of 1
SAMPLE = 1500  # keys from which the interference of a feature map is taken


class Size(NamedTuple):
    """Features, loads and seeds."""

    d: int  # features of keys
    d_value: int  # features of values
    loads: tuple[int, ...]  # stored pairs of the curves
    seeds: int  # episodes
    queries: int = 64  # most queries of an episode
    rate_load: int = 33  # stored pairs where keys or values are rates


FULL = Size(32, 64, (8, 32, 128, 512, 2048, 8192), 20)
QUICK = Size(12, 32, (4, 16, 64), 3)


@dataclass(frozen=True)
class Mapped:
    """``y = sum_j v_j phi(s k_j) . phi(s q)`` with a feature map phi of the package; the scale s is its knob."""

    feature: str
    knobs: ClassVar[dict[str, tuple[float, ...]]] = {"scale": SCALES}

    def features(self, x: Array, scale: float) -> Array:
        """Features (n, width)."""
        return features.get_feature(self.feature).apply(scale * x)

    def __call__(self, k: Array, v: Array, q: Array, rng: Any, scale: float) -> Array:
        """Reads (Q, d_v) of the matrix of all pairs."""
        return np.asarray(self.features(q, scale) @ (self.features(k, scale).T @ v))

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """One matrix, in float64."""
        kept = float(features.get_feature(self.feature).width(d_key) * d_value)
        return {"variables": kept, "synapses": kept, "bits": 64 * kept, "state_bytes": 8 * kept}


def systems(size: Size) -> dict[str, Any]:
    """Kernels, feature maps and softmax."""
    maps = {feature_name(name, size): Mapped(name) for name in MAPS}
    return {**KERNELS, **maps, "softmax": "softmax"}


def feature_name(name: str, size: Size) -> str:
    """A feature map with its number of features."""
    short = {"elu_plus_one": "elu + 1"}.get(name, name.partition("(")[0].upper())
    return f"{short}, {features.get_feature(name).width(size.d)} features"


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Curves of all systems, and the law at the loads that it expects for an SNR of 1."""
    curves = results.cells(curve, {"system": list(systems(size))}, size=size, seed=seed)
    law = results.cells(at_one, {"kernel": list(KERNELS), "draw": list(range(size.seeds))}, size=size, seed=seed)
    settings = {"size": size._asdict(), "quick": quick, "d_key": size.d}
    ds = xr.merge([curves, law, with_rates(size, seed)], combine_attrs="drop")
    for name, text in {"system": "system", "kernel": "kernel"}.items():
        ds[name].attrs["long_name"] = text
    ds = ds.assign_attrs(results.provenance(settings, seed) | {"decoder": "cosine"})
    return results.compared(ds, rows)


def interference(size: Size, kernel: str) -> float:
    """``E kappa^2 / kappa(1)^2`` in closed form."""
    one = KERNELS[kernel]
    if one.kind == "power":
        return theory.power_interference(size.d, int(one.parameter))
    return theory.exponential_interference(size.d, one.parameter)


KEPT = ("score", "mean", "low", "high", "theory", "chance", "chosen", "state_bytes")


def curve(size: Size, system: str, seed: int) -> xr.Dataset:
    """Recall of one system at every load, and the load at which it falls to an SNR of 1, by bisection."""
    of = {system: systems(size)[system]}
    how: dict[str, Any] = {"d_key": size.d, "d_value": size.d_value, "seed": seed, "queries": size.queries}
    ds = fw.capacity(of, loads=size.loads, seeds=size.seeds, **how)[list(KEPT)].isel(system=0, drop=True)
    where = {"knob": "scale"} if "scale" in ds.knob else None
    text = {"units": "1", "long_name": "scale of keys and queries, or inverse temperature"}
    scale = ds.chosen.sel(where).values if where else np.full(len(size.loads), np.nan)
    ds = ds.drop_dims("knob").assign(scale=("pairs", scale, text))
    if isinstance(of[system], Mapped):
        known = sample(size)
        for P, s in zip(size.loads, scale, strict=True):
            noise = theory.key_interference(of[system].features(known, float(s)))
            ds["theory"].loc[{"pairs": P}] = theory.snr_cosine(theory.kernel_snr(P, noise))
    most = 4 * max(size.loads) if not isinstance(of[system], Kernel) else max(size.loads)
    at = fw.critical_load(of, decoder="cosine", criterion=HALF, most=most, seeds=size.seeds, **how).isel(system=0)
    pairs = {"units": "1", "long_name": "pairs at a cosine of 0.707"}
    for name, value in (("at_one", at.critical_load), ("at_one_low", at.low), ("at_one_high", at.high)):
        ds[name] = ((), float(value), pairs)
    return ds.assign(reached=((), bool(at.reached)))


def sample(size: Size) -> Array:
    """Unit keys in random directions, that nobody stores."""
    x = seeds.generator(0, "interference", size.d).standard_normal((SAMPLE, size.d))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def at_one(size: Size, kernel: str, draw: int, seed: int) -> xr.Dataset:
    """Squared error of reads in units of kappa(1), at the load for an SNR of 1: one episode."""
    P = round(theory.kernel_load(1.0, interference(size, kernel)))
    ds = fw.capacity(
        {kernel: KERNELS[kernel]}, loads=[P], d_key=size.d, d_value=size.d_value, decoder="error", seeds=1,
        seed=seeds.generator(seed, "law", draw), queries=size.queries,
    )  # fmt: skip
    found = -float(ds.score) / (P - 1)
    text = {"units": "1", "long_name": "interference of another pair, measured"}
    load = {"units": "1", "long_name": "pairs of the measurement"}
    return xr.Dataset({"measured": ((), found, text), "load": ((), float(P), load)})


def rates(rng: np.random.Generator, n: int, d: int, mean: float = 0.0) -> Array:
    """Rectified normal numbers less a mean."""
    return np.maximum(rng.standard_normal((n, d)), 0) - mean


def with_rates(size: Size, seed: int) -> xr.Dataset:
    """Recall and squared error of two kernels where keys, or values, are rates."""
    of = {name: KERNELS[name] for name in ("x", "exp(4 x)")}
    centred = partial(rates, mean=1 / np.sqrt(2 * np.pi))
    sets: dict[str, Any] = {
        "values are rates": {"values": "relu"}, "values are rates less their mean": {"values": centred},
        "keys are rates": {"keys": "relu"}, "both are rates": {"keys": "relu", "values": "relu"},
    }  # fmt: skip
    how: dict[str, Any] = {"loads": [size.rate_load], "d_key": size.d, "d_value": size.d_value, "seed": seed}
    found = [fw.capacity(of, seeds=size.seeds, **how, **one).score.values[:, 0] for one in sets.values()]
    text = {"units": "1", "long_name": "cosine of recall and value"}
    coords = {"rates": list(sets), "of": list(of), "seed": range(size.seeds)}
    return xr.Dataset({"with_rates": (("rates", "of", "seed"), found, text)}, coords)


# the table ------------------------------------------------------------------------------------------------------------

UNEQUAL = "noise differs from key to key, and a mean of cosines is not the cosine at the mean noise"


def rows(ds: xr.Dataset) -> list[Row]:
    """The law in closed form, measured; recall at every load; feature maps; rates."""
    size = Size(**json.loads(ds.attrs["parameters"])["size"])
    found, form = [], theory.FORMULAS["snr_cosine"]
    for name in ds.kernel.values:
        want = interference(size, name)
        other, at = ds.measured.sel(kernel=name), f"kappa = {name}, d = {size.d}"
        found.append(Row(f"interference, {at}", other, want, "theory", "zhong2025"))
        found.append(Row(f"other pairs at an SNR of 1, {at}", 1 / other, 1 / want, "theory", "zhong2025"))
    for name in ds.system.values:
        for P in ds.pairs.values:
            one = ds.sel(system=name, pairs=P)
            want = float(one.theory)
            if np.isfinite(want):
                why = "" if name in KERNELS else UNEQUAL
                what = f"recall, {name}, P = {P}"
                found.append(Row(what, one.score, want, "theory", form.source, band=float(form.allowed(want)), why=why))
        if name not in KERNELS:
            one = ds.sel(system=name)
            found.append(Row(f"pairs at a cosine of 0.707, {name}", one.at_one if one.reached else np.nan))
    return [*found, *_rates(ds, size)]


def _rates(ds: xr.Dataset, size: Size) -> list[Row]:
    """What becomes of the closed form with rates."""
    found, form = [], theory.FORMULAS["snr_cosine"]
    reasons = {
        "values are rates": "the values have a mean, which reads share",
        "keys are rates": "other keys overlap: the law takes keys of mean zero",
        "both are rates": "keys overlap, and values have a mean: every read is near every value",
    }
    for kind in ds.rates.values:
        for name in ds.of.values:
            want = theory.snr_cosine(theory.kernel_snr(size.rate_load, interference(size, name)))
            one, what = ds.with_rates.sel(rates=kind, of=name), f"recall where {kind}, {name}, P = {size.rate_load}"
            band = float(form.allowed(want))
            found.append(Row(what, one, want, "theory", form.source, band=band, why=reasons.get(kind, "")))
    return found
