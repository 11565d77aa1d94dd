"""Decoders that learn from some trials and are asked about others: nearest centroid, and those of scikit-learn."""

from collections.abc import Callable
from typing import Any

import numpy as np

from synfwp import checks

Array = np.ndarray
Predict = Callable[[Array], Array]
Fit = Callable[[Array, Array, int, float], Predict]


def standard(X: Array) -> Callable[[Array], Array]:
    """Features in standard deviations of the trials X (n, features, ...), around their mean; 0 of what does not vary.

    Examples
    --------
    >>> standard(np.array([[1.0, 5.0], [3.0, 5.0]]))(np.array([[4.0, 9.0]])).tolist()
    [[2.0, 0.0]]
    """
    mean, spread = X.mean(axis=0), X.std(axis=0)
    spread = np.where(spread > 1e-12 * np.abs(X).max(axis=0), spread, np.inf)  # beyond rounding
    return lambda asked: (asked - mean) / spread


def fitted(decoder: str, Z: Array, codes: Array, classes: int, strength: float) -> Predict:
    """A decoder of standardised trials (n, features) with classes 0 to ``classes - 1``, from trials to classes.

    Examples
    --------
    >>> ask = fitted("centroid", np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1]), 2, 1.0)
    >>> ask(np.array([[2.0], [7.0]])).tolist()
    [0, 1]
    """
    return checks.lookup("decoder", decoder, DECODERS)(Z, codes, classes, strength)


def _centroid(Z: Array, codes: Array, classes: int, strength: float) -> Predict:
    """The class whose mean is nearest."""
    member = codes[:, None] == np.arange(classes)
    count = member.sum(axis=0)
    means = (member.T.astype(float) @ Z) / np.maximum(count, 1)[:, None]
    half = np.where(count > 0, np.square(means).sum(axis=1) / 2, np.inf)
    return lambda asked: (asked @ means.T - half).argmax(axis=1)


def _logistic(Z: Array, codes: Array, classes: int, strength: float) -> Predict:
    """Multinomial logistic regression with an L2 penalty."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1 / strength, max_iter=5000).fit(Z, codes).predict


def _ridge(Z: Array, codes: Array, classes: int, strength: float) -> Predict:
    """Least squares on classes with an L2 penalty."""
    from sklearn.linear_model import RidgeClassifier

    return RidgeClassifier(alpha=strength).fit(Z, codes).predict


def _lda(Z: Array, codes: Array, classes: int, strength: float) -> Predict:
    """Linear discriminant analysis with the shrinkage of Ledoit and Wolf."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(Z, codes).predict


DECODERS: dict[str, Fit] = {"centroid": _centroid, "logistic": _logistic, "ridge": _ridge, "lda": _lda}


def checked(decoder: Any, strength: Any) -> tuple[str, float]:
    """The name of a decoder that can run here, and its strength.

    Raises
    ------
    ValueError, ImportError
        For an unknown decoder, or one that needs scikit-learn where that is not installed.

    Examples
    --------
    >>> checked("centroid", 1)
    ('centroid', 1.0)
    """
    name = checks.one_of("decoder", decoder, DECODERS)
    if name != "centroid":
        try:
            import sklearn  # noqa: F401
        except ImportError:
            raise ImportError(
                f'decoder {name!r} needs scikit-learn; install it with: pip install "synfwp[data]", or pass '
                'decoder="centroid".'
            ) from None
    return name, checks.number("strength", strength, 0.0, above=True)
