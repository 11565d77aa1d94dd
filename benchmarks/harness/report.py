"""Tables of results.json: plain text for the terminal, Markdown for docs/speed.md. Nothing is measured here."""

from typing import Any

from peers import FORWARD, GRADIENT, OURS

Record = dict[str, Any]


def fastest(record: Record) -> tuple[str, float] | None:
    """The fastest peer that agrees, and its time over ours."""
    rivals = {name: r["ratio"] for name, r in record["peers"].items() if name != OURS.name and "ratio" in r}
    return min(rivals.items(), key=lambda item: item[1]) if rivals else None


def case_lines(record: Record, sgemm: float) -> list[str]:
    """One case: a line of what was run and one for each peer, the quickest first."""
    case, mine = record["case"], record["peers"][OURS.name]
    rate = record["gflop"] / mine["ms"] * 1e3
    head = f"{case['rule']}, {case['mode']}, d = {case['d']}, T = {case['T']}, {case['n']} sequences, "
    head += f"{record['threads']} thread{'s' * (record['threads'] > 1)}"
    if case["mode"] == FORWARD:
        head += f": {rate:.0f} GFLOP/s, {rate / sgemm:.2f} of sgemm"
    lines = ["", head]
    for name, r in sorted(record["peers"].items(), key=lambda item: item[1].get("ms", float("inf"))):
        if "ms" in r:
            agreed = f"differs by {r['difference']:.0e}" if "difference" in r else ""
            lines.append(f"  {name:26}{r['ms']:10.2f} ms {r['ratio']:8.2f} x  {r['calls']:4d} calls  {agreed}".rstrip())
        else:
            lines.append(f"  {name:26}{r['status']}")
    return lines


def metadata_lines(results: Record) -> list[str]:
    """What was measured of synfwp alone."""
    return ["", *(f"{text}: {value}" for text, value in _metadata(results))]


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def markdown(results: Record) -> str:
    """Of docs/speed.md: the delta rule in full, the other rules in short, and what was measured of synfwp alone."""
    threads = max(results["threads"])
    records = [r for r in results["cases"] if r["threads"] == threads]
    cases = [r["case"] for r in records]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    sides = f"{threads} thread{'s' * (threads > 1)} on both sides"
    lines = [
        f"float32, {cases[0]['n']} sequences of {cases[0]['T']} steps, {sides}; medians of one interleaved run; every "
        f"peer agreed with synfwp to {results['tolerance']:g} before it was timed. {versions}.",
        "",
        *_delta_table([r for r in records if r["case"]["rule"] == "delta"], results["sgemm"][str(threads)]),
        "",
        "Times the fastest peer, forward / forward + gradient:",
        "",
        *_rules_table(records),
        "",
        *(f"- {text}: {value}" for text, value in _metadata(results)),
    ]
    return "\n".join(lines)


def steps_markdown(results: Record) -> str:
    """The sentence of docs/speed.md on training steps."""
    case = results["cases"][0]["case"]
    lines = [
        f"A whole training step of a one-layer delta programmer (vocabulary and width {case['d']}, {case['n']} "
        f"sequences of {case['T']} tokens, float32, loss and gradients checked first), against eager PyTorch with the "
        "chunkwise form:",
        "",
    ]
    rows = []
    for record in results["cases"]:
        mine = record["peers"][OURS.name]["ms"]
        share = f"{record['kernels_ms']:.0f} ms ({record['kernels_ms'] / mine:.0%})"
        rows.append([str(record["threads"]), f"{mine:.0f} ms", share, _rival(record)])
    return "\n".join([*lines, *table(["threads", "step", "of it the kernels", "fastest peer"], rows)])


def _delta_table(records: list[Record], sgemm: float) -> list[str]:
    """One row for each d: our times, the share of sgemm, the fastest peer and JAX's gradient of the scan."""
    by = {(r["case"]["d"], r["case"]["mode"]): r for r in records}
    rows = []
    for d in sorted({d for d, _ in by}):
        forward, gradient = by[d, FORWARD], by[d, GRADIENT]
        rate = forward["gflop"] / forward["peers"][OURS.name]["ms"] * 1e3
        jax = gradient["peers"].get("jax scan", {}).get("ratio")
        rows.append(
            [
                str(d),
                f"{forward['peers'][OURS.name]['ms']:.2f} ms",
                f"{rate:.0f} GFLOP/s ({rate / sgemm:.0%})",
                _rival(forward),
                f"{gradient['peers'][OURS.name]['ms']:.2f} ms",
                _rival(gradient),
                f"{jax:.1f}" if jax else "-",
            ]
        )
    head = ["d", "forward", "rate (of sgemm)", "fastest peer", "forward + gradient", "fastest peer", "JAX scan"]
    return table(head, rows)


def _rules_table(records: list[Record]) -> list[str]:
    """One row for each rule, one column for each d."""
    sizes = sorted({r["case"]["d"] for r in records})
    names = list(dict.fromkeys(r["case"]["rule"] for r in records))
    by = {(r["case"]["rule"], r["case"]["d"], r["case"]["mode"]): fastest(r) for r in records}
    rows = []
    for name in names:
        pairs = [(by.get((name, d, FORWARD)), by.get((name, d, GRADIENT))) for d in sizes]
        rows.append([f"`{name}`", *(" / ".join(f"{x[1]:.1f}" if x else "-" for x in pair) for pair in pairs)])
    return table(["rule", *(f"d = {d}" for d in sizes)], rows)


def _rival(record: Record) -> str:
    """The fastest peer as text."""
    found = fastest(record)
    return f"{found[1]:.1f} x ({found[0]})" if found else "none installed"


def _metadata(results: Record) -> list[tuple[str, str]]:
    """Pairs of a sentence and its numbers."""
    metadata = results["metadata"]
    lines = [(f"sgemm, {n} thread{'s' * (n != '1')}", f"{rate:.0f} GFLOP/s") for n, rate in results["sgemm"].items()]
    for name, entry in metadata.items():
        if "error" in entry:
            lines.append((name, entry["error"]))
    if "T" in (x := metadata.get("linearity", {})):
        text = f"cost of T = {x['T'][1]} over {x['T'][1] // x['T'][0]} times that of {x['T'][0]} (d = {x['d']})"
        lines.append((text, f"forward {x[FORWARD]:.3f}, with gradient {x[GRADIENT]:.3f}"))
    if "T" in (x := metadata.get("small", {})):
        text = f"warm call, T = {x['T']}, d = {x['d']}"
        lines.append(
            (text, f"scan {x['scan_us']:.0f} us, vjp {x['vjp_us']:.0f} us, its pullback {x['pullback_us']:.0f} us")
        )
        text = f"{x['sequences']} such sequences in one call"
        lines.append((text, f"{x['at_once_us'] / 1e3:.2f} ms (one by one {x['one_by_one_us'] / 1e3:.1f} ms)"))
    if "T" in (x := metadata.get("memory", {})):
        text = "peak memory of forward + gradient beyond inputs and outputs, "
        text += f"T = {x['T']}, d = {x['d']}, {x['n']} sequences"
        lines.append((text, f"{max(0, x['extra_mb']):.0f} MB"))
    if "import_s" in (x := metadata.get("start", {})):
        lines.append(("import synfwp", f"{x['import_s']:.2f} s"))
        text = "first scan in a new process, compiled before"
        lines.append(
            (text, f"{x['first_scan_s']:.2f} s after numba, {x['from_process_start_s']:.2f} s from process start")
        )
    hand = {d: x for d, x in metadata.get("handwritten", {}).items() if d.isdigit()}
    if hand:
        text = "family over hand-written delta kernels, forward / adjoint"
        lines.append((text, ", ".join(f"d = {d}: {x['forward']:.2f} / {x['adjoint']:.2f}" for d, x in hand.items())))
    return lines
