"""The table of rules: an update rule of fast weights is a row of data.

Every linear row means, with ``W`` of shape (value, key) = (post, pre),

    W_t = retain(W_{t-1}) - erase (W' k_t) k_t^T + write v_t k_t^T,        y_t = W_t q_t

where ``W'`` is the decayed W (``order="decay_first"``) or W_{t-1} (``order="undecayed"``). ``retain`` multiplies W by
``decay``, ``erase`` takes away what the key predicts now, ``write`` adds the new pair. A new rule is a new row: no
kernel, no class, no other file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from synfwp import checks

Array = np.ndarray
_SIGNS = {"beta": 1.0, "-beta": -1.0}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One update rule. A rule of your own runs everywhere without registration.

    Parameters
    ----------
    name : str
    retain : None, "scalar" or "key"
        What multiplies W: nothing, ``decay`` of shape (..., T), or ``decay`` of shape (..., T, d_k).
    erase, write : None, "beta", "-beta" or a number
        Coefficients of ``(W' k) k^T``, which is subtracted, and of ``v k^T``, which is added.
    order : "decay_first" or "undecayed"
        Which W the erased prediction is read from.
    equation, loss, eigenvalues : str
        LaTeX: the update, the local loss of which it is a gradient step, the spectrum of its transition.
    stable, known_as, biology, cite : str
        The bound on a step, other names, the reading as a synapse, citation keys (comma-separated).

    Raises
    ------
    ValueError
        If a coefficient or the order is not one of those above.

    >>> from synfwp.rules import Rule
    >>> Rule(name="forgetful delta", retain="scalar", erase=0.5, write="beta").order
    'decay_first'
    """

    name: str
    retain: str | None = None
    erase: str | float | None = None
    write: str | float | None = "beta"
    order: str = "decay_first"
    equation: str = ""
    loss: str = ""
    eigenvalues: str = ""
    stable: str = "always"
    known_as: str = ""
    biology: str = ""
    cite: str = ""

    def __post_init__(self) -> None:
        """The row checks its own coefficients when it is built."""
        if self.retain is not None:
            checks.one_of("retain", self.retain, ("scalar", "key"))
        checks.one_of("order", self.order, ("decay_first", "undecayed"))
        for field in ("erase", "write"):
            value = getattr(self, field)
            if isinstance(value, str):
                checks.one_of(field, value, _SIGNS)
            elif value is not None:
                checks.number(field, value)

    @property
    def uses_beta(self) -> bool:
        """Whether a coefficient depends on beta."""
        return isinstance(self.erase, str) or isinstance(self.write, str)

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
    known_as="",
    biology="anti-Hebbian plasticity: familiarity, cancellation of what is predicted",
    cite="tyulmankov2022",
)
LEAKY_HEBB = Rule(
    name="leaky_hebb",
    retain="scalar",
    equation=r"W_t = a_t W_{t-1} + \beta_t v_t k_t^\top",
    loss=r"-v_t^\top W k_t + \tfrac{1-a_t}{2\beta_t}|W|^2",
    eigenvalues=r"a_t",
    known_as="RetNet, Mamba-2, core of mLSTM, fast weights of Ba 2016",
    biology="Hebbian potentiation with passive decay",
    cite="ba2016, sun2023retnet, dao2024mamba2",
)
GATED_HEBB = Rule(
    name="gated_hebb",
    retain="key",
    equation=r"W_t = W_{t-1} \mathrm{diag}(a_t) + \beta_t v_t k_t^\top",
    loss=r"-v_t^\top W k_t + \tfrac{1}{2\beta_t} \sum_j (1-a_{tj}) |W_{\cdot j}|^2",
    eigenvalues=r"a_{t1}, \dots, a_{td}",
    known_as="GLA, HGRN2",
    biology="decay specific to the presynaptic neuron",
    cite="yang2024gla",
)
DELTA = Rule(
    name="delta",
    erase="beta",
    equation=r"W_t = W_{t-1} + \beta_t (v_t - W_{t-1} k_t) k_t^\top",
    loss=r"\tfrac12 |v_t - W k_t|^2",
    eigenvalues=r"1\ (d-1\ \text{times}),\ 1 - \beta_t |k_t|^2",
    stable="beta |k|^2 <= 2",
    known_as="DeltaNet, Widrow-Hoff, least mean squares",
    biology="error-correcting: potentiation of the target, depression of the prediction",
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
    biology="error-correcting, with homeostatic decay",
    cite="yang2025gated",
)
KEY_GATED_DELTA = Rule(
    name="key_gated_delta",
    retain="key",
    erase="beta",
    equation=r"W_t = W_{t-1} \mathrm{diag}(a_t) + \beta_t (v_t - W_{t-1} \mathrm{diag}(a_t) k_t) k_t^\top",
    loss=r"\tfrac12 |v_t - W k_t|^2\ \text{from}\ W_{t-1} \mathrm{diag}(a_t)",
    eigenvalues=r"\text{those of}\ \mathrm{diag}(a_t)(I - \beta_t k_t k_t^\top)",
    stable="beta sum_j a_j k_j^2 / (1 + a_j) <= 1",
    known_as="Kimi Delta Attention",
    biology="error-correcting, with decay specific to the presynaptic neuron",
    cite="kimi2025",
)

RULES: Mapping[str, Rule] = MappingProxyType(
    {row.name: row for row in (HEBB, ANTI_HEBB, LEAKY_HEBB, GATED_HEBB, DELTA, GATED_DELTA, KEY_GATED_DELTA)}
)


def get_rule(rule: Rule | str) -> Rule:
    """The row of a rule given by name, or the row itself.

    >>> get_rule("delta").erase
    'beta'
    >>> get_rule("detla")
    Traceback (most recent call last):
    ...
    ValueError: unknown rule 'detla'; did you mean 'delta'?
    """
    return rule if isinstance(rule, Rule) else checks.lookup("rule", rule, RULES)


class Coefficients(NamedTuple):
    """The streams that the kernels carry out: ``W_t = a W - erase (W p) k^T + write v k^T`` on the undecayed W.

    ``a`` (n, T), ``a_key`` (n, T, d_k), ``erase`` (n, T), ``p`` (n, T, d_k; None means k), ``write`` (n, T).
    """

    write: Array
    erase: Array | None = None
    p: Array | None = None
    a: Array | None = None
    a_key: Array | None = None


def coefficients(rule: Rule, k: Array, beta: Array, decay: Array | None) -> Coefficients:
    """Streams of one rule. Erasing from the decayed W is erasing from the undecayed one with the key ``a * k``."""
    write, erase = _stream(rule.write, beta), None if rule.erase is None else _stream(rule.erase, beta)
    if decay is None:
        return Coefficients(write, erase)
    scalar = rule.retain == "scalar"
    p = None
    if erase is not None and rule.order == "decay_first":
        erase, p = (erase * decay, None) if scalar else (erase, decay * k)
    return Coefficients(write, erase, p, decay if scalar else None, None if scalar else decay)


def pull_coefficients(
    rule: Rule, k: Array, beta: Array, decay: Array | None, grad: Coefficients
) -> tuple[Array | None, Array, Array | None]:
    """Chain rule through `coefficients`: what it adds to the gradients of k (or None), of beta and of decay."""
    dk, derase, ddecay = None, grad.erase, grad.a if grad.a is not None else grad.a_key
    if rule.erase is not None and decay is not None and rule.order == "decay_first":
        if rule.retain == "scalar":
            ddecay = ddecay + grad.erase * _stream(rule.erase, beta)
            derase = grad.erase * decay
        else:
            ddecay = ddecay + grad.p * k
            dk = grad.p * decay
    dbeta = np.zeros_like(beta)
    for value, g in ((rule.write, grad.write), (rule.erase, derase)):
        if isinstance(value, str):
            dbeta += beta.dtype.type(_SIGNS[value]) * g
    return dk, dbeta, ddecay


def _stream(value: str | float | None, beta: Array) -> Array:
    """One coefficient for every step, in the dtype of beta."""
    if isinstance(value, str):
        return beta if value == "beta" else -beta
    return np.full_like(beta, 0.0 if value is None else value)


def transition(rule: Rule | str, k: Any, beta: float = 1.0, decay: Any = None) -> Array:
    """The matrix M of one step: ``W_t = W_{t-1} M + write v_t k_t^T``.

    Parameters
    ----------
    rule : Rule or str
    k : (d_k,) array
        The key of the step.
    beta : float
    decay : None, float or (d_k,) array
        As the row asks.

    Returns
    -------
    (d_k, d_k) array
        Its eigenvalues tell what the step does: for the delta rule 1, and ``1 - beta |k|^2`` along the key
        (Yang et al. 2024; Grazzi et al. 2025).

    >>> import numpy as np
    >>> np.linalg.eigvalsh(transition("delta", [0.6, 0.8], beta=2.0)).round(6).tolist()
    [-1.0, 1.0]
    """
    rule = get_rule(rule)
    key = np.asarray(k, float)
    gate = None if decay is None else np.asarray(decay, float)[None, None]
    c = coefficients(rule, key[None, None], np.full((1, 1), float(beta)), gate)
    retain = np.ones(1) if gate is None else gate[0, 0]
    matrix = np.diag(np.broadcast_to(retain, key.shape)).astype(float)
    if c.erase is not None:
        matrix -= c.erase[0, 0] * np.outer(key if c.p is None else c.p[0, 0], key)
    return matrix


def step_ratio(rule: Rule, k: Array, beta: Array, decay: Array | None) -> float:
    """Largest step over its bound: above 1 the transition has an eigenvalue outside [-1, 1].

    With a_j the decay, the lowest eigenvalue is at least -1 exactly when ``erase sum_j s_j k_j^2 / (1 + a_j) <= 1``,
    where s_j = a_j if the rule decays first and 1 if not (both transitions are similar to a symmetric matrix). A row
    of negative ``erase`` adds what it predicts: its highest is at most 1 when ``-erase sum_j s_j k_j^2 / (1 - a_j)
    <= 1``.
    """
    if rule.erase is None or k.size == 0:
        return 0.0
    erase = _stream(rule.erase, beta)
    grows = bool(np.any(erase < 0))
    if decay is None and not grows:
        return float(np.max(erase * np.einsum("...i,...i", k, k))) / 2
    a = np.ones_like(beta) if decay is None else decay
    a = a if rule.retain == "key" else a[..., None]
    load = (a if rule.order == "decay_first" else np.ones_like(a)) * k * k * np.abs(erase)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):  # at a = 1 nothing may be added
        return float(np.max(np.sum(np.where(load > 0, load / (1 - a if grows else 1 + a), 0), axis=-1)))


def table() -> str:
    """The family as a Markdown table: name, equation, loss, eigenvalues, stability, biology, citation.

    >>> print(table().splitlines()[0])
    | rule | equation | local loss | eigenvalues | stable | known as | biology | source |
    """
    head = ["rule", "equation", "local loss", "eigenvalues", "stable", "known as", "biology", "source"]
    lines = [" | ".join(["", *head, ""]).strip(), "|" + "---|" * len(head)]
    for row in RULES.values():
        maths = [f"${text}$" for text in (row.equation, row.loss, row.eigenvalues)]
        cells = [f"`{row.name}`", *maths, row.stable, row.known_as, row.biology, row.cite]
        lines.append(" | ".join(["", *(cell.replace("|", r"\|") for cell in cells), ""]).strip())
    return "\n".join(lines)
