"""Kernels: from Hebb to softmax in one law, 1/SNR = (P - 1) E kappa^2 / kappa(1)^2, and the feature maps beside it.

A read is a sum of stored values, each weighted by a kernel of the product of its key with the query (Zhong et al.
2025). With unit keys in random directions and values of mean zero its signal over noise is known in closed form: for
powers of the product, of which the first is Hebb, and for exponentials, which are softmax without its denominator; the
denominator scales a read and leaves its direction alone. A feature map with finitely many features makes a kernel whose
memory does not grow: those of the package stand on the same axes, each at its best scale of keys and queries.

Ours: recall is the mean cosine of a read with its value; the law is measured as the squared error of reads in units of
kappa(1), at the P that it expects for an SNR of 1, and must hold for any number of seeds. It needs keys of mean zero:
with rates as keys other keys overlap, and rates as values make every read alike; both are rows.

Cites: zhong2025, katharopoulos2020, schlag2021, choromanski2021
"""

import json
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import features, results, seeds, theory
from synfwp.memory import Kernel, Mapped
from synfwp.results import Row
from synfwp.settings import sized

Array = np.ndarray
KERNELS = {
    "x": Kernel("power", 1), "x^2": Kernel("power", 2), "x^3": Kernel("power", 3),
    "exp(2 x)": Kernel("exp", 2), "exp(4 x)": Kernel("exp", 4), "exp(8 x)": Kernel("exp", 8),
}  # fmt: skip
MAPS = ("elu_plus_one", "dpfp(1)", "dpfp(3)", "favor(64)", "favor(256)", "favor(1024)")
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
    pooled: int = 20000  # pairs, over its episodes, from which the law is measured in each draw, if one takes no more


FULL = Size(32, 64, (8, 32, 128, 512, 2048, 8192), 20)
QUICK = Size(12, 32, (4, 16, 64), 3, pooled=2000)


def systems(size: Size) -> dict[str, Any]:
    """Kernels, feature maps and softmax."""
    maps = {feature_name(name, size): Mapped(name, divided=False) for name in MAPS}
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
    curves["chance"] = curves.chance.isel(system=0, drop=True)
    ds = xr.merge([curves, law, with_rates(size, seed)], combine_attrs="override", join="outer")
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
    if isinstance(of[system], Mapped) and not system.startswith("FAVOR"):  # too unequal for any mean
        known = sample(size)
        for P, s in zip(size.loads, scale, strict=True):
            want = theory.unequal_cosine(of[system].mapped(known, float(s)), P)
            ds["theory"].loc[{"pairs": P}] = want
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
    """Squared error of reads in units of kappa(1), at the load for an SNR of 1: one large episode, or many small."""
    P = round(theory.kernel_load(1.0, interference(size, kernel)))
    ds = fw.capacity(
        {kernel: KERNELS[kernel]}, loads=[P], d_key=size.d, d_value=size.d_value, decoder="error",
        seeds=max(1, size.pooled // P),
        seed=seeds.generator(seed, "law", draw), queries=size.queries,
    )  # fmt: skip
    found = -float(ds.score.mean()) / (P - 1)
    text = {"units": "1", "long_name": "interference of another pair, measured"}
    load = {"units": "1", "long_name": "pairs of the measurement"}
    return xr.Dataset({"measured": ((), found, text), "measured_at": ((), float(P), load)})


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
            band, why = float(form.allowed(want)), reasons.get(kind, "")  # outside its condition the law may fail
            found.append(Row(what, one, want, "theory", form.source, band=band, why=why))
    return found


# the figure -----------------------------------------------------------------------------------------------------------

STYLES = {
    **dict(zip(KERNELS, zip(("blue", "sky", "green", "orange", "vermillion", "purple"), "os^DvP", strict=True),
               strict=True)),
    "softmax": ("0.6", "h"),
}  # fmt: skip
MAP_STYLES = dict(zip(MAPS, zip(("black", "sky", "blue", "orange", "vermillion", "purple"), "XosDvP", strict=True),
                      strict=True))  # fmt: skip


def figure(ds: xr.Dataset) -> Any:
    """Kernels, feature maps, and the load at an SNR of 1."""
    from synfwp import plot

    size = Size(**json.loads(ds.attrs["parameters"])["size"])
    maps = {feature_name(name, size): style for name, style in MAP_STYLES.items()}
    fig, axes = plot.figure("double", 74, "abc")
    plot.capacity(ds, axes["a"], systems=[*KERNELS, "softmax"], styles=STYLES, costs=False, legend=False)
    plot.capacity(ds, axes["b"], systems=[*maps, "softmax"], styles=maps | STYLES, legend=False)
    with plot.style():
        axes["a"].axhline(HALF, color="0.45", lw=0.7, ls=(0, (5, 1, 1, 1)), label="SNR 1", zorder=1)
        axes["b"].axhline(HALF, color="0.45", lw=0.7, ls=(0, (5, 1, 1, 1)), zorder=1)
        for letter in "ab":
            axes[letter].set_ylim(-0.03, 1.03)
            entries = list(zip(*axes[letter].get_legend_handles_labels(), strict=True))
            entries.sort(key=lambda entry: entry[1] in ("theory", "chance", "SNR 1"))
            axes[letter].legend(*zip(*entries, strict=True), loc="lower left", bbox_to_anchor=(0, 1), fontsize=5,
                                ncols=3 if letter == "a" else 1)  # fmt: skip
    _at_one(ds, axes["c"], maps)
    plot.letter(axes, offset=24.0)
    return fig


def _at_one(ds: xr.Dataset, ax: Any, maps: dict[str, tuple[str, str]]) -> None:
    """Other pairs at an SNR of 1: the law, what is measured, and the loads of feature maps by bisection."""
    from synfwp import plot
    from synfwp.plot.parts import spell

    size = Size(**json.loads(ds.attrs["parameters"])["size"])
    with plot.style():
        names = [*KERNELS, *maps]
        for i, name in enumerate(names):
            colour, marker = (STYLES | maps)[name]
            if name in KERNELS:
                found = 1 / ds.measured.sel(kernel=name)
                error = 2 * float(found.std("draw", ddof=1)) / found.sizes["draw"] ** 0.5
                plot.points(ax, [float(found.mean())], [i], colour=colour, marker=marker)
                ax.hlines(
                    i, float(found.mean()) - error, float(found.mean()) + error, color=plot.COLOURS[colour], lw=0.8
                )
                ax.vlines(1 / interference(size, name), i - 0.4, i + 0.4, color="0.3", ls=(0, (3, 2)), lw=1.1)
            elif ds.reached.sel(system=name):
                one = ds.sel(system=name)
                plot.points(ax, [float(one.at_one)], [i], colour=colour, marker=marker)
                ax.hlines(i, float(one.at_one_low), float(one.at_one_high), color=plot.COLOURS[colour], lw=0.8)
        ax.plot([], [], color="0.3", ls=(0, (3, 2)), lw=1.1, label="law")
        ax.axvline(size.d, color="0.45", lw=0.7, ls=(0, (1, 1.2)), label="d")
        ax.set_yticks(range(len(names)), [spell(name).removesuffix(" features") for name in names])
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        ax.xaxis.set_minor_formatter(lambda x, _: "")
        ax.set_xlabel("load at SNR 1 (pairs)")
        ax.set_ylabel("kernel (features)")
        plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = Size(**json.loads(ds.attrs["parameters"])["size"])
    found = 1 / ds.measured.mean("draw")
    numbers = ", ".join(
        f"{name} {float(found.sel(kernel=name)):,.0f} (law {1 / interference(size, name):,.0f})" for name in KERNELS
    )
    text = f"""
        From Hebb to softmax in one law. Unit keys of {size.d} features in random directions, normal values of
        {size.d_value} (both of mean zero, which the law takes), exact; mean of {size.seeds} seeds, at most
        {size.queries} queries each; bands: 95 % intervals of the mean; dotted: chance. (a) Recall by a kernel over all
        pairs; dashed: 1/SNR = (P - 1) E kappa^2 / kappa(1)^2. Softmax has its best inverse temperature at every load;
        at a given one its direction is that of its exponential. (b) Feature maps at their best scale of keys and
        queries, with what their matrix keeps; dashed: the law, key by key (FAVOR has features too unequal for it). (c)
        Other pairs at an SNR of 1: measured, with 2 standard errors, {numbers}; of feature maps the pairs at a cosine
        of 0.707 by bisection, with bootstrap intervals of 95 %.
    """
    return " ".join(text.split())
