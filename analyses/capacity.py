"""Capacity: what memories recall of P pairs that are each written once, by their keys, their rule and what carries it.

Recall is the mean cosine of a read with its value, of 1/8 to 8 pairs for each key feature. Three key sets of unit
length stand side by side: normal keys (mean zero), rectified normal ones (firing rates), and those of a recording that
is made up here: normal latents whose variances fall as 1/i along random axes, around a mean. Every rule runs at its
best beta, and delta at 1 too; softmax has its best inverse temperature, MESA its best ridge and linear attention (elu
+ 1) its best scale of keys and queries, all chosen for every load on other seeds. Rates are also written into a rate
network, into Poisson counts and into LIF neurons, with weights that are free to change sign, and read from spikes.
Signed keys are no firing rates: spikes carry rates alone.

One law holds for all reads of a correlation matrix: 1/SNR = (P - 1) / P_eff, with P_eff the participation ratio of the
second moment of the keys, around zero, or around their mean for a rule and a query that take it off. What the delta
rule and least squares deviate from it is what correcting a prediction buys.

All closed forms take values of mean zero. With rates as values and as keys every read has the same large mean, and the
raw cosine with a value is high whatever is stored; with the mean taken off the values the closed form holds again.

Cites: kohonen1972, kohonen1973, sejnowski1977, schlag2021, katharopoulos2020, vonoswald2025mesanet
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import features, results, seeds, theory
from synfwp.memory import Decoder, System
from synfwp.results import Row
from synfwp.settings import sized

Array = np.ndarray
KEYS = {"normal": "normal keys (mean zero)", "relu": "rate keys", "recording": "keys of a recording"}
RULES = {"hebb": "Hebb", "covariance": "covariance", "delta": "delta"}  # on substrates
SCALES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
SAMPLE = 4096  # keys from which a second moment is taken
FOUND = {  # of a small simulation in NumPy that shares no code with the package: 20 seeds, d = P = 64, three digits
    ("normal", "delta, beta 1"): 0.677, ("normal", "delta"): 0.743,
    ("relu", "delta, beta 1"): 0.542, ("relu", "delta"): 0.576,
    ("relu", "running mean, its own key counted, query as it is"): 0.663,
    ("relu", "mean of the stored keys, query as it is"): 0.685,
    ("relu", "mean of the stored keys, off the query too"): 0.703,
}  # fmt: skip
ROUNDED = 0.0005


class Size(NamedTuple):
    """Features, loads and seeds; the network; the recording."""

    d: int  # features of keys, and of values
    loads: tuple[int, ...]  # stored pairs
    seeds: int  # episodes of exact rules
    carried: tuple[int, ...]  # stored pairs on substrates; also in LIF neurons
    counts_seeds: int  # episodes in rates and in counts
    lif_seeds: int  # episodes in LIF neurons
    queries: int = 64  # most queries of an episode on a substrate
    neurons: int = 4  # neurons of a feature
    peak: float = 100.0  # Hz: peak rate
    window: float = 100.0  # ms: each phase of an item
    gap: float = 40.0  # ms: gap between phases
    betas: tuple[float, ...] = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)  # of delta on substrates, the best for the whole curve
    rows: int = 2048  # keys of the recording
    power: float = 1.0  # variance i of the recording falls as i ** -power
    overlap: float = 0.3  # squared length of the mean of the recording

    def network(self, engine: str) -> fw.SpikingNetwork:
        """A spiking network; weights are free to change sign."""
        return fw.SpikingNetwork(
            engine=engine, dale=False, code=fw.RateCode(peak=self.peak, neurons_per_feature=self.neurons),
            schedule=fw.ThetaCycle(retrieve=self.window, encode=self.window, gap=self.gap, read="end"),
        )  # fmt: skip


FULL = Size(64, (8, 16, 32, 64, 128, 256, 512), 20, (8, 16, 32, 64, 128, 256), 10, 5)
QUICK = Size(16, (4, 16, 64), 3, (4, 16), 2, 1, neurons=2, betas=(0.5, 1.0), rows=256)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Exact rules on every key set, the collapse, and the same rates on substrates."""
    curves = results.cells(exact, {"keys": list(KEYS)}, size=size, seed=seed)
    collapse = results.cells(collapsed, {"keys": list(KEYS)}, size=size, seed=seed)
    on = results.cells(carried, {"rule": list(RULES)}, size=size, seed=seed)
    more = at_equal_numbers(size, seed)
    settings = {"size": size._asdict(), "quick": quick, "d_key": size.d}
    ds = xr.merge([curves, collapse, on, more], combine_attrs="drop")
    names = {"keys": "key set", "system": "system", "rule": "rule", "substrate": "substrate", "reader": "system"}
    for name in ds.coords:
        ds[name].attrs.setdefault("long_name", names.get(str(name), str(name)))
    ds = ds.assign_attrs(results.provenance(settings, seed) | {"decoder": "cosine"})
    return results.compared(ds, rows)


# keys and systems -----------------------------------------------------------------------------------------------------


def unit(x: Array) -> Array:
    """Rows of length 1."""
    return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True))


def recording(size: Size) -> Array:
    """Keys (rows, d) of unit length: a mean, and normal latents with variances i ** -power along random axes."""
    rng = seeds.generator(0, "recording", size.d)
    axes = np.linalg.qr(rng.standard_normal((size.d, size.d)))[0]
    variance = np.arange(1.0, size.d + 1) ** -size.power
    latent = rng.standard_normal((size.rows, size.d)) * np.sqrt(variance / variance.sum())
    mean = np.sqrt(size.overlap) * unit(rng.standard_normal(size.d))
    return unit(mean + np.sqrt(1 - size.overlap) * latent @ axes.T)


def sample(size: Size, keys: str) -> Array:
    """Many keys of a set, that nobody stores; of a recording, all."""
    if keys == "recording":
        return recording(size)
    x = seeds.generator(0, "second moment", size.d).standard_normal((SAMPLE, size.d))
    x = np.maximum(x, 0) if keys == "relu" else x
    return unit(x[x.any(axis=1)])


def mean_key(size: Size, keys: str) -> Array:
    """The mean of a key set; rates have equal features."""
    if keys == "normal":
        return np.zeros(size.d)
    found = sample(size, keys).mean(axis=0)
    return found if keys == "recording" else np.full(size.d, found.mean())


@dataclass(frozen=True)
class Covariance:
    """``W = sum_t v_t (k_t - m)^T``, read with q or with q - m; m is known, or a mean of the stored keys."""

    mean: Any = "stored"  # an array; "stored": of all stored keys; "running": up to the key itself
    query: bool = False

    def __call__(self, k: Array, v: Array, q: Array, rng: Any) -> Array:
        """Reads (Q, d_v)."""
        before = np.cumsum(k, axis=0) / np.arange(1, len(k) + 1)[:, None]
        m = {"stored": before[-1], "running": before}[self.mean] if isinstance(self.mean, str) else self.mean
        return np.asarray(
            (q - before[-1] if self.query and m is before else q - m if self.query else q) @ (k - m).T @ v
        )

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """W and the mean, in float64."""
        kept = float(d_key * (d_value + 1))
        return {"variables": kept, "synapses": float(d_key * d_value), "bits": 64 * kept, "state_bytes": 8 * kept}


@dataclass(frozen=True)
class Scaled:
    """Linear attention behind a feature map of scaled keys and queries; the scale is its knob."""

    feature: str = "elu_plus_one"
    knobs: ClassVar[dict[str, tuple[float, ...]]] = {"scale": SCALES}

    def features(self, x: Array, scale: float) -> Array:
        """Features of keys or queries."""
        return features.get_feature(self.feature).apply(scale * x)

    def __call__(self, k: Array, v: Array, q: Array, rng: Any, scale: float) -> Array:
        """Reads (Q, d_v), over the sum of their weights."""
        weights = self.features(q, scale) @ self.features(k, scale).T
        return np.asarray(weights @ v / weights.sum(axis=1, keepdims=True))

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """W and the sum of the features, in float64."""
        kept = float(features.get_feature(self.feature).width(d_key) * (d_value + 1))
        return {"variables": kept, "synapses": float(d_key * d_value), "bits": 64 * kept, "state_bytes": 8 * kept}


def systems(size: Size, keys: str) -> dict[str, Any]:
    """What is compared on every key set."""
    mean = mean_key(size, keys)
    return {
        "hebb": "hebb", "covariance, running mean": "covariance", "covariance, known mean": Covariance(mean),
        "covariance, off the query too": Covariance(mean, True), "linear attention, elu + 1": Scaled(),
        "delta": "delta", "delta, beta 1": System("delta", beta=1.0), "Longhorn": "longhorn", "MESA": System("mesa", decay=1.0),
        "softmax": "softmax",
    }  # fmt: skip


def key_set(size: Size, keys: str) -> Any:
    """What `fw.capacity` takes."""
    return recording(size) if keys == "recording" else keys


# cells ----------------------------------------------------------------------------------------------------------------

KEPT = ("score", "mean", "low", "high", "theory", "chance", "chosen", "state_bytes", "synapses")


def exact(size: Size, keys: str, seed: int) -> xr.Dataset:
    """Recall of all systems on one key set, with closed forms."""
    how = {"loads": size.loads, "d_key": size.d, "keys": key_set(size, keys), "seeds": size.seeds, "seed": seed}
    ds = fw.capacity(systems(size, keys), **how)[list(KEPT)]
    known = sample(size, keys)
    for name in ("covariance, known mean", "covariance, off the query too", "linear attention, elu + 1"):
        for P in size.loads:
            if name.startswith("linear"):
                scale = float(ds.chosen.sel(system=name, pairs=P, knob="scale"))
                noise = theory.key_interference(Scaled().features(known[:1024], scale))
            else:
                noise = theory.key_interference(known, True, name.endswith("too"))
            ds["theory"].loc[{"system": name, "pairs": P}] = theory.snr_cosine(theory.kernel_snr(P, noise))
    return ds


def share_of_value(reads: Array, at: Any) -> Array:
    """Share of the squared length of all reads of an episode that lies along their values: SNR / (1 + SNR)."""
    size = np.square(at.target).sum(axis=(1, 2))
    slope = (reads * at.target).sum(axis=(1, 2)) / size
    total = np.square(reads).sum(axis=(1, 2))
    share = np.divide(slope**2 * size, total, out=np.zeros(len(total)), where=total > 0)
    return np.repeat(share[:, None], reads.shape[1], axis=1)


POOLED = Decoder("pooled", share_of_value, lambda load, at: 0.0, "normal", "share of reads along their values")
READERS = ("hebb", "covariance, off the query too", "delta", "delta, beta 1", "MESA")


def collapsed(size: Size, keys: str, seed: int) -> xr.Dataset:
    """Noise over signal of reads, pooled over queries, and what is expected of the correlation matrices."""
    chosen = {name: one for name, one in systems(size, keys).items() if name in READERS}
    how = {"loads": size.loads, "d_key": size.d, "keys": key_set(size, keys), "seeds": size.seeds, "seed": seed}
    share = fw.capacity(chosen, decoder=POOLED, **how).score.values
    error = -fw.capacity({"hebb": "hebb"}, decoder="error", beta=1.0, **how).score.values[0]
    known, text = sample(size, keys), {"units": "1"}
    d = [theory.effective_dimension(known), theory.effective_dimension(known, centred=True)]
    variables = {
        "share": (("reader", "pairs", "seed"), share, text | {"long_name": POOLED.long_name}),
        "error_hebb": (("pairs", "seed"), error, text | {"long_name": "squared error of Hebb at beta 1"}),
        "effective": ("around", d, text | {"long_name": "effective dimension of the keys"}),
    }
    coords = {"reader": list(READERS), "pairs": list(size.loads), "around": ["zero", "mean"], "seed": range(size.seeds)}
    return xr.Dataset(variables, coords)


COSTS = ("state_bytes", "synapses", "write_spikes", "read_spikes")


def carried(size: Size, rule: str, seed: int) -> xr.Dataset:
    """Recall of rates by one rule, exact, in a rate network, in counts and in LIF neurons; beta for the whole curve."""
    beta = size.betas if rule == "delta" else 1.0
    how: dict[str, Any] = {"d_key": size.d, "keys": "relu", "seed": seed, "queries": size.queries, "tuned": "curve"}
    counts = {
        "exact": System(rule, beta=beta),
        "counts": System(rule, size.network("counts"), beta=beta),
    }
    if rule != "covariance":
        counts["rate network"] = System(rule, fw.RateNetwork(flow="sample_and_hold"), beta=beta)
    found = fw.capacity(counts, loads=size.carried, seeds=size.counts_seeds, **how)
    step = float(found.chosen.sel(system="counts", knob="beta")[0])
    lif = {"LIF neurons": System(rule, size.network("lif"), beta=step)}
    other = fw.capacity(lif, loads=size.carried, seeds=size.lif_seeds, **how)
    kept = ["score", "mean", "low", "high", "theory", "chosen", *COSTS]
    order = ["exact", "rate network", "counts", "LIF neurons"]
    ds = xr.concat([found[kept], other[kept]], "system", join="outer").reindex(system=order)
    return ds.rename({name: f"on_{name}" for name in kept}).rename(system="substrate", seed="draw", knob="gate")


def at_equal_numbers(size: Size, seed: int) -> xr.Dataset:
    """At P = d: more covariance rules on rates, and Hebb with rates as values, raw and less their mean."""
    how: dict[str, Any] = {"loads": [size.d], "d_key": size.d, "seeds": size.seeds, "seed": seed}
    names = [name for keys, name in FOUND if "query" in name]
    rules = (Covariance("running"), Covariance("stored"), Covariance("stored", True))
    more = fw.capacity({"hebb": "hebb", **dict(zip(names, rules, strict=True))}, keys="relu", **how)
    values: dict[str, Any] = {"raw": "relu", "less their mean": centred_values}
    found = [
        [fw.capacity({"hebb": "hebb"}, keys=keys, values=x, **how).score.values[0, 0] for x in values.values()]
        for keys in ("normal", "relu")
    ]
    one = {"units": "1"}
    variables = {
        "more": (("variant", "seed"), more.score.values[1:, 0], one | {"long_name": "cosine of recall and value"}),
        "rates": (
            ("of", "values", "seed"),
            np.array(found),
            one | {"long_name": "cosine of recall and rates as values"},
        ),
    }
    coords = {"variant": names, "of": ["normal", "relu"], "values": list(values), "seed": range(size.seeds)}
    return xr.Dataset(variables, coords)


def centred_values(rng: np.random.Generator, n: int, d: int) -> Array:
    """Rectified normal values less their mean."""
    return np.maximum(rng.standard_normal((n, d)), 0) - 1 / np.sqrt(2 * np.pi)


# the table ------------------------------------------------------------------------------------------------------------

HETEROGENEOUS = "directions of rates of unit length are not equal: some keys meet more interference than the mean"


def rows(ds: xr.Dataset) -> list[Row]:
    """Closed forms at every load, numbers found by other means at P = d, claims, the law, and engines."""
    size = json.loads(ds.attrs["parameters"])["size"]
    return [*_closed(ds), *_found(ds, size["d"]), *_claims(ds, size["d"]), *_law(ds), *_engines(ds)]


def _closed(ds: xr.Dataset) -> list[Row]:
    """Every curve with a closed form, at every load."""
    found = []
    forms = {"hebb": "hebb_cosine", "MESA": "least_squares_cosine"}
    for keys in ds["keys"].values:
        for name in ds.system.values:
            for P in ds.pairs.values:
                at = ds.sel(keys=keys, system=name, pairs=P)
                want = float(at.theory)
                if not np.isfinite(want):
                    continue
                form = theory.FORMULAS[forms.get(name, "snr_cosine") if keys != "recording" else "snr_cosine"]
                what = f"recall, {KEYS[keys]}, {name}, P = {P}"
                why = ""
                if keys == "recording" or name.startswith("linear"):
                    why = "noise differs from key to key, and a mean of cosines is not the cosine at the mean noise"
                found.append(Row(what, at.score, want, "theory", form.source, band=float(form.allowed(want)), why=why))
    return found


def _found(ds: xr.Dataset, d: int) -> list[Row]:
    """Numbers of another simulation at P = d; other sizes have none."""
    if d != 64 or d not in ds.pairs:
        return []
    rows, n = [], 20
    for (keys, name), want in FOUND.items():
        one = ds.more.sel(variant=name) if name in ds.variant else ds.score.sel(keys=keys, system=name, pairs=d)
        error = float(one.std("seed", ddof=1)) / n**0.5
        what = f"recall at P = d = {d}, {KEYS[keys]}, {name if 'delta' in name else f'covariance, {name}'}"
        rows.append(Row(what, one, want, "other engine", "a loop in NumPy, 20 seeds", error=error, band=ROUNDED))
    return rows


def _claims(ds: xr.Dataset, d: int) -> list[Row]:
    """Who recalls more at P = d, on the same pairs; and values that are rates."""
    found = []
    for keys, one, other, claim in (
        ("normal", "delta, beta 1", "hebb", "below"),
        ("normal", "delta", "hebb", "above"),
        ("relu", "delta, beta 1", "hebb", "above"),
        ("relu", "delta", "hebb", "above"),
        ("relu", "covariance, running mean", "delta", "above"),
        ("relu", "covariance, off the query too", "delta", "above"),
        ("recording", "delta", "hebb", "above"),
        ("recording", "delta", "covariance, off the query too", "above"),
    ):
        at = ds.sel(keys=keys, pairs=d)
        a, b = (at.score.sel(system=name) for name in (one, other))
        found.append(Row(f"recall at P = d, {KEYS[keys]}, {one}, against {other}", a, b, "control", claim=claim))
    form = theory.FORMULAS["hebb_cosine"]
    for keys in ds.of.values:
        want = theory.hebb_cosine(d, d, theory.RELU_OVERLAP if keys == "relu" else 0.0)
        for values in ds["values"].values:
            why = "" if values != "raw" else "the values have a mean: reads of any key share it, and so does the cosine"
            what = f"recall at P = d, {KEYS[keys]}, rates as values, {values}"
            one = ds.rates.sel(of=keys, values=values)
            found.append(Row(what, one, want, "theory", form.source, band=float(form.allowed(want)), why=why))
    overlap = [theory.key_overlap(sample_of(i, d)) for i in range(20)]
    found.append(Row("overlap of rectified normal keys", overlap, theory.RELU_OVERLAP, "theory", band=0.01))
    return found


def sample_of(seed: int, d: int) -> Array:
    """Rates that are not scaled to length 1, whose features are independent."""
    return np.maximum(seeds.generator(seed, "overlap", d).standard_normal((d, d)), 0)


def _law(ds: xr.Dataset) -> list[Row]:
    """Noise over signal of correlation matrices, and how much of it others are rid of."""
    found, form = [], theory.FORMULAS["snr_cosine"]
    for keys in ds["keys"].values:
        for P in ds.pairs.values:
            at = ds.sel(keys=keys, pairs=P)
            law = (P - 1) / float(at.effective.sel(around="zero"))
            what = f"squared error of Hebb, {KEYS[keys]}, P = {P}"
            found.append(Row(what, at.error_hebb, law, "theory", "kohonen1972"))
            for name, around in zip(READERS[:2], ("zero", "mean"), strict=True):
                want = theory.snr_cosine(float(at.effective.sel(around=around)) / (P - 1))
                what = f"root of the share along the value, {KEYS[keys]}, {name}, P = {P}"
                one = np.sqrt(at.share.sel(reader=name))
                found.append(Row(what, one, want, "theory", form.source, band=float(form.allowed(want))))
            for name in READERS[2:]:
                rid = law * at.share.sel(reader=name) / np.maximum(1 - at.share.sel(reader=name), 1e-12)
                found.append(Row(f"noise of Hebb by law over noise, {KEYS[keys]}, {name}, P = {P}", rid))
    return found


def _engines(ds: xr.Dataset) -> list[Row]:
    """A rate network against the exact rule, and LIF neurons against counts, on the same pairs."""
    found = []
    for rule, spelled in RULES.items():
        at = ds.sel(rule=rule).dropna("pairs", how="all", subset=["on_score"])
        for P in at.pairs.values:
            one = at.on_score.sel(pairs=P)
            lif, counts = one.sel(substrate="LIF neurons").dropna("draw"), one.sel(substrate="counts")
            what = f"recall of rates, {spelled}, LIF neurons against counts, P = {P}"
            why = "spikes of LIF neurons are more regular than Poisson ones, and membranes carry over to the next item"
            found.append(Row(what, lif, counts.sel(draw=lif.draw), "other engine", why=why))
            if rule == "hebb":
                rate = one.sel(substrate="rate network")
                what = f"recall of rates, {spelled}, rate network against exact, P = {P}"
                found.append(Row(what, rate, one.sel(substrate="exact"), "exact", band=1e-9))
    return found


# the figure -----------------------------------------------------------------------------------------------------------

STYLES = {
    "hebb": ("blue", "o"), "covariance, running mean": ("sky", "P"), "covariance, known mean": ("sky", "<"),
    "covariance, off the query too": ("sky", ">"), "linear attention, elu + 1": ("purple", "v"),
    "delta": ("vermillion", "s"), "delta, beta 1": ("orange", "D"), "Longhorn": ("green", "^"),
    "MESA": ("black", "X"), "softmax": ("0.6", "h"),
}  # fmt: skip
ENGINES = {"exact": ("black", "o"), "rate network": ("green", "^"), "counts": ("blue", "s"),
           "LIF neurons": ("vermillion", "D")}  # fmt: skip


def figure(ds: xr.Dataset) -> Any:
    """Key sets above, substrates in the middle, the collapse below."""
    from synfwp import plot

    fig, axes = plot.figure("double", 168, [[[list("abc")]], [[list("def")]], [[list("gh")]]])
    for letter, keys in zip("abc", KEYS, strict=True):
        one = ds.sel(keys=keys)
        shown = [name for name in STYLES if keys != "normal" or not name.startswith("covariance")]
        plot.capacity(one, axes[letter], systems=shown, relative=True, legend=False, styles=STYLES)
        with plot.style():
            axes[letter].set_title(KEYS[keys])
    with plot.style():
        handles, labels = axes["b"].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=4)
    for letter, rule in zip("def", RULES, strict=True):
        one = ds.sel(rule=rule).rename(substrate="system") if False else _on(ds, rule)
        plot.capacity(one, axes[letter], relative=True, legend=False, styles=ENGINES)
        with plot.style():
            entries = [x for x in zip(*axes[letter].get_legend_handles_labels(), strict=True)
                       if x[1] not in ("theory", "chance")]  # fmt: skip
            axes[letter].legend(*zip(*entries, strict=True), loc="lower left", bbox_to_anchor=(0, 1))
            axes[letter].set_ylim(0, 1.02)
            axes[letter].annotate(RULES[rule], (0.97, 0.95), xycoords="axes fraction", ha="right", va="top")
    _collapse(ds, axes["g"], axes["h"])
    plot.letter(axes, offset=22.0)
    return fig


def _on(ds: xr.Dataset, rule: str) -> xr.Dataset:
    """Substrates of a rule, as the figure takes them."""
    names = [str(name) for name in ds.data_vars if str(name).startswith("on_")]
    one = ds.sel(rule=rule)[names].rename({name: name.removeprefix("on_") for name in names})
    one = one.rename(substrate="system").dropna("pairs", how="all", subset=["mean"])
    return one.dropna("system", how="all", subset=["mean"]).assign(chance=ds.chance.sel(pairs=one.pairs)[0])


READS: dict[str, tuple[str, str]] = {"normal": ("o", "-"), "relu": ("^", "-"), "recording": ("s", "-")}


def _collapse(ds: xr.Dataset, law: Any, rid: Any) -> None:
    """Noise over signal against P / P_eff, and how much less of it there is than by law."""
    from synfwp import plot

    with plot.style():
        for keys, (marker, _) in READS.items():
            for name, around in zip(READERS, ("zero", "mean", "zero", "zero", "zero"), strict=True):
                if keys == "normal" and name.startswith("covariance"):
                    continue
                at = ds.sel(keys=keys, reader=name)
                d = float(ds.effective.sel(keys=keys, around=around))
                x, share = (ds.pairs.values - 1) / d, at.share.mean("seed").values
                noise, line = 1 / np.clip(share, 1e-12, 1 - 1e-6) - 1, name not in READERS[:2]
                style: Any = {"color": plot.COLOURS.get(STYLES[name][0], STYLES[name][0]), "marker": marker, "lw": 0.7}
                style |= {"mfc": "white"} if line else {"lw": 0}
                law.plot(x, noise, label=f"{parts_of(name)}, {KEYS[keys].removesuffix(' (mean zero)')}", **style)
                if line:
                    rid.plot(ds.pairs.values / ds.attrs_d, x / noise, **style) if False else rid.plot(
                        x, x / noise, **style
                    )
        span = np.array(law.get_xlim())
        law.set_xscale("log")
        law.set_yscale("log")
        span = np.array([0.05, float(ds.pairs.max()) / float(ds.effective.min()) * 1.3])
        law.plot(span, span, color="0.3", lw=1.1, ls=(0, (3, 2)), label="law of correlation matrices", zorder=4)
        law.set(xlabel="load P / P$_{eff}$ (pairs per effective dimension)", ylabel="noise / signal (ratio of squares)")
        law.set_ylim(0.02, None)
        rid.axhline(1, color="0.3", lw=1.1, ls=(0, (3, 2)))
        rid.set_xscale("log")
        rid.set_yscale("log")
        rid.set_ylim(0.1, 1000)
        rid.set(xlabel="load P / P$_{eff}$ (pairs per effective dimension)", ylabel="noise by law / noise (ratio)")
    plot.legend(law)


def parts_of(name: str) -> str:
    """A short name of a system."""
    return {"hebb": "Hebb", "covariance, off the query too": "covariance"}.get(name, name)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    return ""


_: Callable[..., Any]
