"""Dynamics: what each token makes of the fast weights, in linear transformers, in rates and in LIF neurons.

Programmers learn associative recall with overwriting through the rules of DeltaNet, Gated DeltaNet and RetNet, and
through softmax attention. The same instructions then drive the exact rule, networks of rates and one of LIF neurons.
The transition of a token, what W becomes of W, follows from the instructions for the exact rule; that of the networks
is measured, as the response of W to a W that starts elsewhere, with common noise, from every state of the run, and
never taken from the effective rule of a mechanism. From the transitions come eigenvalues, Lyapunov exponents, time
constants and the map of what each write still adds to each read, which is all that there is of softmax attention: it
has no W. Keys are rates, which LIF neurons can fire.

Beside it, the norm of W against the stability bound of the delta rule, exact and in Poisson counts, whose noise lowers
the bound; and a unit that holds itself up by the Hebbian plasticity of its own synapse, with its fixed points.

Ours: all sizes; RetNet as one head with the decay of its first; the kick by which responses are measured.

Cites: yang2024deltanet, yang2025gated, sun2023retnet, grazzi2025, irie2025, miconi2018
"""

import json
import warnings
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import dynamics, results, seeds, theory
from synfwp.results import Row
from synfwp.settings import sized
from synfwp.tasks import Recall

NETS = {"DeltaNet": "delta", "Gated DeltaNet": "gated_delta", "RetNet": "leaky_hebb", "softmax": "softmax"}
LINEAR = tuple(NETS)[:3]
SUBSTRATES = ("exact", "rates", "rates, lagged", "LIF")
RETNET = 1 - 2.0**-5  # the decay of its first head
STATES = ("effective_rank", "participation_ratio", "W_norm")
MARGIN = 0.8, 1.2  # of the bound, where the norm is compared


class Size(NamedTuple):
    """The task and the nets, the network of LIF neurons, the runs of random keys, and the unit."""

    task: Recall
    nets: int  # nets of each rule, each with a seed and a test sequence of its own
    steps: int  # updates of a training
    learning_rate: float  # of Adam
    d_key: int  # features of keys and values
    repeats: int  # of a response, with other noise
    neurons_per_feature: int  # neurons of a feature
    betas: tuple[float, ...]  # write strengths of random keys
    spikes: tuple[float, ...]  # of a key's root mean square in one window, of counts
    d: int  # features of random keys
    tokens: int  # random keys of a run
    runs: int  # runs of random keys
    gains: tuple[float, ...]  # eta / (1 - lam) of the unit
    kick: float = 0.5  # by how much a weight is moved, in units of (largest value) / (largest key)
    tau: float = 20.0  # ms: read-out of the rate networks
    peak: float = 100.0  # Hz: peak rate
    window: float = 100.0  # ms: each phase of an item
    gap: float = 40.0  # ms: gap behind each phase
    weight: float = 0.5  # fixed weight of the unit
    lam: float = 0.9  # what is left of its plastic weight after one step

    def substrate(self, name: str) -> Any:
        """One of the substrates."""
        if name == "LIF":
            code = fw.RateCode(peak=self.peak, neurons_per_feature=self.neurons_per_feature)
            cycle = fw.ThetaCycle(retrieve=self.window, encode=self.window, gap=self.gap)
            return fw.SpikingNetwork(engine="lif", code=code, schedule=cycle, dale=False)
        flow = "lagged" if name == "rates, lagged" else "sample_and_hold"
        rates = fw.RateNetwork(tau=self.tau, T_write=self.window, T_read=self.window, gap=self.gap, flow=flow)
        return fw.Exact() if name == "exact" else rates


FULL = Size(
    task=Recall(keys=12, values=12, writes=28), nets=5, steps=600, learning_rate=1e-2, d_key=12, repeats=16,
    neurons_per_feature=8, betas=(0.1, 0.3, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 1.9, 2.05), spikes=(2.0, 5.0), d=64,
    tokens=600, runs=20, gains=tuple(np.round(np.linspace(0, 4, 21), 3).tolist()),
)  # fmt: skip
QUICK = Size(
    task=Recall(keys=4, values=4, writes=6), nets=2, steps=25, learning_rate=3e-2, d_key=4, repeats=3,
    neurons_per_feature=2, betas=(0.5, 1.0, 1.9), spikes=(5.0,), d=16, tokens=60, runs=3, gains=(0.0, 2.0, 4.0),
)  # fmt: skip


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train, run, measure; ``quick`` does it with 4 keys and two nets."""
    draws = list(range(seed, seed + size.nets))
    nets = results.cells(of_net, {"net": list(LINEAR), "seed": draws}, size=size)
    soft = results.cells(of_softmax, {"seed": draws}, size=size)
    noise = results.cells(of_random_keys, {"run": list(range(seed, seed + size.runs))}, size=size)
    ds = nets.merge(soft).merge(noise).merge(bounds(size, seed)).merge(unit(size))
    ds["beta"].attrs = {"units": "1", "long_name": "write strength of random keys"}
    settings = {"size": size._asdict() | {"task": vars(size.task)}, "quick": quick}
    ds.attrs = results.provenance(settings, seed)
    return results.compared(ds, rows)


# --- trained nets -----------------------------------------------------------------------------------------------------


def programmer(size: Size, net: str) -> Any:
    """A programmer whose keys are rates of unit length; that of RetNet sends the decay of its first head."""
    task, rule = size.task, NETS[net]
    more: dict[str, Any] = {"feature": "identity", "key_norm": "none"} if rule == "softmax" else {"write_channel": -1}
    linear = fw.Programmer(
        rule="hebb" if net == "RetNet" else rule, d_in=task.d_in, d_key=size.d_key, d_value=size.d_key,
        d_out=task.d_out, **more,
    )  # fmt: skip
    if net != "RetNet":
        return linear

    def send(params: Any, x: Any) -> fw.Instructions:
        sent = linear(params, x)
        return fw.Instructions(sent.q, sent.k, sent.v, sent.beta, np.full(np.shape(x)[:-1], RETNET))

    return fw.FunctionProgrammer(send, linear.init, "leaky_hebb", linear.read_out)


def train(size: Size, net: str, seed: int) -> tuple[fw.Instructions, float, float]:
    """The instructions of one test sequence, the accuracy on 100, and that of the best answer that ignores order."""
    trained: Any = fw.train(
        programmer(size, net), size.task, steps=size.steps, learning_rate=size.learning_rate, seed=seed
    )
    test = size.task(seeds.generator(seed, "test"), 100)
    sent = trained.instructions(test.x)
    one = fw.Instructions(
        *(None if x is None else np.asarray(x)[0] for x in (sent.q, sent.k, sent.v, sent.beta, sent.decay))
    )
    return one, trained.accuracy(test), size.task.order_blind_accuracy(test.x)


def of_net(size: Size, net: str, seed: int) -> xr.Dataset:
    """One net: the spectra of its instructions on every substrate."""
    sent, accuracy, _ = train(size, net, seed)
    rule, found = fw.get_rule(NETS[net]), []
    for name in SUBSTRATES:
        run = fw.simulate(rule, sent, on=size.substrate(name), states=1, seed=seed)
        one = fw.spectra(run, repeats=size.repeats, kick=size.kick, seed=seed)
        kept = ["kept_along_key", "lyapunov_exponent", "log_determinant", "contribution", "step_norm", *STATES]
        kept += [f"{part}_error" for part in kept if f"{part}_error" in one]
        part = one[kept].assign(reads=run.y.reset_coords(drop=True))
        found.append(part.drop_vars([x for x in ("transition", "state_step") if x in part.coords]))
    ds = xr.concat(found, dim=xr.Variable("substrate", list(SUBSTRATES)), join="outer", fill_value=0.0)
    beta = np.broadcast_to(1.0 if sent.beta is None else sent.beta, len(sent.k))
    values, number = transition_values(rule.name, sent, beta), {"units": "1"}
    exact = dynamics.transition_eigenvalues(
        dynamics.transition_matrices(rule, sent.k, beta=sent.beta, decay=sent.decay)
    ).real
    ds["eigenvalue"] = (("transition", "mode"), exact, number | {"long_name": "eigenvalue of the exact rule"})
    ds["eigenvalue_closed"] = (("transition", "mode"), values, number | {"long_name": "eigenvalue, closed form"})
    ds["writes"] = ("transition", (sent.k != 0).any(axis=-1) & (beta > 0), {"long_name": "whether a token writes"})
    ds["read_by_map"] = (
        ("substrate", "time", "value"),
        np.einsum("xts,sv->xtv", ds.contribution.values, sent.v),
        number | {"long_name": "what the map of contributions reads"},
    )
    ds["flow"] = (("substrate",), _closed(size, rule.name, sent, beta), number | {"long_name": "mean of ln |det M|"})
    ds["accuracy"] = ((), accuracy, number | {"long_name": "accuracy of the net"})
    return ds


def transition_values(rule: str, sent: fw.Instructions, beta: np.ndarray) -> np.ndarray:
    """Eigenvalues (T, d) in closed form: the decay a, and for delta rules a (1 - beta |k|^2), by their modulus."""
    T, d = sent.k.shape
    a = np.ones(T) if sent.decay is None else np.broadcast_to(sent.decay, T)
    kept = a * (1 - beta * np.square(sent.k).sum(axis=-1)) if rule != "leaky_hebb" else a
    values = np.concatenate([np.repeat(a[:, None], d - 1, axis=1), kept[:, None]], axis=1)
    return np.take_along_axis(values, np.argsort(-np.abs(values), axis=1, kind="stable"), axis=1)


def _closed(size: Size, rule: str, sent: fw.Instructions, beta: np.ndarray) -> list[float]:
    """Mean of ln |det M| in closed form: of the exact rule, and of the flows of rate networks that start at rest."""
    from synfwp.substrates.flows import lag_propagator

    T, d = sent.k.shape
    a = np.ones(T) if sent.decay is None else np.broadcast_to(sent.decay, T)
    G = beta * np.square(sent.k).sum(axis=-1) if rule != "leaky_hebb" else np.zeros(T)
    settled = -np.expm1(-size.window / size.tau)  # of a retrieval from rest
    kept = (1 - G, 1 - settled * G, lag_propagator(G, size.tau, size.window)[..., 0, 0])
    means = [float((d * np.log(a) + np.log(np.abs(x))).mean()) for x in kept]
    return [*means, np.nan]


def of_softmax(size: Size, seed: int) -> xr.Dataset:
    """One net with softmax attention: its map, and nothing of weights that it does not have."""
    sent, accuracy, ceiling = train(size, "softmax", seed)
    ds = fw.spectra(sent, "softmax")
    number = {"units": "1"}
    return xr.Dataset(
        {
            "softmax_contribution": ds.contribution.assign_attrs(long_name="softmax attention"),
            "softmax_accuracy": ((), accuracy, number | {"long_name": "accuracy of softmax attention"}),
            "softmax_ceiling": (
                (),
                ceiling,
                number | {"long_name": "expected accuracy of the best answer without order"},
            ),
            "softmax_absent": ((), "eigenvalue" in json.loads(ds.attrs["absent"]), {"long_name": "no transition"}),
        }
    )


# --- norms against the bound, and a unit ------------------------------------------------------------------------------


def of_random_keys(size: Size, run: int) -> xr.Dataset:
    """Squared norms of W behind random unit keys: the exact rule at zero mean, and counts of rectified keys."""
    rng, d, T = seeds.generator(run, "random keys"), size.d, size.tokens
    k, v = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in rng.standard_normal((2, T, d)))
    rates = rectified(size, run)
    names, found = ["exact", *(f"counts, {n:g} spikes" for n in size.spikes)], []
    for beta in size.betas:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "unstable step", RuntimeWarning)  # past the bound, which is asked for
            one = [float(np.square(fw.scan("delta", k, k, v, np.full(T, beta)).W).sum())]
        for n in size.spikes:
            network, arrays = counts(size, n, rates), (0 * rates, rates, v, np.full(T, beta))
            W = network.run(fw.DELTA, arrays[0][None], arrays[1][None], arrays[2][None], arrays[3][None], None, run).W
            one.append(float(np.square(W).sum()))
        found.append(one)
    text = {"units": "1", "long_name": "squared norm of W behind a run of random keys"}
    return xr.Dataset({"norm": (("beta", "noise"), found, text)}, {"beta": list(size.betas), "noise": names})


def rectified(size: Size, run: int) -> np.ndarray:
    """Rectified normal keys of unit length."""
    k = np.maximum(seeds.generator(run, "rates").standard_normal((size.tokens, size.d)), 0)
    return k / np.linalg.norm(k, axis=-1, keepdims=True)


def counts(size: Size, spikes: float, k: np.ndarray) -> fw.SpikingNetwork:
    """Counts of one neuron for each feature, with so many spikes for the root mean square of the keys."""
    peak = spikes * float(k.max()) * size.d**0.5 / size.window * 1000
    code, cycle = fw.RateCode(peak=peak, neurons_per_feature=1), fw.ThetaCycle(retrieve=size.window, encode=size.window)
    return fw.SpikingNetwork(code=code, schedule=cycle, mechanism=fw.TwoPhase(), dale=False)


def bounds(size: Size, seed: int) -> xr.Dataset:
    """The bound on beta of the delta rule: exact, and for keys that are read from counts; norms in closed form."""
    k = rectified(size, seed) * size.d**0.5  # in units of their root mean square
    at = [2.0, *(float(np.mean([theory.stability_bound(key, n) for key in k])) * size.d for n in size.spikes)]
    closed = [float(theory.delta_norm(b, size.d)) if b < 2 else np.nan for b in size.betas]
    number = {"units": "1"}
    return xr.Dataset(
        {
            "bound": ("noise", at, number | {"long_name": "largest stable beta"}),
            "norm_closed": ("beta", closed, number | {"long_name": "squared norm of W, closed form"}),
        }
    )


def unit(size: Size) -> xr.Dataset:
    """Fixed points of a unit with a plastic synapse on itself, over gains, and how far they are off their equation."""
    network, most = fw.PlasticRateNetwork(phi="tanh"), 5
    h, stable = np.full((2, len(size.gains), most), np.nan)
    for i, one_gain in enumerate(size.gains):
        weights = {"W": [[size.weight]], "alpha": 1.0, "lam": size.lam, "eta": one_gain * (1 - size.lam)}
        one = dynamics.fixed_points(network, weights, [0.0], starts=40)
        n = one.sizes["point"]
        h[i, :n], stable[i, :n] = one.h.values[:, 0], one.stable.values
    number, dims = {"units": "1"}, ("gain", "point")
    gain = np.array(size.gains)[:, None]
    off = np.tanh((size.weight + gain * h**2) * h) - h
    return xr.Dataset(
        {
            "rest": (dims, h, number | {"long_name": "activity at rest"}),
            "stable": (dims, stable, number | {"long_name": "whether it stays there"}),
            "off": (dims, off, number | {"long_name": "distance from the fixed-point equation"}),
        },
        {"gain": ("gain", list(size.gains), number | {"long_name": "gain of plasticity, eta / (1 - lam)"})},
    )


# --- table, figure, caption -------------------------------------------------------------------------------------------


def rows(ds: xr.Dataset) -> list[Row]:
    """Identities of the exact rule, responses of rates against their flows, LIF neurons against the exact rule."""
    table = []
    for net in LINEAR:
        one = ds.sel(net=net)
        table.append(Row(f"accuracy, {net}", one.accuracy))
        off = np.abs(one.eigenvalue - one.eigenvalue_closed).max(("transition", "mode"))
        table.append(Row(f"eigenvalues, {net}, largest distance from the closed form", off, 0.0, "exact", band=1e-12))
        total = one.log_determinant
        what = f"sum of Lyapunov exponents, {net}"
        table.append(
            Row(f"{what}, exact", total.sel(substrate="exact"), one.flow.sel(substrate="exact"), "exact", band=1e-12)
        )
        for name in SUBSTRATES[1:3]:
            closed = one.flow.sel(substrate=name)
            table.append(Row(f"{what}, {name}", total.sel(substrate=name), closed, "exact", band=1e-9))
        why = "" if net == "RetNet" else "membranes that charge erase less of small predictions"
        exact = total.sel(substrate="exact")
        table.append(Row(f"{what}, LIF", total.sel(substrate="LIF"), exact, "other engine", why=why))
        off = np.abs(one.read_by_map - one.reads).max(("time", "value"))
        text = f"map of contributions times values, {net}, largest distance from the reads"
        table.append(Row(f"{text}, exact", off.sel(substrate="exact"), 0.0, "exact", band=1e-12))
        for name in ("rates", "LIF"):
            table.append(Row(f"{text}, {name}", off.sel(substrate=name)))
        table += _kept(one, net)
    decay = ds.lyapunov_exponent.sel(net="RetNet", substrate="exact").mean("mode")
    table.append(Row("time constant, RetNet, tokens", -1 / decay, -1 / np.log(RETNET), "exact", band=1e-9))
    why = "one layer without positions sees no order"
    table.append(
        Row(
            "accuracy, softmax, against the best that ignores order",
            ds.softmax_accuracy,
            ds.softmax_ceiling,
            "ceiling",
            why=why,
        )
    )
    table.append(
        Row(
            "rows of the softmax map, sum",
            ds.softmax_contribution.sum("write_time").mean("time"),
            1.0,
            "exact",
            band=1e-12,
        )
    )
    return table + _norms(ds) + _unit(ds)


def _kept(one: xr.Dataset, net: str) -> list[Row]:
    """What the writes of a net keep along their keys: mean over writes, of each net."""
    kept = one.kept_along_key.where(one.writes > 0).mean("transition")
    exact = kept.sel(substrate="exact")
    error = one.kept_along_key_error.sel(substrate="LIF").where(one.writes > 0).mean("transition")
    return [
        Row(f"kept along the key, {net}, exact", exact),
        Row(f"kept along the key, {net}, rates", kept.sel(substrate="rates"), exact, "other engine",
            why="the retrieval ends before it has settled" if net != "RetNet" else ""),
        Row(f"kept along the key, {net}, LIF", kept.sel(substrate="LIF"), exact, "other engine",
            why="membranes that charge erase less of small predictions" if net != "RetNet" else ""),
        Row(f"standard error of one token, {net}, LIF", error),
    ]  # fmt: skip


def _norms(ds: xr.Dataset) -> list[Row]:
    """Norms against their closed form, and on both sides of the bounds."""
    table = []
    for beta in ds.beta.values.tolist():
        closed = float(ds.norm_closed.sel(beta=beta))
        # a run is long enough once what is left of its start, (1 - beta (2 - beta) / d)^tokens, is below 1 %
        size = json.loads(ds.attrs["parameters"])["size"]
        settled = beta < 2 and (1 - beta * (2 - beta) / size["d"]) ** size["tokens"] < 0.01
        norm = ds.norm.sel(beta=beta, noise="exact")
        what = f"squared norm of W, delta rule, beta = {beta:g}"
        table.append(Row(what, norm, closed, "theory") if settled else Row(what, norm))
    for name in ds.noise.values.tolist():
        bound = float(ds.bound.sel(noise=name))
        table.append(Row(f"largest stable beta, {name}", bound))
        below, above = (ds.beta.values[np.abs(ds.beta.values - x * bound).argmin()] for x in MARGIN)
        if above > bound > below and above > below:
            pair = [np.log10(ds.norm.sel(noise=name, beta=b)) for b in (above, below)]
            what = f"log10 of the squared norm, {name}, beta = {above:g} against {below:g}"
            table.append(Row(what, pair[0], pair[1], "control", claim="above"))
    return table


def _unit(ds: xr.Dataset) -> list[Row]:
    """Fixed points of the unit."""
    number, most = ds.rest.notnull().sum("point"), float(ds.gain.max())
    return [
        Row(
            "fixed points of a Hebbian unit, distance from their equation",
            float(np.abs(ds.off).max()),
            0.0,
            "exact",
            band=1e-8,
        ),
        Row(f"fixed points of a Hebbian unit, gain {most:g}", float(number.sel(gain=most))),
        Row(f"stable ones, gain {most:g}", float(ds.stable.sel(gain=most).sum())),
    ]


LOOKS = {
    "exact": ("black", "-", ""),
    "rates": ("blue", "", "s"),
    "rates, lagged": ("sky", "", "D"),
    "LIF": ("vermillion", "", "^"),
}
NET_LOOKS = dict(zip(LINEAR, ("blue", "green", "orange"), strict=True))
LABEL = {"rates": "rates, held"}


def figure(ds: xr.Dataset) -> Any:
    """Four rows: a token, all tokens, what each write still adds, and the bound."""
    from synfwp import plot

    fig, axes = plot.figure("double", 168, [[[list(row)]] for row in ("abc", "defg", "hijk", "lm")])
    for letter, net in zip("abc", LINEAR, strict=True):
        _tokens(ds, axes[letter], net)
    _exponents(ds, axes["d"])
    _determinants(ds, axes["e"])
    _along(ds, axes["f"], "effective_rank", "effective rank (number)")
    _along(ds, axes["g"], "W_norm", "norm of W (value / key)")
    _maps(ds, [axes[letter] for letter in "hijk"])
    _against_bound(ds, axes["l"])
    _points(ds, axes["m"])
    with plot.style():
        for row in ("abc", "hijk"):
            for letter in row[1:]:
                axes[letter].sharey(axes[row[0]])
                axes[letter].tick_params(labelleft=False)
        plot.shared_legend(fig, axes["a"])
    for letter in "dfglm":
        plot.legend(axes[letter])
    plot.letter(axes, offset=25.0)
    return fig


def _tokens(ds: xr.Dataset, ax: Any, net: str) -> None:
    """What each write of one net keeps along its key, on every substrate."""
    from synfwp import plot
    from synfwp.plot.parts import whole_ticks

    one = ds.isel(seed=0).sel(net=net)
    token = np.flatnonzero(one.writes.values > 0)
    for name, (colour, line, marker) in LOOKS.items():
        here = one.sel(substrate=name)
        kept, error = (here[x].values[token] for x in ("kept_along_key", "kept_along_key_error"))
        with plot.style():
            if line:
                ax.plot(token + 1, kept, line, color=plot.COLOURS[colour], lw=0.8, label=name)
            else:
                bars = error if name == "LIF" else None
                plot.points(ax, token + 1, kept, bars, colour=colour, marker=marker, label=LABEL.get(name, name))
    with plot.style():
        ax.axhline(0, color="0.45", lw=0.5)
        ax.set(title=net, xlabel="token (number)", ylim=(-0.35, 1.15))
        whole_ticks(ax.xaxis)
        if net == LINEAR[0]:
            ax.set_ylabel("kept along the key (share)")


def _exponents(ds: xr.Dataset, ax: Any) -> None:
    """Lyapunov exponents of each net, exact and in LIF neurons, means over nets."""
    from synfwp import plot
    from synfwp.plot.parts import whole_ticks

    mode = np.arange(1, ds.sizes["mode"] + 1)
    with plot.style():
        for net, colour in NET_LOOKS.items():
            one = ds.lyapunov_exponent.sel(net=net)
            ax.plot(mode, one.sel(substrate="exact").mean("seed"), color=plot.COLOURS[colour], lw=0.9, label=net)
            lif = one.sel(substrate="LIF")
            plot.points(ax, mode, lif.mean("seed"), _sem(lif), colour=colour, marker="^")
        ax.plot([], [], "^", color="black", label="LIF")
        ax.set(xlabel="direction (rank)", ylabel="exponent (1/token)")
        whole_ticks(ax.xaxis)


def _determinants(ds: xr.Dataset, ax: Any) -> None:
    """Sums of exponents of all nets and networks against their closed form."""
    from synfwp import plot

    with plot.style():
        for name, (colour, _, marker) in LOOKS.items():
            x = ds.flow.sel(substrate="exact" if name == "LIF" else name).values.ravel()
            at = ds.sel(substrate=name)
            y, error = at.log_determinant.values.ravel(), at.log_determinant_error.values.ravel()
            plot.points(ax, x, y, error if name == "LIF" else None, colour=colour, marker=marker or "o")
        ends = np.array([float(ds.flow.min()), float(ds.flow.max())])
        ax.plot(ends, ends, color="0.45", lw=0.7, ls=(0, (3, 2)), zorder=1)
        ax.set(xlabel="ln |det M|, closed form (1/token)", ylabel="sum (1/token)")


def _along(ds: xr.Dataset, ax: Any, name: str, label: str) -> None:
    """A size of W along the run, exact and in LIF neurons, means over nets."""
    from synfwp import plot

    token = np.arange(1, ds.sizes["state_step"] + 1)
    with plot.style():
        for net, colour in NET_LOOKS.items():
            one = ds[name].sel(net=net).mean("seed")
            ax.plot(token, one.sel(substrate="exact"), color=plot.COLOURS[colour], lw=0.9, label=net)
            ax.plot(token, one.sel(substrate="LIF"), color=plot.COLOURS[colour], lw=0.9, ls=":")
        ax.plot([], [], ":", color="black", label="LIF")
        ax.set(xlabel="token (number)", ylabel=label)


def _maps(ds: xr.Dataset, axes: list[Any]) -> None:
    """Maps of contributions of one net each, all on one scale."""
    from synfwp import plot
    from synfwp.plot.parts import colour_bar

    at = ds.isel(seed=0)
    chosen = {
        "DeltaNet, exact": at.contribution.sel(net="DeltaNet", substrate="exact"),
        "DeltaNet, LIF": at.contribution.sel(net="DeltaNet", substrate="LIF"),
        "RetNet, exact": at.contribution.sel(net="RetNet", substrate="exact"),
        "softmax": at.softmax_contribution,
    }
    T = ds.sizes["time"]
    with plot.style():
        for ax, (name, values) in zip(axes, chosen.items(), strict=True):
            image = ax.imshow(
                values, cmap="RdBu_r", vmin=-1, vmax=1, extent=(0.5, T + 0.5, T + 0.5, 0.5), aspect="auto"
            )
            ax.set(title=name, xlabel="written at (token)")
        axes[0].set_ylabel("read at (token)")
        colour_bar(axes[-1], image, "weight (of a value)", extend="both")


def _against_bound(ds: xr.Dataset, ax: Any) -> None:
    """Squared norms against beta, with their closed form and the bounds."""
    from synfwp import plot

    with plot.style():
        for name, colour, marker in zip(ds.noise.values.tolist(), ("black", "blue", "vermillion"), "os^", strict=False):
            norm = ds.norm.sel(noise=name)
            middle, error = norm.mean("run"), norm.std("run", ddof=1) / ds.sizes["run"] ** 0.5
            plot.points(ax, ds.beta, middle, error, colour=colour, marker=marker, label=name)
            ax.axvline(float(ds.bound.sel(noise=name)), color=plot.COLOURS[colour], lw=0.7, ls=(0, (3, 2)))
        ax.plot(ds.beta, ds.norm_closed, color="0.45", lw=0.8, ls=(0, (3, 2)), label="closed form")
        ax.set(xlabel="beta", ylabel="squared norm of W", yscale="log")


def _points(ds: xr.Dataset, ax: Any) -> None:
    """Fixed points of the unit against the gain of its plasticity."""
    from synfwp import plot

    weight = json.loads(ds.attrs["parameters"])["size"]["weight"]
    h = np.linspace(-0.999, 0.999, 400)
    h = h[np.abs(h) > 1e-3]
    gain = (np.arctanh(h) / h - weight) / h**2
    most = float(ds.gain.max())
    with plot.style():
        for values, face, label in ((1.0, "black", "stable"), (0.0, "white", "unstable")):
            here = ds.rest.where(ds.stable == values)
            x = np.broadcast_to(ds.gain.values[:, None], here.shape)
            ax.plot(x.ravel(), here.values.ravel(), "o", color="black", mfc=face, ms=2.5, mew=0.5, label=label)
        ax.plot(
            np.where(gain <= most, gain, np.nan), h, color="0.45", lw=0.8, ls=(0, (3, 2)), label="closed form", zorder=1
        )
        ax.axhline(0, color="0.45", lw=0.8, ls=(0, (3, 2)), zorder=1)
        ax.set(xlabel="gain of plasticity (eta / (1 - lam))", ylabel="rest (of the largest)", ylim=(-1.1, 1.1))


def _sem(x: xr.DataArray) -> xr.DataArray:
    """Standard error over nets."""
    found: xr.DataArray = x.std("seed", ddof=1) / x.sizes["seed"] ** 0.5
    return found


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    task, nets = size["task"], ds.sizes["seed"]
    kept = {
        name: float(
            ds.kept_along_key.where(ds.writes > 0).mean(("transition", "seed")).sel(net="DeltaNet", substrate=name)
        )
        for name in SUBSTRATES
    }
    error = float(
        ds.kept_along_key_error.where(ds.writes > 0).mean(("transition", "seed")).sel(net="DeltaNet", substrate="LIF")
    )
    bounds_of = ", ".join(f"{float(ds.bound.sel(noise=name)):.2f} ({name})" for name in ds.noise.values)
    text = f"""
        Dynamics of fast weights. Recall of {task["keys"]} keys and {task["values"]} values with overwriting,
        {task["writes"]} writes, then every key is asked; {nets} trained nets of each rule, keys of {size["d_key"]}
        features that are rates of unit length. (a, b, c) What W keeps along the key of each write, k M k / |k|^2, one
        net each: exact rule (line), rate networks whose read-out is held or lags (time constant {size["tau"]:g} ms,
        windows of {size["window"]:g} ms; no noise), and LIF neurons ({size["neurons_per_feature"]} per feature, peak
        {size["peak"]:g} Hz), measured as the response of W to a W that starts elsewhere; bars: standard error of
        {size["repeats"]} repeats with common noise. Mean of DeltaNet: {kept["exact"]:.2f} exact, {kept["rates"]:.2f}
        held, {kept["rates, lagged"]:.2f} lagged, {kept["LIF"]:.2f} LIF (standard error of a token {error:.2f}). (d)
        Lyapunov exponents of all tokens, exact (lines) and LIF (triangles), mean and standard error of nets; time
        constants are their inverse, of RetNet {-1 / np.log(RETNET):.1f} tokens. (e) Sums of the exponents of all nets
        against the mean of ln |det M| in closed form: of the exact rule, and of the flow of each rate network. LIF
        neurons stand over the exact rule. (f, g) Effective rank and norm of W, exact (lines) and LIF (dotted). (h, i,
        j, k) What the value of each write adds to each read, one net each; softmax attention has no W and nothing else
        to show. (l) Squared norm of W behind {size["tokens"]} random unit keys of {size["d"]} features, exact
        (zero-mean keys; dashed: d beta / (2 - beta)) and in Poisson counts (rectified keys; spikes of a key's root mean
        square in one window); mean and standard error of {ds.sizes["run"]} runs; vertical: largest stable beta,
        {bounds_of}. (m) Fixed points of one tanh unit with a fixed weight of {size["weight"]:g} and a Hebbian synapse
        on itself; dashed: closed form.
    """
    return " ".join(text.split())
