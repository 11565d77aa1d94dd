"""The word problem of permutation groups: things are moved around, where are they now?"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np

from synfwp import checks
from synfwp.tasks.base import Array
from synfwp.tasks.words import Word

MADE_OF = {  # generators, as places of things
    "D8": ((1, 2, 3, 0), (0, 3, 2, 1)),  # the corners of a square: a quarter turn, a reflection
    "H3": ((0, 1, 3, 2), (2, 3, 0, 1)),  # (y, z) modulo 2 goes to (y, z + y), and to (y + 1, z)
    "Ih": ((1, 0, 3, 2, 4, 5, 6), (2, 1, 4, 3, 0, 5, 6), (0, 1, 2, 3, 4, 6, 5)),  # A5, and a sign
}
GROUPS = {f"{kind}{n}": n for kind in "SA" for n in (2, 3, 4, 5) if (kind, n) != ("A", 2)}
GROUPS |= {name: len(made_of[0]) for name, made_of in MADE_OF.items()}


@dataclass(frozen=True)
class PermutationGroup(Word):
    """The product of all permutations so far, one token after the other: p_t = g_t o p_{t-1}, p_0 = 1.

    A token is a one-hot element of the group, a class is the index of the product among ``elements``. S_5 and A_5 are
    not solvable: their word problem is complete for NC1, beyond TC0, where transformers and diagonal linear recurrences
    stand, unless the two are equal (Merrill, Petty & Sabharwal 2024). A permutation of n + 1 things is a product of at
    most n exchanges, so n Householder writes per token follow it (Siems et al. 2025; Grazzi et al. 2025).

    D8, H3 and A5 are groups of Heo et al. 2026, with the elements of their program: D8 has the 8 symmetries of a
    square, and H3 the 8 triples of the Heisenberg group modulo 2, ``(a, b, c) (a', b', c') = (a + a', b + b', c + c' +
    a b')``, which are the same but for names. Ih has the 120 symmetries of an icosahedron: A5 and the inversion.

    Parameters
    ----------
    length : int or (int, int)
        Tokens of a sequence, or the shortest and the longest: every sequence draws its own, uniformly.
    every : bool
        Whether the product is asked for at every token, as in the papers, or at the last one alone.
    group : str
        "S2" to "S5", all permutations; "A3" to "A5", the even ones; "D8", "H3" or "Ih".
    swaps_only : bool
        Tokens are the identity and the exchanges of two things alone, in lexicographic order; products are not
        restricted. For "S2" to "S5" alone, which they make up.

    Raises
    ------
    TypeError, ValueError
        If a length is not an integer of at least 1, the pair is not in order, or there is no such group.

    Examples
    --------
    >>> import numpy as np
    >>> task = PermutationGroup(length=4, group="S3")
    >>> batch = task(np.random.default_rng(0), 1)
    >>> batch.x[0].argmax(axis=-1).tolist(), batch.target[0].tolist(), task.elements[batch.target[0, -1]].tolist()
    ([5, 3, 3, 1], [5, 1, 2, 4], [2, 0, 1])
    """

    every: bool = True
    group: str = "S5"
    swaps_only: bool = False

    def __post_init__(self) -> None:
        """Length as in every word problem, and a group with the tokens that are asked for."""
        super().__post_init__()
        checks.lookup("group", self.group, GROUPS)
        if self.swaps_only and self.group[0] != "S":
            raise ValueError(f"group {self.group!r} is not made of exchanges; pass swaps_only=False, or an S.")

    @property
    def d_in(self) -> int:
        """Features of a token."""
        return len(self.moves)

    @property
    def d_out(self) -> int:
        """Classes of an answer: elements of the group."""
        return len(self.elements)

    @property
    def elements(self) -> Array:
        """The permutations (classes, things): row p takes thing i to place p[i]."""
        return _group(self.group)[0]

    @property
    def moves(self) -> Array:
        """The index among ``elements`` of every token."""
        moved = (self.elements != np.arange(self.elements.shape[1])).sum(axis=1)
        return np.flatnonzero(moved <= 2) if self.swaps_only else np.arange(len(moved))

    @property
    def table(self) -> Array:
        """``table[p, g]`` is the index of g o p: first p, then g."""
        return _group(self.group)[1]

    def _follow(self, token: Array) -> Array:
        """Products, by the table."""
        table = self.table[:, self.moves]
        product = np.empty_like(token)
        now = np.zeros(len(token), int)
        for t in range(token.shape[1]):
            now = product[:, t] = table[now, token[:, t]]
        return product

    def _odds(self) -> Array:
        """Exact: a random walk on the group from the identity."""
        step = np.zeros((self.d_out, self.d_out))
        np.add.at(step, (np.arange(self.d_out)[:, None], self.table[:, self.moves]), 1 / self.d_in)
        odds = [step[0]]
        for _ in range(self._lengths[-1] - 1):
            odds.append(odds[-1] @ step)
        return np.array(odds)


@lru_cache
def _group(name: str) -> tuple[Array, Array]:
    """Elements in lexicographic order (the first is the identity), and the table of products."""
    n = GROUPS[name]
    elements = np.array(sorted(_closure(MADE_OF[name])) if name in MADE_OF else list(permutations(range(n))))
    above, below = np.triu_indices(n, 1)
    if name[0] == "A":
        elements = elements[(elements[:, above] > elements[:, below]).sum(axis=1) % 2 == 0]
    code = n ** np.arange(n)[::-1]
    product = elements[:, elements].swapaxes(0, 1) @ code  # [p, g]: g[p[i]]
    table = np.searchsorted(elements @ code, product)
    elements.flags.writeable = table.flags.writeable = False
    return elements, table


def _closure(made_of: tuple[tuple[int, ...], ...]) -> set[tuple[int, ...]]:
    """All products of permutations."""
    found: set[tuple[int, ...]] = set()
    new = {tuple(range(len(made_of[0])))}
    while new:
        found |= new
        new = {tuple(g[i] for i in p) for p in new for g in made_of} - found
    return found
