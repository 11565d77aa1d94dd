"""Word problems of groups by construction: how many reflections per token a group takes (Heo et al. 2026).

Which element is the product of all elements so far? Heo et al. train sequence models on words of 128 tokens and test
them on 256, for groups that are Abelian, nilpotent (H_3), solvable (S_3, D_8) and not solvable (A_5); a rule whose
transitions commute needs depth for them, one layer with products of Householder writes (DeltaProduct) does not. Here
nothing is trained: fast weights W of one row and d columns, the point that a group moves about, with v = 0, beta = 2
and unit keys, so that every write is a reflection; each token turns the point as its element does. Every orthogonal
matrix A is a product of rank(A - 1) reflections and of no fewer, so a group takes as many writes per token as its
farthest element, in the representation in which that is least.

As published: the groups, with the elements of the authors' program, which says what the paper leaves open: H_3 is the
Heisenberg group modulo 2, of order 8 (not the icosahedral reflections, which are called H_3 too), and D_8 has order 8.
These two are one group with two lists of names. S_5 is from Grazzi et al. 2025 and Merrill et al. 2024.

Ours: reflections in the place of trained instructions, words of 1024 tokens, all of Coxeter's H_3 as "Ih". A_5 takes
two writes, as rotations of the icosahedron, and not the four of its permutations of five things. Expected: the least
number of any real representation, from the eigenvalues of single elements (not for Ih, which takes a third write since
its inversion turns over all that A_5 moves, or is a sign beside it); chance, 1 / order, where one reflection of an
element that takes them all is left out, and with beta = 1. S_3 keeps the sign of the product then, 1/3 of right
answers: what is left of a rotation by 120 degrees is a mirror halfway between two of S_3, so it is the inversion times
an odd element. The paper's table of trained nets is not compared with: its numbers were not at hand.

Cites: heo2026, siems2025, grazzi2025
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.results import Row
from synfwp.settings import sized
from synfwp.tasks import PermutationGroup, Reflections

GROUPS = ("S3", "D8", "H3", "A5", "S5", "Ih")
ENOUGH, FEWER, ERASED = HOW = ("enough writes", "one write fewer", "enough writes, beta 1")


class Size(NamedTuple):
    """What is run: words, their length, draws of them, what a write does."""

    seeds: int  # draws of the words
    words: int  # words of each draw
    longest: int  # tokens of a word
    beta: float = 2.0  # write strength: 2 is a reflection


FULL = Size(seeds=5, words=200, longest=1024)
QUICK = Size(seeds=2, words=20, longest=512)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Every group with as many writes as it takes, with one fewer, and with writes that do not reflect."""
    grid = {"group": list(GROUPS), "how": list(HOW), "seed": range(seed, seed + size.seeds)}
    found = results.cells(cell, grid, size=size)
    counts = {
        "writes": [Reflections(group).writes for group in GROUPS],
        "least": [least_writes(group) for group in GROUPS],
    }
    words = {"writes": "writes per token", "least": "writes per token that any real representation takes, at least"}
    more = {name: ("group", x, {"units": "1", "long_name": words[name]}) for name, x in counts.items()}
    more["order"] = ("group", [len(task(group).elements) for group in GROUPS], _share("elements of the group"))
    ds = found.merge(results.dataset(more, {"group": ("group", list(GROUPS), {"long_name": "group"})}))
    settings = size._asdict() | {"quick": quick}
    return results.compared(ds.assign_attrs(results.provenance(settings, seed)), rows)


def cell(size: Size, group: str, how: str, seed: int) -> xr.Dataset:
    """Share of right answers after so many tokens, of one group with one kind of writes."""
    batch = task(group, size.longest)(seeds.generator(seed, "words", group), size.words)
    by_hand = Reflections(group)
    writes, beta = by_hand.writes - (how == FEWER), size.beta * (0.5 if how == ERASED else 1.0)
    arguments = by_hand.instructions(batch.x.argmax(axis=-1), writes, beta)
    W = fw.scan(by_hand.rule(writes), states=1, **arguments).states
    answer = by_hand.answer(np.asarray(W)[..., 0, :])
    right = (answer == batch.target).mean(axis=0)
    at = shown(size.longest)
    variables = {
        "right": ("length", right[at - 1], _share("share of right answers after so many tokens")),
        "accuracy": ((), right.mean(), _share("share of right answers, at all tokens")),
        "late": ((), right[size.longest // 2 :].mean(), _share("share of right answers, second half of the word")),
    }
    return results.dataset(variables, {"length": ("length", at, _share("tokens"))})


def task(group: str, longest: int = 1) -> PermutationGroup:
    """The word problem of a group, asked at every token."""
    return PermutationGroup(length=longest, group=group)


def shown(longest: int) -> Any:
    """Lengths at which the accuracy is kept, four of each octave."""
    return np.unique(np.round(2 ** np.arange(0, np.log2(longest) + 0.1, 0.25)).astype(int))


def _share(name: str) -> dict[str, str]:
    return {"units": "1", "long_name": name}


# how many there have to be -------------------------------------------------------------------------------------------


def least_writes(group: str) -> int:
    """The largest rank of A - 1 that some element has in every real representation without a kernel.

    Take an element g of order q, a power of a prime. It has an eigenvalue that is a primitive q-th root of 1, with it
    the complex conjugate, and, where g is conjugate to its power e, the e-th power of that root.
    """
    elements, table = task(group).elements, task(group).table
    inverse = table.argmin(axis=1)  # the identity is element 0
    found = 0
    for g in range(len(elements)):
        powers = [0, g]
        while powers[-1] != 0:
            powers.append(int(table[powers[-1], g]))
        q = len(powers) - 1
        if q == 1 or len({p for p in range(2, q + 1) if q % p == 0 and all(p % r for r in range(2, p))}) != 1:
            continue
        conjugate = set(table[table[inverse, g], np.arange(len(elements))].tolist())
        same = {e for e in range(1, q) if np.gcd(e, q) == 1 and powers[e] in conjugate}
        found = max(found, len(same | {q - e for e in same}))
    return found


# table, figure, caption -----------------------------------------------------------------------------------------------


def rows(ds: xr.Dataset) -> list[Row]:
    """Accuracy with enough writes, and with one fewer; the number of writes."""
    found = []
    tokens = int(ds.length.max())
    for group in ds.group.values.tolist():
        one = ds.sel(group=group)
        writes, chance = int(one.writes), 1 / float(one.order)
        exact: dict[str, Any] = {"expected": 1.0, "kind": "exact", "source": "grazzi2025, proposition 1"}
        guess: dict[str, Any] = {"expected": chance, "kind": "chance"}
        fewer = {"expected": 1 / 3, "kind": "theory"} if group == "S3" else guess
        late = f"tokens {tokens // 2 + 1} to {tokens}"
        found += [
            Row(f"{group}, {writes} writes per token, all of {tokens} tokens", one.accuracy.sel(how=ENOUGH), **exact),
            Row(f"{group}, {writes - 1} per token, {late}", one.late.sel(how=FEWER), **fewer),
            Row(f"{group}, {writes} per token, beta 1, {late}", one.late.sel(how=ERASED), **guess),
        ]
        if group != "Ih":
            found.append(Row(f"{group}, writes per token", writes, float(one.least), kind="theory"))
    return found


LOOK = {
    "S3": ("blue", "o"),
    "D8": ("vermillion", "s"),
    "H3": ("orange", "D"),
    "A5": ("green", "^"),
    "S5": ("purple", "v"),
    "Ih": ("sky", "P"),
}


def figure(ds: xr.Dataset) -> Any:
    """Accuracy against tokens with enough writes and with one fewer; the number of writes of every group."""
    from synfwp import plot

    fig, axes = plot.figure("double", 60, "abc", width_ratios=[3, 3, 2])
    _against_length(ds.sel(how=ENOUGH), axes["a"], "enough writes")
    _against_length(ds.sel(how=FEWER), axes["b"], "one write fewer")
    with plot.style():
        plot.legend(axes["b"])
        ax, at = axes["c"], np.arange(ds.sizes["group"])
        for i, name in enumerate(ds.group.values.tolist()):
            tint, marker = plot.COLOURS[LOOK[name][0]], LOOK[name][1]
            ax.plot(i, ds.writes[i], marker, color=tint, markersize=4, clip_on=False)
        known = ds.group.values != "Ih"
        ax.plot(at[known], ds.least[known], "_", color="black", markersize=9, label="least")
        ax.set_xticks(at, [spelled(name) for name in ds.group.values.tolist()])
        ax.set_xlabel("group")
        ax.set_ylabel("writes per token")
        ax.set_ylim(0, 5)
        ax.set_yticks(range(6))
        plot.legend(ax)
    plot.letter(axes)
    return fig


def _against_length(ds: xr.Dataset, ax: Any, title: str) -> None:
    """A line for each group, the mean over draws of the words."""
    from synfwp import plot

    with plot.style():
        for name in ds.group.values.tolist():
            tint, marker = LOOK[name]
            one = 100 * ds.right.sel(group=name).mean("seed")
            ax.plot(ds.length, one, color=plot.COLOURS[tint], marker=marker, markersize=2, label=spelled(name))
        ax.set_xscale("log", base=2)
        ax.set_ylim(-3, 104)
        ax.set_xlabel("length of the word (tokens)")
        ax.set_ylabel(f"right answers, {title} (%)")


def spelled(name: str) -> str:
    """A group as it is written."""
    return {"Ih": r"$I_h$"}.get(name, f"${name[0]}_{name[1]}$")


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    run = json.loads(ds.attrs["parameters"])
    taken = ", ".join(f"{name} {int(n)}" for name, n in zip(ds.group.values.tolist(), ds.writes.values, strict=True))
    worst = float(ds.accuracy.sel(how=ENOUGH).min())
    late = "; ".join(
        f"{name} {float(one.late.sel(how=FEWER).mean()):.3f} (chance {1 / float(one.order):.3f})"
        for name, one in ((name, ds.sel(group=name)) for name in ds.group.values.tolist())
    )
    text = f"""
        Word problems of groups (of Heo et al. 2026; S_5 and I_h are others) by fast weights whose writes are
        reflections that nobody trained: beta {run["beta"]:g}, one row, v = 0. {run["words"]} words of
        {run["longest"]} tokens, {ds.sizes["seed"]} draw(s) of them. (a) Right answers after so many tokens, with as
        many writes per token as the farthest element of the group takes ({taken}): at least {worst:.3f} at all tokens
        of any draw. (b) With one write fewer; second half of the words: {late}. (c) Writes per token, and the least
        number that any real representation takes. D_8 and H_3 (the Heisenberg group modulo 2) are the same group with
        other names for its elements; A_5 turns the icosahedron, I_h reflects it too.
    """
    return " ".join(text.split())
