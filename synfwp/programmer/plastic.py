"""Networks that are trained with their plasticity: the slow weights and the rule's own numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from synfwp import autograd as ag
from synfwp import checks, owned, seeds
from synfwp.plastic import PlasticLayer
from synfwp.programmer.parts import SIGMOID, Params, project

ALPHAS = ("one", "scalar", "matrix")


@dataclass(frozen=True, kw_only=True)
class PlasticNetwork(PlasticLayer):
    r"""A frozen specification of a plastic layer with a read-out; its numbers live in a flat dict of arrays.

    The layer is a `PlasticLayer`, whose fields come first; scores are ``W_out h + b_out``.

    Parameters
    ----------
    d_in, d_hidden : int
        Features of the input and units of the layer.
    d_out : int or None
        Classes of the read-out; None reads h itself.
    alpha : "one", "scalar" or "matrix"
        Whether A is multiplied by 1, or by a learned number, or synapse by synapse by learned numbers.
    lam, eta : float
        Decay in [0, 1] and learning rate, of any sign, where training starts.
    learn : bool
        Whether lam and eta are learned; lam through its logit, so that it stays in (0, 1), and not at all from 0 or 1.
    keep_sign : bool
        Whether eta is learned through the logarithm of its size, so that it keeps the sign that it starts with.
    tied : bool
        ``lam = 1 - eta``, whatever ``lam`` is.
    input_gain : float or None
        None learns ``W_in``; a number is a fixed gain of inputs that go to one unit each (d_in = d_hidden).
    scale : float or None
        Standard deviation of W and alpha (matrix) at the start; None means ``1 / sqrt(inputs)``.

    Raises
    ------
    TypeError, ValueError
        For sizes below 1, unknown names, and fields that exclude each other.

    References
    ----------
    Miconi, Stanley & Clune 2018; Ba et al. 2016; Tyulmankov, Yang & Abbott 2022; Aitken & Mihalas 2023.

    Examples
    --------
    >>> import numpy as np
    >>> network = PlasticNetwork.hebbff(d_in=5, d_hidden=4)
    >>> network.scores(network.init(seed=0), np.ones((7, 5))).shape
    (7, 2)
    """

    d_in: int = 64
    d_hidden: int = 64
    d_out: int | None = None
    alpha: str = "one"
    lam: float = 0.95
    eta: float = 0.1
    learn: bool = True
    keep_sign: bool = False
    tied: bool = False
    input_gain: float | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        """Fields are of the kinds in Parameters."""
        super().__post_init__()
        for name in ("d_in", "d_hidden", *(() if self.d_out is None else ("d_out",))):
            owned.count(self, name)
        checks.one_of("alpha", self.alpha, ALPHAS)
        checks.number("lam", self.lam, 0, 1)
        checks.number("eta", self.eta)
        if self.keep_sign and not self.eta:
            raise ValueError("eta is 0, which has no sign to keep; pass another eta, or keep_sign=False.")
        if self.multiplicative and self.alpha != "one":
            raise ValueError("multiplicative puts W in the place of alpha; leave alpha out.")
        if self.scale is not None:
            checks.number("scale", self.scale, 0)
        if self.input_gain is not None:
            checks.number("input_gain", self.input_gain)
            if not self.recurrent or self.d_in != self.d_hidden:
                raise ValueError(
                    f"input_gain is for a recurrent layer with d_in = d_hidden, not {self.d_in} and {self.d_hidden}; "
                    "leave it out to learn W_in."
                )

    @classmethod
    def hebbff(cls, d_in: int, d_hidden: int, d_out: int | None = 2, **fields: Any) -> PlasticNetwork:
        """HebbFF: ``h = sigmoid((W + A) x + b)``, ``A <- lam A + eta h x^T`` from lam = 0.99 and eta = -5 / d_in.

        Two classes with a softmax are their ``sigmoid(w . h + b)``.

        Parameters
        ----------
        d_in : int
            Features of the input.
        d_hidden : int
            Units of the layer.
        d_out : int or None
            Classes of the read-out; None reads h itself.
        **fields
            Other fields of `PlasticNetwork`.

        Returns
        -------
        PlasticNetwork

        Raises
        ------
        TypeError, ValueError
            For sizes that are no integers of at least 1.

        References
        ----------
        Tyulmankov, Yang & Abbott 2022.
        """
        start: dict[str, Any] = {
            "phi": "sigmoid",
            "recurrent": False,
            "lam": 0.99,
            "eta": -5 / checks.count("d_in", d_in),
        }
        return cls(d_in=d_in, d_hidden=d_hidden, d_out=d_out, **start | fields)

    @classmethod
    def mpn(cls, d_in: int, d_hidden: int, d_out: int | None = None, **fields: Any) -> PlasticNetwork:
        """Multi-plasticity network: ``h = tanh((W + W M) x)``, ``M <- lam M + eta h x^T``.

        Where lam and eta start is our choice.

        Parameters
        ----------
        d_in : int
            Features of the input.
        d_hidden : int
            Units of the layer.
        d_out : int or None
            Classes of the read-out; None reads h itself.
        **fields
            Other fields of `PlasticNetwork`.

        Returns
        -------
        PlasticNetwork

        References
        ----------
        Aitken & Mihalas 2023.
        """
        start: dict[str, Any] = {"recurrent": False, "multiplicative": True}
        return cls(d_in=d_in, d_hidden=d_hidden, d_out=d_out, **start | fields)

    @classmethod
    def differentiable(cls, d: int, d_out: int | None = None, **fields: Any) -> PlasticNetwork:
        """Differentiable plasticity: ``h_t = tanh((W + alpha A) h_{t-1} + 20 x_t)``, Hebb with a decay of 1 - eta.

        Strong inputs hold the units that they reach.

        Parameters
        ----------
        d : int
            Features of the input, and units of the layer.
        d_out : int or None
            Classes of the read-out; None reads h itself.
        **fields
            Other fields of `PlasticNetwork`.

        Returns
        -------
        PlasticNetwork

        References
        ----------
        Miconi, Stanley & Clune 2018, and their code for patterns (gain 20, weights of 0.01, eta = 0.01).
        """
        start: dict[str, Any] = {"alpha": "matrix", "eta": 0.01, "tied": True, "input_gain": 20.0, "scale": 0.01}
        return cls(d_in=d, d_hidden=d, d_out=d_out, **start | fields)

    @classmethod
    def fast_weights(cls, d_in: int, d_hidden: int, d_out: int | None = None, **fields: Any) -> PlasticNetwork:
        """Fast weights that attend to the recent past: one inner step, layer normalisation, relu.

        lam = 0.95 and eta = 0.5 are not learned. The pass before the inner loop is not normalised (``norm="every"``:
        it is). There are no gains and biases after the normalisation: our choice.

        Parameters
        ----------
        d_in : int
            Features of the input.
        d_hidden : int
            Units of the layer.
        d_out : int or None
            Classes of the read-out; None reads h itself.
        **fields
            Other fields of `PlasticNetwork`.

        Returns
        -------
        PlasticNetwork

        References
        ----------
        Ba et al. 2016, equations 1, 2 and 5.
        """
        start: dict[str, Any] = {"phi": "relu", "inner": 1, "norm": "inner", "lam": 0.95, "eta": 0.5, "learn": False}
        return cls(d_in=d_in, d_hidden=d_hidden, d_out=d_out, **start | fields)

    @property
    def name(self) -> str:
        """What a progress bar and the provenance call it."""
        return f"plastic {self.rule}"

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> Params:
        """Random parameters: normal weights of variance 1 / inputs (or ``scale``), biases of 0.

        Parameters
        ----------
        seed : int, SeedSequence or Generator
            Of the draws.
        dtype : dtype
            float64 or float32.

        Returns
        -------
        dict of str to array
        """
        rng = seeds.generator(seed, "init")

        def normal(rows: int, columns: int, scale: float | None = None) -> Any:
            return (rng.standard_normal((rows, columns)) * (columns**-0.5 if scale is None else scale)).astype(dtype)

        seen = self.d_hidden if self.recurrent else self.d_in
        params = {"W": normal(self.d_hidden, seen, self.scale)}
        if self.recurrent and self.input_gain is None:
            params["W_in"] = normal(self.d_hidden, self.d_in)
        if self.input_gain is None:
            params["b"] = np.zeros(self.d_hidden, dtype)
        if self.alpha == "matrix":
            params["alpha"] = normal(self.d_hidden, seen, self.scale)
        elif self.alpha == "scalar":
            params["alpha"] = np.ones((), dtype)
        if self.learn:
            if self.keep_sign:
                params["log_eta"] = np.asarray(np.log(abs(self.eta)), dtype)
            else:
                params["eta"] = np.asarray(self.eta, dtype)
            if not self.tied and 0 < self.lam < 1:
                params["logit_lam"] = np.asarray(np.log(self.lam / (1 - self.lam)), dtype)
        if self.d_out is not None:
            params |= {"W_out": normal(self.d_out, self.d_hidden), "b_out": np.zeros(self.d_out, dtype)}
        return params

    def weights(self, params: Params) -> dict[str, np.ndarray | float]:
        """The numbers of the equations, as `PlasticRateNetwork.simulate` takes them: W, lam, eta, W_in, b, alpha.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.

        Returns
        -------
        dict of str to array or float
        """
        found: dict[str, Any] = {name: params[name] for name in ("W", "W_in", "b", "alpha") if name in params}
        if self.input_gain is not None:
            found["W_in"] = float(self.input_gain)
        found["eta"] = params.get("eta", float(self.eta))
        if "log_eta" in params:
            found["eta"] = (1.0 if self.eta > 0 else -1.0) * anp.exp(params["log_eta"])
        lam = ag.feature(SIGMOID, params["logit_lam"]) if "logit_lam" in params else float(self.lam)
        return found | {"lam": 1.0 - found["eta"] if self.tied else lam}

    def frozen(self, params: Params) -> Params:
        """The same parameters with eta = 0, learned or not: A stays 0, and W and the read-out are all there is.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.

        Returns
        -------
        dict of str to array

        Examples
        --------
        >>> network = PlasticNetwork.hebbff(d_in=5, d_hidden=4)
        >>> float(abs(network.run(network.frozen(network.init()), np.ones((7, 5)))[1]).max())
        0.0
        """
        zero = np.zeros((), params["W"].dtype)
        return {name: x for name, x in params.items() if name != "log_eta"} | {"eta": zero}

    def run(
        self, params: Params, x: Any, modulation: Any = None, h0: Any = None, A0: Any = None, aux0: Any = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Hidden states ``h (..., T, d_hidden)``, the last A and aux, for inputs ``x (..., T, d_in)``; can be traced.

        ``modulation (..., T)`` multiplies eta, step by step (Miconi et al. 2019). Give h, A and aux of an earlier run
        (h at its last step) to go on from it. aux, of the covariance rule alone, holds ``<h>, <p>`` and the number of
        steps behind them (inf as ``aux0`` holds known means); the first step meets the means of aux0, 0 by default.

        Raises
        ------
        TypeError, ValueError
            If an argument is a labelled or masked array, or x has another number of features.
        """
        for name, given in (("x", x), ("modulation", modulation), ("h0", h0), ("A0", A0), ("aux0", aux0)):
            checks.bare(name, given)
        x = x if hasattr(x, "dtype") else np.asarray(x)
        if anp.shape(x)[-1] != self.d_in:
            raise ValueError(f"x has {anp.shape(x)[-1]} features; this network takes d_in={self.d_in}.")
        x = x.astype(params["W"].dtype, copy=False)
        modulation = None if modulation is None else anp.asarray(modulation).astype(x.dtype, copy=False)
        return ag.plastic(self, *self.arguments(self.weights(params), x, modulation), h0, A0, aux0)

    def scores(self, params: Params, x: Any) -> np.ndarray:
        """Scores ``(..., T, d_out)`` of the classes for inputs ``x (..., T, d_in)``: what is trained."""
        h = self.run(params, x)[0]
        return h if self.d_out is None else project(h, params["W_out"]) + params["b_out"]

    def diagnose(self, params: Params, x: Any) -> str:
        """Sizes that show why a run diverges: eta, lam and the largest norm of the last A."""
        weights = self.weights(params)
        try:
            with np.errstate(all="ignore"):
                norm = np.sqrt(np.square(self.run(params, x)[1]).sum(axis=(-2, -1)).max())
        except ValueError as error:
            return f"The layer refuses its numbers: {error}"
        return f"eta is {weights['eta']:.3g}, lam {weights['lam']:.3g}, the largest norm of A {norm:.3g}."
