"""Groups as turns of a space, each a product of reflections: word problems followed by hand.

A write with ``beta = 2`` and a unit key is a reflection, and every orthogonal matrix A is a product of rank(A - 1)
reflections and of no fewer; so a group takes as many writes per token as its farthest element, in the representation in
which that is least. The representations are Coxeter's: a group is made up of the mirrors of a chain, two neighbours of
which meet at 180 degrees over a bond.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from synfwp import checks
from synfwp.tasks.base import Array
from synfwp.tasks.permutations import PermutationGroup

# bonds of a chain of reflections (a product of two neighbours has this order), and what they do to the things
MADE_OF: dict[str, tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]] = {
    "S2": ((), ((1, 0),)),
    "A3": ((3,), ((1, 0, 2), (0, 2, 1))),  # products of two alone
    "S3": ((3,), ((1, 0, 2), (0, 2, 1))),
    "D8": ((4,), ((0, 3, 2, 1), (1, 0, 3, 2))),
    "H3": ((4,), ((0, 1, 3, 2), (2, 3, 0, 1))),
    "A5": ((5, 3), ((0, 2, 1, 4, 3), (1, 0, 3, 2, 4), (0, 4, 3, 2, 1))),  # products of two alone
    "S5": ((3, 3, 3), ((1, 0, 2, 3, 4), (0, 2, 1, 3, 4), (0, 1, 3, 2, 4), (0, 1, 2, 4, 3))),
    "Ih": ((5, 3), ((0, 2, 1, 4, 3, 6, 5), (1, 0, 3, 2, 4, 6, 5), (0, 4, 3, 2, 1, 6, 5))),
}
ROTATIONS = ("A3", "A5")


@dataclass(frozen=True)
class Reflections:
    """A group as turns of a point, for fast weights of one row that nobody trained.

    The weights are a point of d features. Each token turns it as its element of the group does, by up to `writes`
    reflections: delta writes of the value 0 with unit keys and ``beta = 2``. The answer is the element that takes the
    start to the place nearest to the point. S2 is parity, A3 is addition modulo 3 (Grazzi et al. 2025, theorem 3 and
    proposition 1; Siems et al. 2025; groups of Heo et al. 2026).

    Parameters
    ----------
    group : str
        "S2", "A3", "S3", "D8", "H3", "A5", "S5" or "Ih", as in `PermutationGroup`.

    Raises
    ------
    ValueError
        If there is no such group, with those that there are.

    Examples
    --------
    A word of S_3 with as many writes per token as it takes, and the product of all its elements:

    >>> import numpy as np
    >>> import synfwp as fw
    >>> by_hand = fw.tasks.Reflections("S3")
    >>> by_hand.writes, by_hand.rule(by_hand.writes)
    (2, 'delta_product(2)')
    >>> batch = fw.tasks.PermutationGroup(group="S3", length=50)(np.random.default_rng(0), 4)
    >>> W = fw.scan("delta_product(2)", states=1, **by_hand.instructions(batch.x.argmax(axis=-1))).states
    >>> bool((by_hand.answer(np.asarray(W)[..., 0, :]) == batch.target).all())
    True
    """

    group: str

    def __post_init__(self) -> None:
        """A group whose mirrors are known."""
        checks.lookup("group", self.group, MADE_OF)

    @cached_property
    def roots(self) -> Array:
        """Unit normals (d, d) of the mirrors that make the group up."""
        bonds = np.array(MADE_OF[self.group][0], float)
        angles = -np.cos(np.pi / bonds)
        return np.linalg.cholesky(np.eye(len(bonds) + 1) + np.diag(angles, 1) + np.diag(angles, -1))

    @cached_property
    def turns(self) -> Array:
        """The orthogonal matrix (elements, d, d) of every element, in the order of the task."""
        moves = [np.array(p) for p in MADE_OF[self.group][1]]
        made_of = [(p, np.eye(len(n)) - 2 * np.outer(n, n)) for p, n in zip(moves, self.roots, strict=True)]
        if self.group in ROTATIONS:
            made_of = [(p[q], P @ Q) for p, P in made_of for q, Q in made_of]
        elements = PermutationGroup(length=1, group=self.group).elements
        found: dict[tuple[int, ...], Any] = {}
        new = [(elements[0], np.eye(len(self.roots)))]
        while new:
            found |= {tuple(p.tolist()): P for p, P in new}
            products = {tuple(g[p].tolist()): (g[p], G @ P) for p, P in new for g, G in made_of}
            new = [x for p, x in products.items() if p not in found]
        return np.array([found[tuple(p)] for p in elements.tolist()])

    @cached_property
    def point(self) -> Array:
        """The point (d,) that is moved: as far from all mirrors of the chain, so that every element moves it."""
        start = np.linalg.solve(self.roots, np.ones(len(self.roots)))
        return start / np.linalg.norm(start)

    @cached_property
    def writes(self) -> int:
        """Reflections of the element that takes the most: the largest rank of its turn minus 1."""
        return int(np.linalg.matrix_rank(self.turns - np.eye(len(self.roots)), tol=1e-6).max())

    @staticmethod
    def rule(writes: int) -> str:
        """The delta rule with so many writes per token."""
        return "delta" if writes == 1 else f"delta_product({writes})"

    def reflections(self, element: int, writes: int) -> tuple[Array, Array]:
        """Keys (writes, d) and strengths (writes,) whose reflections, one after the other, turn a row.

        Each reflection fixes one more direction and none less, so rank(turn - 1) of them do. Those left over have a
        strength and a key of 0; where ``writes`` is too small, the first ones are left out.
        """
        d = len(self.roots)
        keys, strengths = np.zeros((writes, d)), np.zeros(writes)
        left = np.array(self.turns[element])
        made = []
        while np.abs(away := left - np.eye(d)).max() > 1e-9:
            far = away[:, np.linalg.norm(away, axis=0).argmax()]
            made.append(far / np.linalg.norm(far))
            left = left - 2 * np.outer(made[-1], made[-1] @ left)
        for i, key in enumerate(made[::-1][:writes]):
            keys[i], strengths[i] = key, 2.0
        return keys, strengths

    def instructions(self, token: Array, writes: int | None = None, beta: float = 2.0) -> dict[str, Any]:
        """Arguments of `fw.scan` that follow words of the group.

        Parameters
        ----------
        token : (..., T) array of int
            Indexes of elements.
        writes : int, optional
            Per token; as many as the group takes, if left out. For more than one, keys have a dim of writes.
        beta : float
            Strength of a write: 2 reflects, 1 erases.

        Returns
        -------
        dict
            ``q``, ``k``, ``v``, ``beta`` and the start ``W0`` (1, d).

        Raises
        ------
        TypeError, ValueError
            If writes is no integer of at least 1, or a token is no element.
        """
        n = checks.count("writes", self.writes if writes is None else writes)
        at = np.asarray(token)
        if not np.issubdtype(at.dtype, np.integer) or (at.size and not 0 <= at.min() <= at.max() < len(self.turns)):
            raise ValueError(f"token is {checks.short(token)}; pass indexes of the {len(self.turns)} elements.")
        parts = [self.reflections(element, n) for element in range(len(self.turns))]
        keys, strengths = (np.array(part) for part in zip(*parts, strict=True))
        k, strength = keys[at], strengths[at] * beta / 2
        v = np.zeros((*k.shape[:-1], 1))
        query = k[..., 0, :]
        if n == 1:
            k, v, strength = query, v[..., 0, :], strength[..., 0]
        return {"q": query, "k": k, "v": v, "beta": strength, "W0": self.point[None]}

    def answer(self, row: Array) -> Array:
        """The element (...) whose place of the point is nearest to weights of one row (..., d)."""
        return (np.asarray(row) @ (self.turns @ self.point).T).argmax(axis=-1)
