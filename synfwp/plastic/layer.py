"""What a plastic layer is: its fields, its equations, and the arguments of its runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from synfwp import checks, owned, shown
from synfwp.kernels import plastic as kernel

PHI: Mapping[str, int] = MappingProxyType(
    {"identity": kernel.IDENTITY, "tanh": kernel.TANH, "relu": kernel.RELU, "sigmoid": kernel.SIGMOID}
)
RULES: Mapping[str, int] = MappingProxyType(
    {"hebb": kernel.HEBB, "oja_local": kernel.OJA, "covariance": kernel.COVARIANCE}
)
FORMER: Mapping[str, str] = MappingProxyType({"oja": "oja_local"})  # names of earlier versions, in files too
NORMS: Mapping[str, int] = MappingProxyType({"none": kernel.NONE, "every": kernel.EVERY, "inner": kernel.INNER})


@dataclass(frozen=True, kw_only=True)
class PlasticLayer(shown.OneLine):
    r"""What a plastic layer is, without its numbers: slow weights W and plastic weights A, side by side.

    .. math::
        u_t = W_{in} x_t + b + (W + \alpha A_{t-1})\, p_t, \qquad h_t = \phi(u_t), \qquad
        A_t = \lambda A_{t-1} + \eta m_t\, \Delta_t

    with ``p_t = h_{t-1}``, or ``p_t = x_t`` and no ``W_in`` for a layer that is not recurrent. A is read at step t
    before it is written. ``Delta`` is, entry by entry for the postsynaptic neuron i and the presynaptic j, ``h_i p_j``
    (hebb), ``h_i (p_j - h_i A_ij)`` (oja_local) or ``(h_i - <h_i>_t) (p_j - <p_j>_t)`` (covariance). These means are
    those of the steps before t, ``<p>_t = m_0 + sum_{s < t} (p_s - m_0) / (n_0 + t - 1)`` with t counted from 1, so
    that the first step is learned: it meets m_0, which with n_0 comes from ``aux0`` and is 0 by default; an infinite
    n_0 holds m_0. Every step counts, also one without activity. What A reads is not centred, other than the queries of
    `COVARIANCE`: A stands beside W in one sum over the same rates.

    Parameters
    ----------
    phi : "identity", "tanh", "relu" or "sigmoid"
    rule : "hebb", "oja_local" or "covariance"
        "oja_local" is Oja's rule of each neuron by itself (Oja 1982), which needs no weight but the synapse's own;
        "oja", its name in earlier versions and their files, is read as it. `synfwp.OJA` is Oja's subspace rule (Oja
        1989), ``h_i (p_j - sum_l h_l A_lj)``, which needs the weights of all neurons; for one neuron they are one rule.
    recurrent : bool
        Whether A and W connect the layer with itself, or the input with the layer.
    multiplicative : bool
        ``W + W A`` instead of ``W + alpha A``.
    inner : int
        S > 0: u starts as ``W_in x_t + b + W h_{t-1}`` alone, and S times ``(alpha A_{t-1}) phi(u)`` is added to that;
        what is written has the last h on both sides, ``p_t = h_t``.
    norm : "none", "every" or "inner"
        In which passes phi is applied to u minus its mean over its standard deviation (layer normalisation without gain
        and bias): in every one, or in those of the inner loop alone, not in the first one, which starts it. True and
        False, as in files of before there was "inner", are "every" and "none".

    Raises
    ------
    TypeError, ValueError
        For an unknown name, an inner loop in a layer that is not recurrent, or its norm without an inner loop.

    References
    ----------
    Miconi, Stanley & Clune 2018, equations 1 to 3; Ba et al. 2016, equations 1, 2 and 5; Tyulmankov, Yang & Abbott
    2022; Aitken & Mihalas 2023; Oja 1982, J Math Biol 15:267; Oja 1989, Int J Neural Syst 1:61.
    """

    phi: str = "tanh"
    rule: str = "hebb"
    recurrent: bool = True
    multiplicative: bool = False
    inner: int = 0
    norm: str = "none"

    def __post_init__(self) -> None:
        """Fields are of the kinds in Parameters."""
        checks.one_of("phi", self.phi, PHI)
        if isinstance(self.rule, str):
            object.__setattr__(self, "rule", FORMER.get(self.rule, self.rule))
        checks.one_of("rule", self.rule, RULES)
        if isinstance(self.norm, bool | np.bool_):
            object.__setattr__(self, "norm", "every" if self.norm else "none")
        checks.one_of("norm", self.norm, NORMS)
        owned.count(self, "inner", 0)
        if self.inner and not self.recurrent:
            raise ValueError(f"inner is {self.inner}, but A reads the input once; use inner=0 or recurrent=True.")
        if self.norm == "inner" and not self.inner:
            raise ValueError("norm is 'inner', but inner is 0; use norm='every', or an inner loop.")

    @property
    def how(self) -> tuple[int, int, int, int]:
        """What the kernels take for it."""
        return PHI[self.phi], RULES[self.rule], int(self.inner), NORMS[self.norm]

    def arguments(self, weights: Mapping[str, Any], x: Any, modulation: Any = None) -> "Arguments":
        """What `check` takes for inputs ``x (..., T, d_in)``, traced or not.

        Parameters
        ----------
        weights : mapping of str to array
            W, lam, eta and, where there are such, W_in (a matrix or one number), b and alpha.
        x : (..., T, d_in) array
        modulation : array or None
            What eta is multiplied by.

        Returns
        -------
        Arguments

        Raises
        ------
        ValueError
            For an alpha of a multiplicative layer.
        """
        W, slow, b = weights["W"], weights.get("W_in") if self.recurrent else weights["W"], weights.get("b")
        drive = x if slow is None else x * slow if np.ndim(slow) == 0 else _project(x, slow)
        drive = drive if b is None else drive + b
        alpha = W if self.multiplicative else weights.get("alpha")
        if self.multiplicative and "alpha" in weights:
            raise ValueError("multiplicative puts W in the place of alpha; leave alpha out.")
        eta = weights["eta"] if modulation is None else weights["eta"] * modulation
        seen, recurrent = (None, W) if self.recurrent else (x, None)
        return Arguments(drive, seen, recurrent, alpha, weights["lam"], eta)


class Arguments(NamedTuple):
    """The first arguments of `check`, in its order."""

    drive: Any
    x: Any
    W: Any
    alpha: Any
    lam: Any
    eta: Any


def _project(x: Any, W: Any) -> Any:
    """``x @ W.T`` over the last axis as one product of matrices."""
    return (x.reshape((-1, x.shape[-1])) @ W.T).reshape((*x.shape[:-1], W.shape[0]))
