"""The table of rules: an update rule of fast weights is a row of data.

Every linear row means, with ``W`` of shape (value, key) = (post, pre),

    W_t = retain(W_{t-1}) - erase (W' k_t) k_t^T + write v_t k_t^T,        y_t = W_t q_t

where ``W'`` is the decayed W (``order="decay_first"``) or W_{t-1} (``order="undecayed"``). ``retain`` multiplies W by
``decay``, ``erase`` takes away what the key predicts now, ``write`` adds the new pair. A new rule is a new row: no
kernel, no class, no other file. What is no such recurrence names another ``solver``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from synfwp import checks, derived, shown

COEFFICIENTS = ("beta", "-beta", "proximal")  # beta, -beta, beta / (1 + beta |k|^2)
FORMS = ("recurrent", "chunkwise", "parallel", "attention")
_USUAL = {"solver": "linear", "read": "after", "error": "value", "writes": 1, "centred": False, "normalised": False}
_ONE_WRITE = {"error": ("value",), "writes": (1,), "centred": (False,), "normalised": (False,)}
_AFTER = {"retain": (None, "scalar"), "write": ("beta",), "read": ("after",), **_ONE_WRITE}
# the forms of each solver, and the values that it leaves to the fields of a row; the linear one leaves all
SOLVER_FORMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "linear": FORMS,
        "self_referential": ("recurrent",),
        "momentum": ("recurrent", "attention"),
        "mesa": ("recurrent", "attention"),
        "softmax": ("parallel", "attention"),
    }
)
_FIXED: Mapping[str, Mapping[str, tuple[object, ...]]] = MappingProxyType(
    {
        "linear": {},
        "self_referential": {
            "retain": (None,), "erase": ("beta",), "write": ("beta",), "read": ("before",), **_ONE_WRITE
        },
        "momentum": {"erase": ("beta",), "order": ("undecayed",), **_AFTER},
        "mesa": {"erase": (None,), **_AFTER},
        "softmax": {"retain": (None,), "erase": (None,), "write": (None,), "read": ("after",), **_ONE_WRITE},
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Rule(shown.OneLine):
    """One update rule. A rule of your own runs everywhere without registration.

    Parameters
    ----------
    name : str
    retain : None, "scalar" or "key"
        What multiplies W: nothing, ``decay`` of shape (..., T), or ``decay`` of shape (..., T, d_k).
    erase, write : None, "beta", "-beta", "proximal" (``beta / (1 + beta |k|^2)``) or a number
        Coefficients of ``(W' k) k^T``, which is subtracted, and of ``v k^T``, which is added. ``erase="pair"``
        subtracts ``(W p) r^T`` with keys of its own, ``erase=(p, r)``.
    order : "decay_first" or "undecayed"
        Which W the erased prediction is read from.
    read : "after" or "before"
        Whether a token reads after or before it writes.
    error : "value" or "key"
        What is predicted: the value from the key, or (Oja's subspace rule) the key from the value by all neurons
        together, ``W + b v (k - W^T v)^T``.
    writes : int
        Writes for each token, ``k, v`` of shape (..., T, n, .), ``beta`` (..., T, n); decay acts on the first.
    centred, normalised : bool
        Keys and queries minus the mean of the keys before their token (a key of zeros is none: it writes nothing and
        no mean counts it); reads divided by ``z . q`` with ``z`` the sum of the keys.
    solver : "linear", "self_referential", "momentum", "mesa" or "softmax"
        How the row is solved. "linear" is the equation above. "self_referential": W itself sends what writes it;
        ``q`` is a token x, and ``W x`` holds the read, a key, a query and four betas, one for each of these blocks of
        rows; the value is what W makes of the query. "momentum": the steps of the delta rule add up in M, which W
        follows. "mesa": W is the solution of least squares on all writes. "softmax": no W, all pairs are kept. All but
        "linear" leave a row little to choose.
    forms : tuple of str
        The ways in which the rule can be computed: "recurrent", "chunkwise" and "parallel" by `synfwp.scan`,
        "attention" by `synfwp.attention`. Empty: all those of its solver.
    equation, loss, eigenvalues : str
        LaTeX: the update, the local loss of which it is a gradient step, the spectrum of its transition.
    stable, known_as, biology, cite : str
        The bound on a step (while all steps keep it, no product of them makes W larger, but where it is of "each step
        alone"), other names, the reading as a synapse, citation keys (comma-separated).

    Raises
    ------
    TypeError, ValueError
        If a field is of another type, not one of those above, or not one that the solver takes.

    Examples
    --------
    >>> from synfwp.rules import Rule
    >>> Rule(name="forgetful delta", retain="scalar", erase=0.5, write="beta").order
    'decay_first'
    """

    name: str
    retain: str | None = None
    erase: str | float | None = None
    write: str | float | None = "beta"
    order: str = "decay_first"
    read: str = "after"
    error: str = "value"
    writes: int = 1
    centred: bool = False
    normalised: bool = False
    solver: str = "linear"
    forms: tuple[str, ...] = ()
    equation: str = ""
    loss: str = ""
    eigenvalues: str = ""
    stable: str = "always"
    known_as: str = ""
    biology: str = ""
    cite: str = ""
    _special: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        """The row checks its own coefficients when it is built."""
        if not isinstance(self.name, str):
            raise TypeError(f"name is {checks.short(self.name)}; pass a text.")
        object.__setattr__(self, "writes", checks.count("writes", self.writes))
        for field in ("centred", "normalised"):
            if not isinstance(getattr(self, field), bool | np.bool_):
                raise TypeError(f"{field} is {checks.short(getattr(self, field))}; pass True or False.")
        if self.retain is not None:
            checks.one_of("retain", self.retain, ("scalar", "key"))
        for field, options in (
            ("order", ("decay_first", "undecayed")),
            ("read", ("after", "before")),
            ("error", ("value", "key")),
        ):
            checks.one_of(field, getattr(self, field), options)
        checks.one_of("solver", self.solver, SOLVER_FORMS)
        unusual = tuple(field for field, usual in _USUAL.items() if getattr(self, field) != usual)
        object.__setattr__(self, "_special", unusual)
        forms = tuple(derived.given(self.forms) or ())
        object.__setattr__(self, "forms", forms or derived.Choice(SOLVER_FORMS[self.solver]))
        for form in self.forms:
            checks.one_of("form", form, SOLVER_FORMS[self.solver])
        if self.error == "key" and (self.uses_pair or self.normalised):
            raise ValueError(f"rule {self.name!r} predicts the key; it takes neither erase='pair' nor normalised=True.")
        for field, more in (("erase", ("pair",)), ("write", ())):
            value = getattr(self, field)
            if isinstance(value, str):
                checks.one_of(field, value, (*COEFFICIENTS, *more))
            elif value is not None:
                checks.number(field, value)
        if self.centred and self.normalised:
            raise ValueError(f"rule {self.name!r} is centred and normalised, but carries one aux; choose one of them.")
        for field, allowed in _FIXED[self.solver].items():
            if getattr(self, field) not in allowed:
                raise ValueError(
                    f"rule {self.name!r} has the solver {self.solver!r} but its {field} is {getattr(self, field)!r}; "
                    f"pass {field}={' or '.join(map(repr, allowed))}."
                )

    @property
    def has_weights(self) -> bool:
        """Whether there is a W, and not (SOFTMAX) a store of all pairs."""
        return self.solver != "softmax"

    @property
    def uses_keys(self) -> bool:
        """Whether keys come from outside, and not from W."""
        return self.solver != "self_referential"

    @property
    def uses_values(self) -> bool:
        """Whether values come from outside: the rule writes some, or (SOFTMAX) keeps them all."""
        return self.uses_keys and (self.write is not None or not self.has_weights)

    @property
    def uses_beta(self) -> bool:
        """Whether a coefficient depends on a beta that comes from outside."""
        return self.uses_keys and (self.erase in COEFFICIENTS or self.write in COEFFICIENTS)

    @property
    def uses_momentum(self) -> bool:
        """Whether steps add up with a momentum."""
        return self.solver == "momentum"

    @property
    def uses_ridge(self) -> bool:
        """Whether a ridge keeps the least squares regular."""
        return self.solver == "mesa"

    def __reduce_ex__(self, protocol: Any) -> Any:
        """A row of the table comes back from a pickle or a copy as itself."""
        return (_row, (self.name,)) if RULES.get(self.name) is self else super().__reduce_ex__(protocol)

    @cached_property
    def special(self) -> tuple[str, ...]:
        """What makes a token more than one write of a value under its key, read after it: the fields not as usual.

        Examples
        --------
        >>> DELTA.special, OJA.special, DELTA_PRODUCT(2).special
        ((), ('error',), ('writes',))
        """
        return self._special

    def rows(self, d_v: int, d_k: int) -> int:
        """Rows of W for reads of ``d_v`` features: those of a rule that writes itself end with keys, queries and betas.

        Examples
        --------
        >>> SELF_REFERENTIAL.rows(3, 5), DELTA.rows(3, 5)
        (17, 3)
        """
        return d_v if self.uses_keys else d_v + 2 * d_k + 4

    @property
    def uses_pair(self) -> bool:
        """Whether what is erased has keys of its own."""
        return self.erase == "pair"

    @property
    def uses_decay(self) -> bool:
        """Whether W is multiplied by a decay."""
        return self.retain is not None


HEBB = Rule(
    name="hebb",
    equation=r"W_t = W_{t-1} + \beta_t v_t k_t^\top",
    loss=r"-v_t^\top W k_t",
    eigenvalues=r"1",
    known_as="vanilla fast weight programmer, unnormalised linear attention",
    biology="Hebbian potentiation; beta is a neuromodulator's gate",
    cite="schmidhuber1992, hebb1949",
)
ANTI_HEBB = Rule(
    name="anti_hebb",
    write="-beta",
    equation=r"W_t = W_{t-1} - \beta_t v_t k_t^\top",
    loss=r"v_t^\top W k_t",
    eigenvalues=r"1",
    biology="anti-Hebbian depression: familiarity; the post side is clamped to v and no error is formed (eigenvalue 1),"
    " so that nothing is cancelled: that is delta",
    cite="tyulmankov2022",
)
LEAKY_HEBB = Rule(
    name="leaky_hebb",
    retain="scalar",
    equation=r"W_t = a_t W_{t-1} + \beta_t v_t k_t^\top",
    loss=r"-v_t^\top W k_t + \tfrac{1-a_t}{2\beta_t}|W|^2",
    eigenvalues=r"a_t",
    known_as="RetNet (beta = 1), Mamba-2 (a and beta tied by one step size: a = exp(beta A), A < 0), core of mLSTM,"
    " fast weights of Ba 2016",
    biology="Hebbian potentiation with passive decay",
    cite="ba2016, sun2023retnet, dao2024mamba2",
)
GATED_HEBB = Rule(
    name="gated_hebb",
    retain="key",
    equation=r"W_t = W_{t-1} \mathrm{diag}(a_t) + \beta_t v_t k_t^\top",
    loss=r"-v_t^\top W k_t + \tfrac{1}{2\beta_t} \sum_j (1-a_{tj}) |W_{\cdot j}|^2",
    eigenvalues=r"a_{t1}, \dots, a_{td}",
    known_as="GLA, HGRN2 (key tied to the decay: k = 1 - a)",
    biology="decay specific to the presynaptic neuron",
    cite="yang2024gla, qin2024hgrn2",
)
DELTA = Rule(
    name="delta",
    erase="beta",
    equation=r"W_t = W_{t-1} + \beta_t (v_t - W_{t-1} k_t) k_t^\top",
    loss=r"\tfrac12 |v_t - W k_t|^2",
    eigenvalues=r"1\ (d-1\ \text{times}),\ 1 - \beta_t |k_t|^2",
    stable="beta |k|^2 <= 2",
    known_as="DeltaNet, Widrow-Hoff, least mean squares",
    biology="error-correcting: potentiation of the target, depression of the prediction, which is cancelled",
    cite="schlag2021, widrow1960",
)
GATED_DELTA = Rule(
    name="gated_delta",
    retain="scalar",
    erase="beta",
    equation=r"W_t = a_t W_{t-1} + \beta_t (v_t - a_t W_{t-1} k_t) k_t^\top",
    loss=r"\tfrac12 |v_t - W k_t|^2\ \text{from}\ a_t W_{t-1}",
    eigenvalues=r"a_t\ (d-1\ \text{times}),\ a_t (1 - \beta_t |k_t|^2)",
    stable="a beta |k|^2 <= 1 + a",
    known_as="Gated DeltaNet",
    biology="error-correcting, with passive decay",
    cite="yang2025gated",
)
KEY_GATED_DELTA = Rule(
    name="key_gated_delta",
    retain="key",
    erase="beta",
    equation=r"W_t = W_{t-1} \mathrm{diag}(a_t) + \beta_t (v_t - W_{t-1} \mathrm{diag}(a_t) k_t) k_t^\top",
    loss=r"\tfrac12 |v_t - W k_t|^2\ \text{from}\ W_{t-1} \mathrm{diag}(a_t)",
    eigenvalues=r"\text{those of}\ \mathrm{diag}(a_t)(I - \beta_t k_t k_t^\top)",
    stable="beta |k|^2 <= 2",
    known_as="Kimi Delta Attention",
    biology="error-correcting, with decay specific to the presynaptic neuron",
    cite="kimi2025",
)

LINEAR_ATTENTION = Rule(
    name="linear_attention",
    write=1.0,
    normalised=True,
    equation=r"W_t = W_{t-1} + v_t k_t^\top,\ z_t = z_{t-1} + k_t,\ y_t = W_t q_t / (z_t^\top q_t)",
    loss=r"-v_t^\top W k_t",
    eigenvalues=r"1",
    known_as="linear transformer (keys after a feature map)",
    biology="Hebbian potentiation, divisive normalisation of the read",
    cite="katharopoulos2020",
)
COVARIANCE = Rule(
    name="covariance",
    centred=True,
    equation=r"W_t = W_{t-1} + \beta_t v_t (k_t - m_t)^\top,\ y_t = W_t (q_t - m_t),"
    r"\ m_t = m_0 + \textstyle\sum_{s<t} (k_s - m_0) / (n_0 + n_t),"
    r"\ n_t = \text{number of keys before}\ t;\ m_0, n_0\ \text{from}\ \mathtt{aux0},\ \text{else}\ 0",
    loss=r"-v_t^\top W (k_t - m_t)",
    eigenvalues=r"1",
    known_as="centred Hebb",
    biology="Hebb with feed-forward inhibition that takes the mean rate of the keys before off key and query; one item"
    " alone is its own running mean and reads 0 at a later token, while a known mean (aux0) recalls it",
    cite="sejnowski1977",
)
LONGHORN = Rule(
    name="longhorn",
    erase="proximal",
    write="proximal",
    equation=r"W_t = W_{t-1} + \tfrac{\beta_t}{1 + \beta_t |k_t|^2} (v_t - W_{t-1} k_t) k_t^\top",
    loss=r"\tfrac12 |W - W_{t-1}|^2 + \tfrac{\beta_t}{2} |v_t - W k_t|^2\ \text{(its minimum)}",
    eigenvalues=r"1\ (d-1\ \text{times}),\ 1 / (1 + \beta_t |k_t|^2)",
    known_as="implicit (proximal) delta rule",
    biology="delta rule with divisive presynaptic normalisation",
    cite="liu2024longhorn",
)
HOUSEHOLDER = Rule(
    name="householder",
    erase=2.0,
    write=None,
    forms=("recurrent", "chunkwise"),
    equation=r"W_t = W_{t-1} (I - 2 k_t k_t^\top),\ |k_t| = 1",
    loss=r"|W k_t|^2\ \text{with twice the step to its minimum}",
    eigenvalues=r"1\ (d-1\ \text{times}),\ -1",
    known_as="reflection",
    biology="needs overshoot: depression beyond what is retrieved",
    cite="grazzi2025",
)
DPLR = Rule(
    name="dplr",
    retain="key",
    erase="pair",
    order="undecayed",
    equation=r"W_t = W_{t-1} \mathrm{diag}(a_t) - (W_{t-1} p_t) r_t^\top + \beta_t v_t k_t^\top",
    eigenvalues=r"\text{those of}\ \mathrm{diag}(a_t) - p_t r_t^\top",
    stable="2-norm of diag(a) - p r^T <= 1",
    known_as="diagonal plus low rank: RWKV-7, IPLR, Comba",
    biology="what is depressed is read by one set of inputs and taken from another",
    cite="peng2025rwkv7",
)
OJA = Rule(
    name="oja",
    erase="beta",
    error="key",
    forms=("recurrent", "chunkwise"),
    equation=r"W_t = W_{t-1} + \beta_t v_t (k_t - W_{t-1}^\top v_t)^\top",
    loss=r"\tfrac12 |k_t - W^\top v_t|^2",
    eigenvalues=r"1\ (d_v-1\ \text{times}),\ 1 - \beta_t |v_t|^2",
    stable="beta |v|^2 <= 2",
    known_as="Oja's subspace rule with the post side clamped to v; for d_v = 1 Oja's rule",
    biology="Hebb, with a decay that the postsynaptic rate gates; non-local for d_v > 1: it needs the weights of the"
    " other neurons (the local rule is oja_local of PlasticLayer)",
    cite="oja1982, oja1989, irie2022",
)
GATED_OJA = Rule(
    name="gated_oja",
    retain="key",
    erase="beta",
    error="key",
    forms=("recurrent", "chunkwise"),
    equation=r"W_t = \mathrm{diag}(a_t) W_{t-1} + \beta_t v_t (k_t - (\mathrm{diag}(a_t) W_{t-1})^\top v_t)^\top",
    loss=r"\tfrac12 |k_t - W^\top v_t|^2\ \text{from}\ \mathrm{diag}(a_t) W_{t-1}",
    eigenvalues=r"\text{those of}\ (I - \beta_t v_t v_t^\top) \mathrm{diag}(a_t)",
    stable="beta |v|^2 <= 2",
    known_as="decay on value channels",
    biology="as oja, with decay specific to the postsynaptic neuron; non-local for d_v > 1",
    cite="oja1982, oja1989, irie2022",
)
MOMENTUM_DELTA = Rule(
    name="momentum_delta",
    retain="scalar",
    erase="beta",
    order="undecayed",
    solver="momentum",
    equation=r"M_t = \mu_t M_{t-1} + \beta_t (v_t - W_{t-1} k_t) k_t^\top,\ W_t = a_t W_{t-1} + M_t",
    loss=r"\tfrac12 |v_t - W k_t|^2\ \text{by the heavy ball}",
    eigenvalues=r"a_t\ \text{and}\ \mu_t\ (d-1\ \text{times each}),\ \text{and the roots of}\ \lambda^2 -"
    r" (a_t + \mu_t - \beta_t |k_t|^2) \lambda + a_t \mu_t,\ \text{of}\ [W, M]",
    stable="beta |k|^2 <= (1 + a) (1 + mu), each step alone",
    known_as="linear memory of Titans, momentum DeltaNet, heavy ball",
    biology="error-correcting, with changes that go on after their cause; this is momentum, no eligibility trace",
    cite="behrouz2024, polyak1964",
)
MESA = Rule(
    name="mesa",
    retain="scalar",
    solver="mesa",
    equation=r"G_t = a_t G_{t-1} + \beta_t v_t k_t^\top,\ H_t = a_t H_{t-1} + \beta_t k_t k_t^\top,"
    r"\ W_t = G_t (H_t + \Lambda)^{-1}",
    loss=r"\tfrac12 \sum_{s \le t} \big(\textstyle\prod_{u=s+1}^{t} a_u\big) \beta_s |v_s - W k_s|^2"
    r" + \tfrac12 \mathrm{tr}\, W \Lambda W^\top\ \text{(its minimum)}",
    eigenvalues=r"a_t\ \text{(of}\ G\ \text{and}\ H\text{)}",
    known_as="MesaNet, recursive least squares where a = 1, ridge regression on all writes",
    biology="an ideal observer of all pairs: the inverse correlation of all keys is known to no single synapse",
    cite="vonoswald2025mesanet, plackett1950",
)
SELF_REFERENTIAL = Rule(
    name="self_referential",
    erase="beta",
    write="beta",
    read="before",
    solver="self_referential",
    equation=r"[y_t, k_t, q_t, b_t] = W_{t-1} x_t,\ W_t = W_{t-1} + \sigma(b_t) (W_{t-1} \phi(q_t) - W_{t-1} \phi(k_t))"
    r" \phi(k_t)^\top,\ \phi = \text{softmax, one}\ b\ \text{for each block of rows}",
    loss=r"\tfrac12 |v_t - W \phi(k_t)|^2\ \text{with the target}\ v_t = W_{t-1} \phi(q_t)\ \text{held fixed}",
    eigenvalues=r"1\ (d-1\ \text{times}),\ 1 + \sigma(b_t) (\phi(q_t) - \phi(k_t))^\top \phi(k_t) \in (0, \tfrac54)"
    r"\ \text{for each block}",
    stable="each step alone: no eigenvalue below 0, one above 1 where (phi(q) - phi(k)) . phi(k) > 0; unchecked: W"
    " chooses q and k",
    known_as="SRWM, self-referential weight matrix; x is the input after any feature map, which the caller applies; phi"
    " of k and q is applied here",
    biology="metaplasticity: the synapses that gate plasticity are plastic too; no circuit is known to do all of it",
    cite="irie2022srwm",
)
SOFTMAX = Rule(
    name="softmax",
    write=None,
    solver="softmax",
    equation=r"y_t = \sum_{s \le t} v_s e^{k_s^\top q_t} / \sum_{s \le t} e^{k_s^\top q_t}",
    known_as="transformer",
    biology="not a fast weight: an exact memory of all pairs, the upper baseline",
    cite="vaswani2017",
)


def DELTA_PRODUCT(n: int, gated: bool = False) -> Rule:  # a row for every n, named as the rows are
    """The row of n delta writes per token (Siems et al. 2025), with a decay before the first if ``gated``.

    By name: ``"delta_product(2)"``, ``"gated_delta_product(2)"``.

    Parameters
    ----------
    n : int
        Writes for each token, at least 1.
    gated : bool

    Returns
    -------
    Rule

    Raises
    ------
    TypeError, ValueError
        If n is no integer of at least 1.

    Examples
    --------
    >>> DELTA_PRODUCT(2).writes
    2
    """
    n = checks.count("n of DELTA_PRODUCT", n)
    decayed = r"a_t W_{t-1}" if gated else r"W_{t-1}"
    return Rule(
        name=f"{'gated_' if gated else ''}delta_product({n})",
        retain="scalar" if gated else None,
        erase="beta",
        writes=n,
        equation=rf"W \leftarrow {decayed},\ W \leftarrow W + \beta_{{ti}} (v_{{ti}} - W k_{{ti}}) k_{{ti}}^\top,"
        rf"\ i = 1..{n}",
        loss=r"\tfrac12 |v_{ti} - W k_{ti}|^2,\ \text{one step after the other}",
        eigenvalues=r"\text{those of}\ \textstyle\prod_i (I - \beta_{ti} k_{ti} k_{ti}^\top)"
        + (r"\ \text{times}\ a_t" if gated else ""),
        stable="a beta |k|^2 <= 1 + a for the first, beta |k|^2 <= 2 for the others" if gated else "beta |k|^2 <= 2",
        known_as="Gated DeltaProduct" if gated else "DeltaProduct",
        biology="several phases of error correction for each item",
        cite="siems2025",
    )


def _row(name: str) -> Rule:
    """The row of the table itself."""
    return RULES[name]


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        row.name: row
        for row in (
            HEBB,
            ANTI_HEBB,
            LEAKY_HEBB,
            GATED_HEBB,
            LINEAR_ATTENTION,
            COVARIANCE,
            DELTA,
            GATED_DELTA,
            KEY_GATED_DELTA,
            LONGHORN,
            HOUSEHOLDER,
            DELTA_PRODUCT(2),
            DELTA_PRODUCT(2, gated=True),
            DPLR,
            OJA,
            GATED_OJA,
            MOMENTUM_DELTA,
            MESA,
            SELF_REFERENTIAL,
            SOFTMAX,
        )
    }
)


def get_rule(rule: Rule | str) -> Rule:
    """The row of a rule given by name, or the row itself.

    Parameters
    ----------
    rule : Rule or str

    Returns
    -------
    Rule

    Raises
    ------
    ValueError
        For an unknown name; the closest one is suggested.

    Examples
    --------
    >>> get_rule("delta").erase
    'beta'
    >>> get_rule("detla")
    Traceback (most recent call last):
    ...
    ValueError: unknown rule 'detla'; did you mean 'delta'?
    """
    if isinstance(rule, Rule):
        return rule
    product = re.fullmatch(r"(gated_)?delta_product\((\d+)\)", rule) if isinstance(rule, str) else None
    return DELTA_PRODUCT(int(product[2]), bool(product[1])) if product else checks.lookup("rule", rule, RULES)


def check_instructed(rule: Rule | str, instead: str) -> Rule:
    """The row of a rule that runs on instructions: one write (k, v, beta, decay) per token, and a W that is read.

    Parameters
    ----------
    rule : Rule or str
    instead : str
        What to do with a rule that does not, for the message.

    Returns
    -------
    Rule

    Raises
    ------
    ValueError
        For a rule that takes more or less, or sends its own.

    Examples
    --------
    >>> check_instructed("householder", "run it with synfwp.scan")
    Traceback (most recent call last):
    ...
    ValueError: rule 'householder' needs more, or less, than one write (k, v, beta) per token; run it with synfwp.scan.
    """
    row = get_rule(rule)
    if not row.uses_keys:
        raise ValueError(f"rule {row.name!r} sends itself what it writes, so it takes no k, v or beta; {instead}.")
    if not row.has_weights:
        raise ValueError(
            f"rule {row.name!r} keeps every pair and has no weights, so that no synapse can hold them; {instead}, and "
            "for weights take e.g. rule='linear_attention' or 'hebb'."
        )
    for name, used in (("momentum", row.uses_momentum), ("ridge", row.uses_ridge)):
        if used:
            raise ValueError(f"rule {row.name!r} needs {name} besides its writes (k, v, beta) and decay; {instead}.")
    if row.writes > 1 or row.uses_pair or row.write is None:
        raise ValueError(f"rule {row.name!r} needs more, or less, than one write (k, v, beta) per token; {instead}.")
    return row


def table() -> str:
    """The family as a Markdown table: name, equation, loss, eigenvalues, stability, biology, citation.

    Returns
    -------
    str

    Examples
    --------
    >>> print(table().splitlines()[0])
    | rule | equation | local loss | eigenvalues | stable | known as | biology | source |
    """
    head = ["rule", "equation", "local loss", "eigenvalues", "stable", "known as", "biology", "source"]
    lines = [" | ".join(["", *head, ""]).strip(), "|" + "---|" * len(head)]
    for row in RULES.values():
        maths = [f"${text}$" if text else "" for text in (row.equation, row.loss, row.eigenvalues)]
        cells = [f"`{row.name}`", *maths, row.stable, row.known_as, row.biology, row.cite]
        lines.append(" | ".join(["", *(cell.replace("|", r"\|") for cell in cells), ""]).strip())
    return "\n".join(lines)
