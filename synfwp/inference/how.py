"""How a rule is inferred: what can be chosen, from weights and from activity."""

from dataclasses import dataclass

from synfwp import checks, owned, shown
from synfwp.inference import taylor

INSTRUMENTS = ("split", "lag", "none")


@dataclass(frozen=True, kw_only=True)
class FromWeights(shown.OneLine):
    """How a rule is inferred from recorded weights.

    Parameters
    ----------
    instrument : None, "split", "lag" or "none"
        What stands for W in the first of two stages of least squares. "split": a second measurement of W, each in the
        place of the other; "lag": W one trial earlier; "none": W itself, which is right only for weights without noise.
        None: "split" where there is a second measurement, else "lag".
    level : float
        A rule is excluded if its p value is below it.
    smallest : float
        The smallest amount per trial that matters: "none" is the verdict only where every rule is below it.

    Raises
    ------
    ValueError, TypeError
        For an unknown instrument, or numbers that are not between 0 and 1, or not above 0.

    Examples
    --------
    >>> FromWeights(instrument="lag").level
    0.01
    """

    instrument: str | None = None
    level: float = 0.01
    smallest: float = 0.05

    def __post_init__(self) -> None:
        """Fields are of the kinds in Parameters."""
        if self.instrument is not None:
            checks.one_of("instrument", self.instrument, INSTRUMENTS)
        object.__setattr__(self, "level", checks.number("level", self.level, 0, 1, above=True))
        object.__setattr__(self, "smallest", checks.number("smallest", self.smallest, 0, above=True))


@dataclass(frozen=True, kw_only=True)
class FromActivity(shown.OneLine):
    """How a rule is inferred from activity: the layer ``post = phi(W pre)`` and the terms of its Taylor rule.

    Parameters
    ----------
    phi : "identity", "tanh", "relu" or "sigmoid"
    order : int
        Terms are products of powers, each up to 2, of pre, post, w and, where there is one, reward; their powers sum to
        at most this. 6 has all 27 terms without a reward, 8 all 81 with one.
    left_out : int
        The last sessions, which judge: at least 1, and at least one more has to be there.

    Raises
    ------
    ValueError, TypeError
        For an unknown name or numbers that are not counts.

    Examples
    --------
    >>> FromActivity(phi="tanh").order
    3
    """

    phi: str = "sigmoid"
    order: int = 3
    left_out: int = 2

    def __post_init__(self) -> None:
        """Fields are of the kinds in Parameters."""
        checks.one_of("phi", self.phi, taylor.PHI)
        owned.count(self, "order", 1)
        owned.count(self, "left_out", 1)
