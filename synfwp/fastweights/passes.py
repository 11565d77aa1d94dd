"""From a row of the table to the canonical form of the linear family, and back: a chain of passes.

Each feature of a row is one pass, a change of variables with its transpose. Several writes per token become several
steps, of which one reads; centred keys and queries are less the mean of the keys before; a normalised read becomes one
more row of W, with values of one; a read before the write is a query one step earlier; the error of the key is the
delta rule on W^T.

To canonical form is the fold of `Pass.down` over the passes that apply; results fold back with `Pass.up`, an attention
matrix with `Pass.up_matrix`. The adjoint folds cotangents down with `Pass.down_cotangents` and gradients back with
`Pass.up_gradients`.
"""

from typing import Any

import numpy as np

from synfwp import coefficients
from synfwp.coefficients import Means
from synfwp.fastweights.problem import Call, Cotangents, Named, Outputs, Shape
from synfwp.rules import Rule

Array = np.ndarray


class Pass:
    """One feature of a row as a change of variables; where a subclass brings no function, nothing changes.

    ``above`` is the call before the pass: what `down` was given.
    """

    needs_reads = False  # whether the cotangents depend on the reads below

    def applies(self, rule: Rule) -> bool:
        """Whether the row has the feature."""
        raise NotImplementedError

    def aux(self, d_k: int) -> Shape | None:
        """The shape of what the feature carries beside W; None: nothing."""
        return None

    def check_aux(self, aux0: Array) -> None:
        """Raise for what no earlier run has left."""

    def down(self, above: Call) -> Call:
        """The call without the feature."""
        return above

    def up(self, above: Call, below: Outputs) -> Outputs:
        """Outputs of the call from those of the call without the feature."""
        return below

    def up_matrix(self, above: Call, A: Array) -> Array:
        """The attention matrix (n, T, S) likewise, from W_0 = 0."""
        return A

    def down_cotangents(self, above: Call, below: Outputs | None, cotangents: Cotangents) -> Cotangents:
        """Transpose of `up`."""
        return cotangents

    def up_gradients(self, above: Call, cotangents: Cotangents, grads: Named) -> Named:
        """Transpose of `down`; ``cotangents`` are those of the call with the feature."""
        return grads


class SeveralWrites(Pass):
    """n writes per token are n steps: the first one decays, the last one reads (or the first, of a read before)."""

    def applies(self, rule: Rule) -> bool:
        """More than one write."""
        return rule.writes > 1

    def down(self, above: Call) -> Call:
        """Queries of zero and decays of one for the other steps."""
        pair, decay = above.pair, None if above.decay is None else _flat(self.decays(above.rule, above.decay))
        return above._replace(
            q=self._spaced(above, above.q),
            k=_flat(above.k),
            v=_flat(above.v),
            beta=_flat(above.beta),
            decay=decay,
            pair=None if pair is None else (_flat(pair[0]), _flat(pair[1])),
        )

    def up(self, above: Call, below: Outputs) -> Outputs:
        """The reads of the steps that read."""
        return below._replace(y=below.y[:, self._reads(above) :: above.rule.writes])

    def up_matrix(self, above: Call, A: Array) -> Array:
        """(n, T, T, writes): the rows of the steps that read, an axis of writes for the columns."""
        n, T = above.q.shape[:2]
        return A[:, self._reads(above) :: above.rule.writes].reshape(n, T, T, above.rule.writes)

    def down_cotangents(self, above: Call, below: Outputs | None, cotangents: Cotangents) -> Cotangents:
        """Zeros for the steps that do not read."""
        return cotangents._replace(dy=self._spaced(above, cotangents.dy))

    def up_gradients(self, above: Call, cotangents: Cotangents, grads: Named) -> Named:
        """Those of the queries that read and of the decays that act; an axis of writes for the others."""
        steps, at = above.k.shape[:3], self._reads(above)
        found = {name: grads[name].reshape(*steps, *grads[name].shape[2:]) for name in ("q", "k", "v", "beta")}
        found["q"] = found["q"][:, :, at]
        for name in ("decay", "p", "r"):
            if grads[name] is not None:
                found[name] = grads[name].reshape(*steps, *grads[name].shape[2:])
        if "decay" in found:
            found["decay"] = found["decay"][:, :, 0]
        return grads | found

    def decays(self, rule: Rule, decay: Array) -> Array:
        """Decays (n, T, writes, ...) of all writes."""
        steps = np.ones((*decay.shape[:2], rule.writes, *decay.shape[2:]), decay.dtype)
        steps[:, :, 0] = decay
        return steps

    def _reads(self, above: Call) -> int:
        """Which of the steps of a token reads."""
        return above.rule.writes - 1 if above.rule.read == "after" else 0

    def _spaced(self, above: Call, x: Array) -> Array:
        """(n, T, ...) as ``writes`` times as many steps, zeros but for those that read."""
        out = np.zeros((*x.shape[:2], above.rule.writes, *x.shape[2:]), x.dtype)
        out[:, :, self._reads(above)] = x
        return _flat(out)


class Centred(Pass):
    """Keys and queries minus the mean of the keys before their token; aux is (mean, number of keys).

    A key of zeros is none: it stays zero, so that its token writes nothing, and no mean counts it. A query of zeros
    stays zero too.
    """

    def applies(self, rule: Rule) -> bool:
        """Centred keys."""
        return rule.centred

    def aux(self, d_k: int) -> Shape:
        """The mean and the number."""
        return (d_k + 1,)

    def check_aux(self, aux0: Array) -> None:
        """The number of keys is not negative."""
        if aux0.size and aux0[:, -1].min() < 0:
            least = float(aux0[:, -1].min())
            raise ValueError(
                f"aux0 holds {least:g} as the number of keys so far; pass the aux of an earlier run, or a mean and inf "
                "to hold it."
            )

    def down(self, above: Call) -> Call:
        """Centred keys and queries."""
        means = self._means(above)
        return above._replace(k=(above.k - means.before) * means.presented, q=(above.q - means.before) * _asks(above.q))

    def up(self, above: Call, below: Outputs) -> Outputs:
        """The mean and the number after the last step."""
        means = self._means(above)
        return below._replace(aux=np.concatenate([means.last, means.seen], axis=-1))

    def up_gradients(self, above: Call, cotangents: Cotangents, grads: Named) -> Named:
        """Each key moves all later means, which keys and queries go without; the number of keys is no parameter."""
        means, daux = self._means(above), cotangents.daux
        dq, dk = grads["q"] * _asks(above.q), grads["k"] * means.presented
        last = np.zeros((len(dk), 1, dk.shape[2]), dk.dtype) if daux is None else daux[:, None, :-1]
        dmean = np.concatenate([-(dk + dq), last], axis=1)
        later = np.cumsum((dmean / means.number)[:, :0:-1], axis=1)[:, ::-1] * means.presented  # of the means after it
        dmean0 = dmean.sum(axis=1) - later.sum(axis=1)
        daux0 = np.concatenate([dmean0, np.zeros_like(dmean0[:, :1])], axis=-1)
        return grads | {"q": dq, "k": dk + later, "aux0": daux0}

    def _means(self, above: Call) -> Means:
        """Means before the steps and behind them."""
        if above.aux0 is None:
            return coefficients.running_mean(above.k)
        return coefficients.running_mean(above.k, above.aux0[:, :-1], above.aux0[:, -1:])


class Normalised(Pass):
    """Reads are divided by ``z . q``, and z is one more row of W that is written with values of one; aux is z."""

    needs_reads = True

    def applies(self, rule: Rule) -> bool:
        """Normalised reads."""
        return rule.normalised

    def aux(self, d_k: int) -> Shape:
        """The sum of the keys."""
        return (d_k,)

    def down(self, above: Call) -> Call:
        """Values with a one, W with z."""
        z0 = np.zeros_like(above.W0[:, 0]) if above.aux0 is None else above.aux0
        v = np.concatenate([above.v, np.ones_like(above.v[..., :1])], axis=-1)
        return above._replace(v=v, W0=np.concatenate([above.W0, z0[:, None]], axis=1))

    def up(self, above: Call, below: Outputs) -> Outputs:
        """Divided reads, W without z."""
        W: Any = below.W
        states = None if below.states is None else below.states[:, :, :-1]
        return below._replace(y=_divide(below.y)[0], W=W[:, :-1], aux=W[:, -1], states=states)

    def up_matrix(self, above: Call, A: Array) -> Array:
        """Rows that sum to one, or to nothing."""
        size = A.sum(axis=-1, keepdims=True)
        return np.divide(A, size, out=np.zeros_like(A), where=size != 0)

    def down_cotangents(self, above: Call, below: Outputs | None, cotangents: Cotangents) -> Cotangents:
        """The quotient rule."""
        reads: Any = below
        (y, inverse), (dy, dW, daux) = _divide(reads.y), cotangents
        dy = np.concatenate([dy, -np.einsum("...i,...i->...", dy, y)[..., None]], axis=-1) * inverse
        dz = np.zeros_like(dW[:, 0]) if daux is None else daux
        return Cotangents(dy, np.concatenate([dW, dz[:, None]], axis=1), None)

    def up_gradients(self, above: Call, cotangents: Cotangents, grads: Named) -> Named:
        """The row of z is that of aux0."""
        dW0 = grads["W0"]
        return grads | {"v": grads["v"][..., :-1], "W0": dW0[:, :-1], "aux0": dW0[:, -1]}


class ReadBefore(Pass):
    """A token that reads before it writes reads what the step before has left: its query moves one step back."""

    def applies(self, rule: Rule) -> bool:
        """A read before the write."""
        return rule.read == "before"

    def down(self, above: Call) -> Call:
        """Each query one step earlier."""
        return above._replace(q=_earlier(above.q))

    def up(self, above: Call, below: Outputs) -> Outputs:
        """Each read one step later; the first one is of W_0."""
        if not above.q.shape[1]:
            return below
        first = np.einsum("nij,nj->ni", above.W0, above.q[:, 0])
        return below._replace(y=np.concatenate([first[:, None], below.y[:, :-1]], axis=1))

    def up_matrix(self, above: Call, A: Array) -> Array:
        """Each row one step later; the first one is 0."""
        return np.concatenate([np.zeros_like(A[:, :1]), A[:, :-1]], axis=1)

    def down_cotangents(self, above: Call, below: Outputs | None, cotangents: Cotangents) -> Cotangents:
        """Those of the reads but the first, one step earlier."""
        return cotangents._replace(dy=_earlier(cotangents.dy))

    def up_gradients(self, above: Call, cotangents: Cotangents, grads: Named) -> Named:
        """Those of the queries one step later; the first read adds to W_0."""
        if not above.q.shape[1]:
            return grads
        first = cotangents.dy[:, 0]
        dq = np.einsum("nij,ni->nj", above.W0, first)
        dW0 = grads["W0"] + first[:, :, None] * above.q[:, 0][:, None]
        return grads | {"q": np.concatenate([dq[:, None], grads["q"][:, :-1]], axis=1), "W0": dW0}


class ErrorOfKey(Pass):
    """The rule that predicts the key from the value is the one that predicts the value, on W^T, read across rows."""

    def applies(self, rule: Rule) -> bool:
        """The error of the key."""
        return rule.error == "key"

    def down(self, above: Call) -> Call:
        """Key and value exchanged."""
        return above._replace(k=above.v, v=above.k, W0=np.swapaxes(above.W0, 1, 2), across=True)

    def up(self, above: Call, below: Outputs) -> Outputs:
        """W and its states transposed."""
        states = None if below.states is None else np.swapaxes(below.states, 2, 3)
        W: Any = below.W
        return below._replace(W=np.swapaxes(W, 1, 2), states=states)

    def down_cotangents(self, above: Call, below: Outputs | None, cotangents: Cotangents) -> Cotangents:
        """That of W transposed."""
        return cotangents._replace(dW=np.swapaxes(cotangents.dW, 1, 2))

    def up_gradients(self, above: Call, cotangents: Cotangents, grads: Named) -> Named:
        """Key and value exchanged."""
        return grads | {"k": grads["v"], "v": grads["k"], "W0": np.swapaxes(grads["W0"], 1, 2)}


SEVERAL_WRITES, CENTRED = SeveralWrites(), Centred()
PASSES: tuple[Pass, ...] = (SEVERAL_WRITES, CENTRED, Normalised(), ReadBefore(), ErrorOfKey())


def _flat(x: Array) -> Array:
    """(n, T, writes, ...) as (n, T writes, ...)."""
    return x.reshape(x.shape[0], x.shape[1] * x.shape[2], *x.shape[3:])


def _asks(q: Array) -> Array:
    """(n, T, 1): which tokens have a query."""
    return (q != 0).any(axis=-1, keepdims=True)


def _earlier(x: Array) -> Array:
    """(n, T, .) one step earlier; zeros at the end."""
    return np.concatenate([x[:, 1:], np.zeros_like(x[:, :1])], axis=1)


def _divide(y: Array) -> tuple[Array, Array]:
    """Reads divided by their last component, and 1 over it; a read of nothing (0 / 0) is 0."""
    size = y[..., -1:]
    inverse = np.divide(1, size, out=np.zeros_like(size), where=size != 0)
    inverse[np.isinf(size)] = np.nan  # 0 would be no word of an overflow
    return y[..., :-1] * inverse, inverse
