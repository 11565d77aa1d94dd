"""How well a target that drifts is followed, one unit key in a random direction per step.

The target is a row W* of d components, ``W*_{t+1} = a W*_t + q z``, and ``W* k + s z`` is observed. The error is that
of a prediction before a write, ``E |W* - W|^2 / d``: the squared error of a read by a random key, without the noise s.
"""

import numpy as np

from synfwp import checks
from synfwp.theory.formulas import DERIVED, formula

Array = np.ndarray
RUN = "independent unit keys in random directions, normal noise and drift, after many steps"
SMALL, LARGE = 1e-50, 1e50  # of noise and drift


@formula(kind="exact", condition="delta rule (decay 1) and gated delta rule; " + RUN, source="widrow1985")
def delta_tracking_error(
    beta: float, d_key: int, noise: float, drift: float, keep: float = 1.0, decay: float = 1.0
) -> float:
    """Error of the delta rule, ``W <- decay W (I - beta k k^T) + beta v k^T``, that follows a drifting target.

    Of a random walk (a = 1), without decay, ``(beta^2 s^2 + d q^2) / (beta (2 - beta))``. A target that returns to 0
    has the variance ``V = q^2 / (1 - a^2)``; then the second moments of W and W* solve two linear equations. A rule
    with a decay predicts with ``decay W``.

    Parameters
    ----------
    beta : float
        Write strength, below 2.
    d_key : int
        d.
    noise : float
        s, SD of an observation.
    drift : float
        q, SD of what a component of the target gains in a step.
    keep : float
        a; at 1 the target is a random walk, which only a rule without decay follows.
    decay : float
        Of the rule, per step.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [round(delta_tracking_error(b, 32, 0.3, 0.02), 4) for b in (0.1, 0.2, 0.3, 0.5)]
    [0.0721, 0.0456, 0.041, 0.0471]
    """
    d, s2, q2, a = _target(d_key, noise, drift, keep)
    b = checks.number("beta", beta, 1e-9, 2 - 1e-9)
    g = checks.number("decay", decay, 0, 1)
    if a == 1:
        if g < 1:
            raise ValueError(
                f"decay is {g} but keep 1; pass keep below 1, or no decay: a walk leaves what decays behind."
            )
        return (b**2 * s2 + d * q2) / (b * (2 - b))
    V = q2 / (1 - a * a)
    shared = a * b * V / d / (1 - a * g * (1 - b / d))
    own = (b**2 * (V + s2) / d + 2 * g * b * (1 - b) * shared / d) / (1 - g**2 * (1 - b * (2 - b) / d))
    return V - 2 * g * shared + g**2 * own


@formula(kind="exact", condition="leaky Hebb rule; " + RUN, source=DERIVED)
def leaky_tracking_error(beta: float, d_key: int, noise: float, drift: float, keep: float, decay: float) -> float:
    """Error of a leaky Hebb rule, ``W <- decay W + beta v k^T``, that follows a target which returns to 0.

    Parameters
    ----------
    beta : float
        Write strength.
    d_key : int
        d.
    noise, drift, keep : float
        s, q and a of the target, a below 1.
    decay : float
        Of the rule, per step, below 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(leaky_tracking_error(0.5, 32, 0.3, 0.14107, keep=0.99, decay=0.975), 3)
    0.557
    """
    d, s2, q2, a = _target(d_key, noise, drift, keep, 1 - 1e-9)
    b, g = checks.number("beta", beta, 0, 1e10), checks.number("decay", decay, 0, 1 - 1e-9)
    V = q2 / (1 - a * a)
    shared = a * b * V / d / (1 - a * g)
    own = (b**2 * (V + s2) / d + 2 * g * b * shared / d) / (1 - g**2)
    return V - 2 * shared + own


@formula(
    kind="exact",
    condition="a gated delta rule with decay a and the best write strength; " + RUN,
    source=DERIVED,
)
def scalar_kalman_error(d_key: int, noise: float, drift: float, keep: float = 1.0) -> float:
    """Error of a Kalman filter that knows its uncertainty p but not in which directions: the best gated delta rule.

    ``p = a^2 (p - p^2 / (d (p + s^2))) + q^2``, and its write strength is ``p / (p + s^2)``, `best_step`. Without a
    return to 0, ``p^2 = d q^2 (p + s^2)``.

    Parameters
    ----------
    d_key : int
        d.
    noise, drift, keep : float
        s, q and a of the target.

    Returns
    -------
    float
        p.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(scalar_kalman_error(32, 0.3, 0.02), 4)
    0.0409
    """
    d, s2, q2, a = _target(d_key, noise, drift, keep)
    # p^2 (1 - a^2 + a^2/d) + p ((1 - a^2) s^2 - q^2) - q^2 s^2 = 0, in units of s^2
    lost, Q = 1 - a * a, q2 / s2
    A, B = lost + a * a / d, lost - Q
    root = np.sqrt(B * B + 4 * A * Q)
    return float(s2 * (2 * Q / (B + root) if B > 0 else (root - B) / (2 * A)))


@formula(kind="exact", condition="gated delta rule with decay a; " + RUN, source=DERIVED)
def best_step(d_key: int, noise: float, drift: float, keep: float = 1.0) -> float:
    """The write strength with which a gated delta rule follows a drifting target best: ``p / (p + s^2)``.

    Parameters
    ----------
    d_key : int
        d.
    noise, drift, keep : float
        s, q and a of the target.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(best_step(32, 0.3, 0.02), 4)
    0.3127
    """
    p = scalar_kalman_error(d_key, noise, drift, keep)
    return p / (p + checks.number("noise", noise, SMALL, LARGE) ** 2)


@formula(
    kind="asymptotic",
    condition="Kalman filter with its whole covariance, many features (d of at least 16, a drift d q^2 of at most "
    "10 s^2); " + RUN,
    source=DERIVED,
    band=0.03,
    relative=True,
)
def kalman_tracking_error(d_key: int, noise: float, drift: float, keep: float = 1.0) -> float:
    """Error of the best estimate of a drifting target: of the Kalman filter, whose covariance P knows directions.

    For many features ``k^T P k = tr P / d = p``, and the resolvent ``G(z) = tr (z - P)^-1 / d`` of the covariance obeys
    ``1 + (z^2 G - z - p) / (s^2 + p) = exp((B - 2 c z) G + 2 c)``, with ``B = d q^2`` and ``2 c = d (1 - a^2)``: a
    write takes ``P k k^T P / (s^2 + p)`` off, a step shifts and shrinks P. It is the resolvent of a density for the p
    where its two branches meet. For a = 1 they meet at ``g = (sqrt(B^2 + 16 s^2 B) - B) / (8 s^2 B)``, with
    ``p = s^2 (exp(B g) / (1 - B g) - 1)``.

    Parameters
    ----------
    d_key : int
        d.
    noise, drift, keep : float
        s, q and a of the target.

    Returns
    -------
    float
        p.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(kalman_tracking_error(32, 0.3, 0.02), 4)
    0.039
    """
    d, s2, q2, a = _target(d_key, noise, drift, keep)
    B, whole = d * q2 / s2, d * (1 - a * a)  # in units of s^2
    g = 2 / (np.sqrt(B * B + 16 * B) + B)
    x = np.array([-1 / (2 * g), -g, np.exp(B * g) / (1 - B * g) - 1])  # z, G and p of a random walk
    for share in np.linspace(0, 1, 1 + int(np.ceil(20 * whole)) if whole else 1)[1:]:
        for _ in range(8):
            x = x - np.linalg.solve(*_meeting(x, B, whole * share))
    return float(s2 * x[2])


def _meeting(x: Array, B: float, lost: float) -> tuple[Array, Array]:
    """Derivatives and values of the three equations of two branches that meet: F, F_z and F_G are 0."""
    z, G, p = x
    c, slope = 1 / (1 + p), B - lost * z
    E = np.exp(slope * G + lost)
    F = 1 + c * (z * z * G - z - p) - E
    F_z, F_G = c * (2 * z * G - 1) + lost * G * E, c * z * z - slope * E
    F_p = -c * c * (z * z * G - z - p) - c
    F_zz, F_zG = 2 * c * G - (lost * G) ** 2 * E, 2 * c * z + lost * E + lost * G * slope * E
    F_GG, F_zp, F_Gp = -(slope**2) * E, -c * c * (2 * z * G - 1), -c * c * z * z
    return np.array([[F_z, F_G, F_p], [F_zz, F_zG, F_zp], [F_zG, F_GG, F_Gp]]), np.array([F, F_z, F_G])


def _target(d_key: int, noise: float, drift: float, keep: float, high: float = 1.0) -> tuple[int, float, float, float]:
    """d, s^2, q^2 and a."""
    d, a = checks.count("d_key", d_key), checks.number("keep", keep, 0, high)
    s, q = checks.number("noise", noise, SMALL, LARGE), checks.number("drift", drift, SMALL, LARGE)
    return d, s * s, q * q, a
