"""In-context linear regression, and what the plasticity rules can reach on it, exactly."""

from dataclasses import dataclass

import numpy as np

from synfwp import checks, owned
from synfwp.tasks.base import Array, Batch, drawn
from synfwp.theory.wishart import mean_sum


@dataclass(frozen=True)
class InContextRegression:
    r"""Pairs (x, y) of a linear function that is new in every sequence, and queries for y at another x.

    ``y = W x + noise * xi``; the entries of W, x and xi are standard normal. A token is (x, y, write flag); a query has
    x alone and flag 0, and its target is y, real numbers. With ``every`` each x is first asked for and then written
    with its y (Garg et al. 2022), so query n comes after n pairs, for n = 0 to ``pairs``; otherwise there is one query
    after all pairs (von Oswald et al. 2023).

    ``*_curve`` methods give the expected squared error ``|answer - y|^2`` at each query, n = 0 to ``pairs``, for a
    memory that keeps ``sum y x^T`` (Hebb), corrects its errors (delta, least mean squares) or solves least squares with
    the right prior (Bayes, recursive least squares). The error of an output is ``m_n + s``, with ``s = noise^2``,
    ``m_n = E |w_n - w|^2`` for its row of weights, and d = ``d_x``:

    =====  ============================================================================================
    Hebb   ``m_n = (1 - beta n)^2 d + beta^2 n d (d + 1 + s)``; averaging is ``beta = 1 / n``
    delta  ``m_{n+1} = m_n (1 - 2 beta + beta^2 (d + 2)) + beta^2 s d``, ``m_0 = d``
    Bayes  ``m_n = E tr(1 + X^T X / s)^{-1}``; ``max(d - n, 0)`` without noise
    =====  ============================================================================================

    Parameters
    ----------
    d_x, d_y : int
        Size of x and of y.
    pairs : int
        Pairs in a sequence.
    noise : float
        Standard deviation of the noise, at least 0.
    every : bool
        Whether there is a query before every pair and after the last, or only after the last.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, or the noise is negative.

    Examples
    --------
    >>> import numpy as np
    >>> task = InContextRegression(d_x=3, pairs=4)
    >>> batch = task(np.random.default_rng(0), 2)
    >>> batch.x.shape, batch.error(task.solve(batch.x)) < batch.chance
    ((2, 9, 5), True)
    >>> task.bayes_curve().tolist()
    [3.0, 2.0, 1.0, 0.0, 0.0]
    >>> task.delta_curve(0.2).round(2).tolist()
    [3.0, 2.4, 1.92, 1.54, 1.23]
    """

    d_x: int = 8
    d_y: int = 1
    pairs: int = 32
    noise: float = 0.0
    every: bool = True

    def __post_init__(self) -> None:
        """Sizes are positive integers, the noise is not negative."""
        for name in ("d_x", "d_y", "pairs"):
            owned.count(self, name)
        checks.number("noise", self.noise, 0)

    @property
    def d_in(self) -> int:
        """Features of a token."""
        return self.d_x + self.d_y + 1

    @property
    def d_out(self) -> int:
        """Size of an answer."""
        return self.d_y

    @property
    def length(self) -> int:
        """Tokens of a sequence."""
        return (2 * self.pairs if self.every else self.pairs) + 1

    @property
    def chance(self) -> float:
        """Expected squared error of the answer 0."""
        return self.d_y * (self.d_x + self.noise**2)

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences."""
        batch = drawn(rng, batch)
        W = rng.standard_normal((batch, self.d_y, self.d_x))
        x = rng.standard_normal((batch, self.pairs + 1, self.d_x))
        y = x @ W.swapaxes(1, 2) + self.noise * rng.standard_normal((batch, self.pairs + 1, self.d_y))
        place = np.repeat(np.arange(self.pairs + 1), 2)[:-1] if self.every else np.arange(self.pairs + 1)
        query = np.arange(self.length) % 2 == 0 if self.every else place == self.pairs
        mask = np.tile(query, (batch, 1))
        target = np.where(mask[..., None], y[:, place], 0.0)
        token = np.concatenate([x[:, place], y[:, place] - target, ~mask[..., None]], axis=-1)
        return Batch(token, target, mask, self.chance)

    def solve(self, x: Array) -> Array:
        """The Bayes estimate (batch, T, d_y) at queries, by recursive least squares; 0 elsewhere.

        The posterior of W has mean w and covariance P: a pair moves w by ``(y - w x) (P x)^T / (noise^2 + x^T P x)``
        and P by ``- (P x)(P x)^T / (noise^2 + x^T P x)``, from w = 0 and P = 1.
        """
        x = np.asarray(x, float)
        key, value, write = x[..., : self.d_x], x[..., self.d_x : -1], x[..., -1] > 0
        answer = np.zeros((*x.shape[:2], self.d_y))
        w = np.zeros((len(x), self.d_y, self.d_x))
        P = np.tile(np.eye(self.d_x), (len(x), 1, 1))
        for t in range(x.shape[1]):
            read = (w @ key[:, t, :, None])[..., 0]
            answer[:, t] = np.where(write[:, t, None], 0, read)
            seen = (P @ key[:, t, :, None])[..., 0]
            left = (seen * key[:, t]).sum(axis=-1)
            # without noise nothing is left to learn from a key in the span of the earlier ones, to rounding
            new = write[:, t] & (left + self.noise**2 > 1e-10 * (key[:, t] ** 2).sum(axis=-1))
            gain = np.where(new[:, None], seen, 0) / np.where(new, left + self.noise**2, 1)[:, None]
            w += (value[:, t] - read)[..., None] * gain[:, None, :]
            P -= gain[..., None] * seen[:, None, :]
        return answer

    def hebb_curve(self, beta: float | None = None) -> Array:
        """Expected error (pairs + 1,) of ``beta sum y x^T``; without beta, of the average of ``y x^T``.

        The best constant after n pairs is ``beta = 1 / (n + d + 1 + s)``.

        Parameters
        ----------
        beta : float or None
            Write strength.

        Returns
        -------
        (pairs + 1,) array

        Raises
        ------
        TypeError, ValueError
            For a beta that is no finite number.
        """
        n, d = np.arange(self.pairs + 1), self.d_x
        rate = 1 / np.maximum(n, 1) if beta is None else checks.number("beta", beta)
        return self._error((1 - rate * n) ** 2 * d + rate**2 * n * d * (d + 1 + self.noise**2))

    def delta_curve(self, beta: float) -> Array:
        """Expected error of the delta rule; it grows without bound for beta above ``2 / (d + 2)``.

        Parameters
        ----------
        beta : float
            Write strength.

        Returns
        -------
        (pairs + 1,) array

        Raises
        ------
        TypeError, ValueError
            For a beta that is no finite number.
        """
        d, rate = self.d_x, checks.number("beta", beta)
        shrink, drive = 1 - 2 * rate + rate**2 * (d + 2), rate**2 * self.noise**2 * d
        error = [float(d)]
        for _ in range(self.pairs):
            error.append(shrink * error[-1] + drive)
        return self._error(np.array(error))

    def bayes_curve(self) -> Array:
        """Expected error (pairs + 1,) of `solve`, the least that any answer can have."""
        d, s = self.d_x, self.noise**2
        error = np.maximum(d - np.arange(self.pairs + 1.0), 0)
        if s > 0:
            error[1:] += [mean_sum(lambda squares: s / (s + squares), n, d) for n in range(1, self.pairs + 1)]
        return self._error(error)

    def _error(self, distance: Array) -> Array:
        """Squared error of all outputs from the squared distance of the weights of one."""
        return self.d_y * (distance + self.noise**2)
