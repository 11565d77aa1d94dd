"""Tables and the figure of spiking.json. Nothing is measured here."""

import statistics
from typing import Any

from .report import table

Record = dict[str, Any]
SIDES = ("synfwp", "brian2")
NAMES = {"song": "STDP, 1000 inputs to 200 neurons, dense", "vogels": "inhibitory STDP, 10,000 neurons, 2 %"}


def medians(record: Record) -> dict[str, float]:
    """Median seconds of each side."""
    return {side: statistics.median(record["seconds"][side]) for side in SIDES}


def case_line(record: Record) -> str:
    """One network for the terminal."""
    found = medians(record)
    what = f"{record['name']}{'' if record['plastic'] else ', static'}, {record['ms'] / 1000:g} s"
    return (
        f"{what:24} synfwp {found['synfwp']:8.3f} s   Brian2 {found['brian2']:8.3f} s   "
        f"{found['brian2'] / found['synfwp']:.1f} x   (Brian2 built in {record['build_s']:.0f} s)"
    )


def markdown(results: Record) -> str:
    """The section of docs/speed.md."""
    same, vogels = results["same"], next(r for r in results["cases"] if r["name"] == "vogels" and r["plastic"])
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    lines = [
        "Plastic spiking networks against Brian2's C++ standalone, one thread each, float64, steps of 0.1 ms, "
        f"exponential Euler on both sides; medians by turns of {results['rounds']} runs of the simulation alone. "
        f"Agreement first: with prescribed inputs all {same['spikes']} spikes were equal and {same['changed']} changed "
        f"weights differed by {same['weights']:.0e} at most; the network of 10,000 neurons gave the same "
        f"{vogels['same_spikes']} spikes in its first {vogels['same_ms']:g} ms (of {vogels['ms']:g}). {versions}.",
        "",
    ]
    rows = []
    for record in results["cases"]:
        found = medians(record)
        label = NAMES[record["name"]] + ("" if record["plastic"] else ", without plasticity")
        rows.append(
            [
                f"{label}, {record['ms'] / 1000:g} s",
                f"{found['synfwp']:.2f} s",
                f"{found['brian2']:.2f} s",
                f"{found['brian2'] / found['synfwp']:.1f} x",
                f"{record['build_s']:.0f} s",
            ]
        )
    lines += table(["network, simulated time", "synfwp", "Brian2", "ratio", "Brian2 builds (not counted)"], rows)
    return "\n".join([*lines, "", *(f"- {text}" for text in metadata_lines(results))])


def metadata_lines(results: Record) -> list[str]:
    """What was measured beside the runs."""
    first, found = results["first"], []
    mine, theirs = (statistics.median(first[side]) for side in SIDES)
    found.append(
        f"first result in a new process (STDP, 5 s): synfwp {mine:.1f} s, compiled before; Brian2 {theirs:.1f} s with "
        f"its compiler: {theirs / mine:.0f} x"
    )
    dense = [record for record in results["cases"] if record["name"] == "song"]
    on, off = sorted(dense, key=lambda record: not record["plastic"])
    ratios = [medians(on)[side] / medians(off)[side] for side in SIDES]
    found.append(f"STDP on over off, dense: synfwp {ratios[0]:.1f} x, Brian2 {ratios[1]:.1f} x")
    for record in results.get("openmp", []):
        mine, theirs = (medians(record)[side] for side in SIDES)
        found.append(
            f"{NAMES[record['name']]}, {record['ms'] / 1000:g} s, on {record['threads']} processors: synfwp {mine:.2f} "
            f"s, Brian2 with OpenMP {theirs:.2f} s: {theirs / mine:.1f} x"
        )
    if large := results.get("large"):
        one = large["1"]
        times = ", ".join(f"{count} thread{'s' * (count != '1')} {r['seconds']:.1f} s" for count, r in large.items())
        found.append(
            f"{one['neurons']} neurons at {one['rate']:.1f} Hz, {one['synapses']} synapses with pair STDP, "
            f"{one['ms'] / 1000:g} s: {times}; {one['build_s']:.0f} s to build, {one['peak_mb'] / 1000:.1f} GB at most"
        )
    r = results["replicates"]
    times = ", ".join(f"{count} thread{'s' * (count != '1')} {s:.2f} s" for count, s in r["seconds"].items())
    found.append(f"{r['n']} replicates of {r['ms'] / 1000:g} s: {times}; the same results")
    if "error" not in (m := results["memory"]):
        text = ", ".join(f"{one['mb']:.0f} MB in {length} s" for length, one in m.items())
        found.append(f"peak memory of a run that writes spikes and potentials to a file: {text} of simulated time")
    return found


def figure(results: Record) -> Any:
    """Seconds of a run against the size of a network, with and without plasticity."""
    from synfwp import plot

    labels = {
        "neurons": "neurons (number)",
        "synapses": "synapses (number)",
        "rate": "input rate (Hz)",
        "seconds": "duration (s)",
    }
    fig, axes = plot.figure("double", 50, "abcd")
    with plot.style():
        for ax, (along, label) in zip(axes.values(), labels.items(), strict=True):
            for plastic, colour, text in ((True, "vermillion", "STDP"), (False, "blue", "without")):
                rows = [r for r in results["cost"] if r["along"] == along and r["plastic"] is plastic]
                x, y = ([r[name] for r in rows] for name in ("value", "seconds"))
                ax.plot(x, y, "o-", color=plot.COLOURS[colour], label=text)
            ax.set(xscale="log", yscale="log", xlabel=label, ylabel="time of a run (s)", ylim=(0.01, 10))
            ax.set_yticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
            decades = [10**k for k in range(-1, 7) if min(x) <= 10**k <= max(x)]
            ax.set_xticks(decades, [f"{d:g}" if d < 1e4 else f"{d // 1000}k" for d in decades])
            ax.minorticks_off()
            plot.legend(ax)
    plot.letter(axes)
    return fig
