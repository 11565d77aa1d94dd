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
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds, theory
from synfwp.memory import Decoder, Mapped, System
from synfwp.results import Row
from synfwp.settings import sized

Array = np.ndarray
KEYS = {"normal": "normal keys (mean zero)", "relu": "rate keys", "recording": "keys of a recording"}
RULES = {"hebb": "Hebb", "covariance": "covariance", "delta": "delta"}  # on substrates
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
    curves = results.cells(exact, {"key_set": list(KEYS)}, size=size, seed=seed)
    collapse = results.cells(collapsed, {"key_set": list(KEYS)}, size=size, seed=seed)
    on = results.cells(carried, {"rule": list(RULES)}, size=size, seed=seed)
    more = at_equal_numbers(size, seed)
    settings = {"size": size._asdict(), "quick": quick, "d_key": size.d}
    ds = xr.merge([curves, collapse, on, more], combine_attrs="override", join="outer")
    names = {"key_set": "key set", "system": "system", "rule": "rule", "substrate": "substrate", "reader": "system"}
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
        means: dict[str, Any] = {"stored": (before[-1], before[-1]), "running": (before, before[-1])}
        written, asked = means[self.mean] if isinstance(self.mean, str) else (self.mean, self.mean)
        return np.asarray((q - asked if self.query else q) @ (k - written).T @ v)

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """W and the mean, in float64."""
        kept = float(d_key * (d_value + 1))
        return {"state_variables": kept, "synapses": float(d_key * d_value), "bits": 64 * kept, "state_bytes": 8 * kept}


def systems(size: Size, keys: str) -> dict[str, Any]:
    """What is compared on every key set."""
    mean = mean_key(size, keys)
    return {
        "hebb": "hebb", "covariance, running mean": "covariance", "covariance, known mean": Covariance(mean),
        "covariance, off the query too": Covariance(mean, True), "linear attention, elu + 1": Mapped(),
        "delta": "delta", "delta, beta 1": System("delta", beta=1.0), "Longhorn": "longhorn",
        "MESA": System("mesa", decay=1.0), "softmax": "softmax",
    }  # fmt: skip


def vectors(size: Size, keys: str) -> Any:
    """What `fw.capacity` takes."""
    return recording(size) if keys == "recording" else keys


# cells ----------------------------------------------------------------------------------------------------------------

KEPT = ("score", "mean", "low", "high", "theory", "chance", "chosen", "state_bytes", "synapses")


def exact(size: Size, key_set: str, seed: int) -> xr.Dataset:
    """Recall of all systems on one key set, with closed forms."""
    keys = key_set
    how = {"loads": size.loads, "d_key": size.d, "keys": vectors(size, keys), "seeds": size.seeds, "seed": seed}
    ds = fw.capacity(systems(size, keys), **how)[list(KEPT)]
    known = sample(size, keys)
    for name in FORMS:
        for P in size.loads:
            form = form_of(keys, name)
            if form == "unequal_cosine":
                scale = ds.chosen.sel(system=name, pairs=P, knob="scale").item()
                seen = Mapped().mapped(known[:1024], scale) if name.startswith("linear") else known
                want = theory.unequal_cosine(seen, P, *CENTRED.get(name, (False,)))
            elif form == "delta_cosine":
                want = theory.delta_cosine(P, size.d, ds.chosen.sel(system=name, pairs=P, knob="beta").item())
            elif form == "snr_cosine":
                want = theory.snr_cosine(theory.kernel_snr(P, theory.key_interference(known, *CENTRED[name])))
            else:
                continue
            ds["theory"].loc[{"system": name, "pairs": P}] = want
    return ds


CENTRED = {"covariance, known mean": (True, False), "covariance, off the query too": (True, True)}
FORMS = {
    "hebb": "hebb_cosine", "linear attention, elu + 1": "unequal_cosine", "delta": "delta_cosine",
    "delta, beta 1": "delta_cosine", "MESA": "least_squares_cosine", **dict.fromkeys(CENTRED, "snr_cosine"),
}  # fmt: skip


def form_of(keys: str, name: str) -> str:
    """The closed form of a curve, or ""; keys of a recording are not alike."""
    form = FORMS[name]
    if form == "delta_cosine":
        return form if keys == "normal" else ""
    return "unequal_cosine" if keys == "recording" and name != "MESA" else form


def share_of_value(reads: Array, at: Any) -> Array:
    """Share of the squared length of all reads of an episode that lies along their values: SNR / (1 + SNR)."""
    size = np.square(at.target).sum(axis=(1, 2))
    slope = (reads * at.target).sum(axis=(1, 2)) / size
    total = np.square(reads).sum(axis=(1, 2))
    share = np.divide(slope**2 * size, total, out=np.zeros(len(total)), where=total > 0)
    return np.repeat(share[:, None], reads.shape[1], axis=1)


POOLED = Decoder("pooled", share_of_value, lambda load, at: 0.0, "normal", "share of reads along their values")
READERS = ("hebb", "covariance, off the query too", "delta", "delta, beta 1", "MESA")


def collapsed(size: Size, key_set: str, seed: int) -> xr.Dataset:
    """Noise over signal of reads, pooled over queries, and what is expected of the correlation matrices."""
    keys = key_set
    chosen = {name: one for name, one in systems(size, keys).items() if name in READERS}
    how = {"loads": size.loads, "d_key": size.d, "keys": vectors(size, keys), "seeds": size.seeds, "seed": seed}
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


def rows(ds: xr.Dataset) -> list[Row]:
    """Closed forms at every load, numbers found by other means at P = d, claims, the law, and engines."""
    size = json.loads(ds.attrs["parameters"])["size"]
    return [*_closed(ds), *_found(ds, size["d"]), *_claims(ds, size["d"]), *_law(ds), *_engines(ds)]


def _closed(ds: xr.Dataset) -> list[Row]:
    """Every curve with a closed form, at every load."""
    found = []
    for keys in ds.key_set.values:
        for name in FORMS:
            if not form_of(keys, name):
                continue
            form = theory.FORMULAS[form_of(keys, name)]
            for P in ds.pairs.values:
                at = ds.sel(key_set=keys, system=name, pairs=P)
                want = float(at.theory)
                what = f"recall, {KEYS[keys]}, {name}, P = {P}"
                found.append(Row(what, at.score, want, "theory", form.source, band=float(form.allowed(want))))
    return found


def _found(ds: xr.Dataset, d: int) -> list[Row]:
    """Numbers of another simulation at P = d; other sizes have none."""
    if d != 64 or d not in ds.pairs:
        return []
    rows, n = [], 20
    for (keys, name), want in FOUND.items():
        one = ds.more.sel(variant=name) if name in ds.variant else ds.score.sel(key_set=keys, system=name, pairs=d)
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
        ("recording", "covariance, off the query too", "hebb", "above"),
    ):
        at = ds.sel(key_set=keys, pairs=d)
        a, b = (at.score.sel(system=name) for name in (one, other))
        found.append(Row(f"recall at P = d, {KEYS[keys]}, {one}, against {other}", a, b, "control", claim=claim))
    form = theory.FORMULAS["hebb_cosine"]
    for keys in ds.of.values:
        want = theory.hebb_cosine(d, d, theory.RELU_OVERLAP if keys == "relu" else 0.0)
        for values in ds["values"].values:
            what = f"recall at P = d, {KEYS[keys]}, rates as values, {values}"
            one = ds.rates.sel(of=keys, values=values)
            why = "reads of all keys share the mean of the values" if (keys, values) == ("relu", "raw") else ""
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
    for keys in ds.key_set.values:
        for P in ds.pairs.values:
            at = ds.sel(key_set=keys, pairs=P)
            law = (P - 1) / float(at.effective.sel(around="zero"))
            what = f"squared error of Hebb, {KEYS[keys]}, P = {P}"
            found.append(Row(what, at.error_hebb, law, "theory", "kohonen1972"))
            for name, around in zip(READERS[:2], ("zero", "mean"), strict=True):
                want = theory.snr_cosine(float(at.effective.sel(around=around)) / (P - 1))
                what = f"root of the share along the value, {KEYS[keys]}, {name}, P = {P}"
                one = np.sqrt(at.share.sel(reader=name))
                found.append(Row(what, one, want, "theory", form.source, band=float(form.allowed(want))))
            for name in READERS[2:] if json.loads(ds.attrs["parameters"])["size"]["d"] < P else READERS[2:-1]:
                rid = law * at.share.sel(reader=name) / np.maximum(1 - at.share.sel(reader=name), 1e-12)
                found.append(Row(f"noise of Hebb by law over noise, {KEYS[keys]}, {name}, P = {P}", rid))
    return found


def _engines(ds: xr.Dataset) -> list[Row]:
    """A rate network against the exact rule, and LIF neurons against counts, on the same pairs."""
    found = []
    for rule, spelled in RULES.items():
        at = ds.on_score.sel(rule=rule).dropna("pairs", how="all")
        for P in at.pairs.values:
            one = at.sel(pairs=P)
            lif, counts = one.sel(substrate="LIF neurons").dropna("draw"), one.sel(substrate="counts")
            what = f"recall of rates, {spelled}, LIF neurons against counts, P = {P}"
            found.append(Row(what, lif, counts.sel(draw=lif.draw), "other engine", why="unexplained"))
            if rule == "hebb":
                rate = one.sel(substrate="rate network")
                what = f"recall of rates, {spelled}, rate network against exact, P = {P}"
                why = "a read of a rate network reaches 0.99995 of its value"
                found.append(Row(what, rate, one.sel(substrate="exact"), "other engine", band=5e-5, why=why))
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
        one = ds.sel(key_set=keys)
        shown = [name for name in STYLES if keys != "normal" or not name.startswith("covariance")]
        plot.capacity(one, axes[letter], systems=shown, relative=True, legend=False, styles=STYLES)
        with plot.style():
            axes[letter].set_title(KEYS[keys])
            axes[letter].set_ylabel("recall (cosine)")
            axes[letter].set_ylim(-0.03, 1.05)
    plot.shared_legend(fig, axes["b"])
    for letter, rule in zip("def", RULES, strict=True):
        plot.capacity(_on(ds, rule), axes[letter], relative=True, legend=False, styles=ENGINES)
        with plot.style():
            entries = list(zip(*axes[letter].get_legend_handles_labels(), strict=True))
            axes[letter].set_ylabel("recall (cosine)")
            narrow = fig.get_size_inches()[0] < 5  # a column: costs go below names
            entries = [
                (h, name.replace(" (", "\n(") if narrow else name) for h, name in entries if name not in REFERENCES
            ]
            axes[letter].legend(*zip(*entries, strict=True), loc="lower left", bbox_to_anchor=(-0.02, 1), fontsize=5)
            axes[letter].set_ylim(-0.03, 1.05)
            axes[letter].annotate(RULES[rule], (0.97, 0.95), xycoords="axes fraction", ha="right", va="top")
    _collapse(ds, axes["g"], axes["h"])
    plot.letter(axes, offset=22.0)
    return fig


def _on(ds: xr.Dataset, rule: str) -> xr.Dataset:
    """Substrates of a rule, as the figure takes them."""
    names = [str(name) for name in ds.data_vars if str(name).startswith("on_")]
    one = ds.sel(rule=rule)[names].rename({name: name.removeprefix("on_") for name in names})
    there = one["mean"].dropna("pairs", how="all").dropna("substrate", how="all")
    one = one.sel(pairs=there.pairs, substrate=there.substrate).rename(substrate="system")
    return one.assign(chance=ds.chance.sel(pairs=there.pairs)[0])


REFERENCES = ("theory", "chance")
MARKERS = {"normal": "o", "relu": "^", "recording": "s"}


def _collapse(ds: xr.Dataset, law: Any, rid: Any) -> None:
    """Noise over signal against P / P_eff, and how much less of it there is than by the law."""
    from synfwp import plot

    with plot.style():
        for keys, marker in MARKERS.items():
            for name in READERS:
                at, matrix = ds.sel(key_set=keys, reader=name), name in READERS[:2]
                if keys == "normal" and name.startswith("covariance"):
                    continue  # no mean to take off
                around = "mean" if name.startswith("covariance") else "zero"
                x = (ds.pairs.values - 1) / float(at.effective.sel(around=around))
                noise = 1 / np.clip(at.share.mean("seed").values, 1e-12, 1 - 1e-9) - 1
                colour = plot.COLOURS.get(STYLES[name][0], STYLES[name][0])
                law.plot(x, noise, marker=marker, color=colour, lw=0 if matrix else 0.6, ms=3 if matrix else 2)
                if not matrix:
                    rid.plot(x, x / noise, marker=marker, color=colour, lw=0.6)
        span = np.array([0.08, 120.0])
        law.plot(span, span, color="0.3", lw=1.1, ls=(0, (3, 2)), label="law", zorder=4)
        rid.axhline(1, color="0.3", lw=1.1, ls=(0, (3, 2)))
        for name in READERS:
            colour = plot.COLOURS.get(STYLES[name][0], STYLES[name][0])
            law.plot([], [], color=colour, lw=1.5, label={"hebb": "Hebb"}.get(name, name))
        for keys, marker in MARKERS.items():
            law.plot([], [], marker, color="0.3", label=KEYS[keys])
        for ax, low, high in ((law, 0.02, 200.0), (rid, 0.3, 100.0)):
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.set_ylim(low, high)
            ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
            ax.yaxis.set_major_formatter(lambda x, _: f"{x:g}")
            ax.set_xlabel("load P / P$_\\mathrm{eff}$ (pairs per effective dimension)")
        law.set_ylabel("noise / signal (ratio of squares)")
        rid.set_ylabel("noise by the law / noise (ratio)")
        law.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = Size(**json.loads(ds.attrs["parameters"])["size"])
    at = ds.sel(pairs=size.d)["mean"]

    def of(keys: str, *names: str) -> str:
        return ", ".join(f"{name} {float(at.sel(key_set=keys, system=name)):.3f}" for name in names)

    d = ds.effective.values
    lif = ds.on_mean.sel(substrate="LIF neurons") - ds.on_mean.sel(substrate="counts")
    text = f"""
        What memories recall of P pairs, each written once: keys of {size.d} features and length 1, normal values of
        {size.d}; mean of {size.seeds} seeds, bands: 95 % intervals of the mean; dashed: closed forms, which take values
        of mean zero; dotted: chance. (a, b, c) Exact rules on normal keys, on rates (rectified normal) and on
        {size.rows} made-up keys of a recording (variances falling as i^-{size.power:g}, mean of squared length
        {size.overlap:g}); beta, decay, inverse temperature, scale or ridge of every system is the best for its load on
        5 other seeds, but for delta at beta 1; in brackets, what is kept. At P = d: {of("normal", *CAPTION[:4])} (a);
        {of("relu", *CAPTION)} (b). (d, e, f) Rates by Hebb, covariance (mean of the keys before) and delta on
        substrates: {size.counts_seeds} seeds (exact, rate network, Poisson counts), {size.lif_seeds} of LIF neurons;
        {size.neurons} neurons per feature, {size.peak:g} Hz at peak, windows of {size.window:g} ms, weights free to
        change sign, read from spikes; beta 1, of delta the best for the whole curve (LIF: that of counts); in brackets,
        synapses, and spikes of all neurons per association and per query. LIF neurons lie within
        {float(np.abs(lif).max()):.3f} of counts. (g) Noise over signal of reads against P / P_eff: all correlation
        matrices lie on one line; P_eff is {d[0, 0]:.1f}, {d[1, 0]:.1f} and {d[2, 0]:.1f} of normal keys, rates and the
        recording, {d[1, 1]:.1f} and {d[2, 1]:.1f} of the last two around their mean. (h) Noise of that line over the
        noise of delta and MESA: what correcting a prediction buys (MESA has none up to P = d, above the axis).
    """
    return " ".join(text.split())


CAPTION = ("hebb", "delta", "delta, beta 1", "MESA", *CENTRED)
