"""The one call on a run: spectra, exponents, time constants, sizes and contributions as one Dataset."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from synfwp import checks, fastweights, results, rules, seeds
from synfwp.dynamics import quantities, responses
from synfwp.dynamics.quantities import Course
from synfwp.instructions import Instructions
from synfwp.rules import Rule
from synfwp.substrates.door import Exact, Substrate

if TYPE_CHECKING:
    import xarray as xr

_SENT = ("q", "k", "v", "beta", "decay", "scored")


def spectra(
    run: xr.Dataset | Instructions,
    rule: Rule | str | None = None,
    *,
    on: Substrate | None = None,
    states: int = 16,
    repeats: int = 8,
    kick: float = 0.5,
    seed: seeds.Seed = 0,
) -> xr.Dataset:
    """Dynamics of the fast weights along a run: what each token, and all of them, make of W.

    Of the exact rule, ``W_t = W_{t-1} M_t + what is written``, M_t follows from the instructions. Of a network of rates
    or spikes it is measured (`measured_transitions`), as the response of W to a W that starts elsewhere, from every
    state that the run kept to the next; with ``states=1`` that is token by token. That takes ``2 repeats ceil(d_key /
    d_value)`` times as long as the run itself (without noise, two repeats). Errors are standard errors, by the
    jackknife over repeats with other noise.

    Parameters
    ----------
    run : xarray.Dataset or Instructions
        What `synfwp.simulate` returns with ``states``. Or instructions, of one layer of a trained programmer or of
        `load_layer` for instance (leading axes become trials), for the exact rule, also one that no substrate runs.
    rule : None, Rule or str
        The rule of instructions, or of a run with a rule of your own; None takes the name that the run has.
    on : None, Exact, RateNetwork, SpikingNetwork, or any `Substrate`
        The substrate of a run, where it is none of the package; None builds it from what the run keeps.
    states : int
        For instructions: W after every so many tokens. A run has its own.
    repeats : int
        Of each measured state, with other noise, at least 2.
    kick : float
        By how much a weight is moved, in units of (largest value) / (largest key).
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.Dataset
        Along ``transition`` (tokens before its end), for each trial, and each seed of a network: ``eigenvalue_real``
        and ``eigenvalue_imag`` (mode; the largest modulus first), ``step_norm`` (2-norm: above 1, a token can make W
        larger), ``kept_along_key`` (``k M k / |k|^2``, of single tokens), and of exact rules ``step_ratio``, the
        step over its stability bound. Of all tokens: ``lyapunov_exponent`` (mode, per token), ``time_constant``
        (tokens), ``log_determinant`` (per token, the sum of the exponents), ``product_singular_value``,
        ``product_rank``. Along ``state_step``: ``W_norm``, ``W_norm_2``, ``effective_rank``, ``participation_ratio``.
        And ``contribution`` (time, write_time): what the value of each write adds to each read. Measured ones have an
        ``_error``. What a rule or a run does not have is absent, and the attribute ``absent`` (JSON) has the reason.

    Raises
    ------
    TypeError, ValueError
        For something that is no run, a run without states, an unknown rule, or a substrate that cannot be built again.

    References
    ----------
    Yang et al. 2024; Grazzi et al. 2025 (spectra); Benettin et al. 1980, Meccanica 15:9 (exponents).

    Examples
    --------
    >>> import numpy as np
    >>> import synfwp as fw
    >>> key = np.eye(2)[[0, 1, 0]]
    >>> run = fw.simulate("delta", fw.Instructions(key, key, key, np.full(3, 0.5)), states=1)
    >>> spectra(run).lyapunov_exponent.values.round(3).tolist()
    [-0.231, -0.462]
    """
    course, substrate = (
        _of_instructions(run, rule, on, states) if isinstance(run, Instructions) else _given(run, rule, on)
    )
    exact, absent = isinstance(substrate, Exact), dict[str, str]()
    if exact:
        variables = quantities.of_rule(course, absent)
    elif not responses.starts_anywhere(substrate):
        name = type(substrate).__name__
        why = f"run of {name} takes no W0, so that no response can be measured"
        absent |= dict.fromkeys((*quantities.SPECTRAL, "contribution"), why)
        variables = {}
    else:
        response = responses.along(_wide(run), course.rule, substrate, repeats, kick, seed)
        variables = quantities.of_network(course, response, absent)
    variables |= quantities.of_states(course, absent)
    ds = _labelled(run, course, variables)
    parts = {"substrate": substrate, "repeats": repeats, "kick": kick}
    ds.attrs |= results.provenance(parts, seed=seed, rule=course.rule)
    ds.attrs |= {"substrate": type(substrate).__name__, "absent": json.dumps(absent)}
    return ds


def _given(run: Any, rule: Rule | str | None, on: Substrate | None) -> tuple[Course, Substrate]:
    """A run of a substrate, checked."""
    if not hasattr(run, "data_vars"):
        kind = type(run).__name__
        raise TypeError(f"run is a {kind}; pass what fw.simulate(..., states=16) returns, or Instructions.")
    missing = [name for name in ("W_states", "q", "k", "v") if name not in run]
    if missing:
        raise ValueError(f"run has no {', '.join(missing)}; make it with fw.simulate(..., states=16).")
    name = run.attrs.get("rule") if rule is None else rule
    if rule is None and name not in rules.RULES:
        raise ValueError(f"rule of the run is {checks.short(name)}, which is not in the table; pass the row as rule=.")
    wide = _wide(run)
    sent = Instructions.from_dataset(wide[[name for name in _SENT if name in run]])
    substrate = responses.substrate_of(run) if on is None else on
    if not run.sizes["state_step"] and not isinstance(substrate, Exact):
        raise ValueError("run is shorter than what it keeps states after; make it with a smaller states=.")
    return Course(rules.get_rule(name), sent, wide.W_states.values, run.state_step.values), substrate


def _wide(run: Any) -> xr.Dataset:
    """A run with axes of seeds and trials."""
    wide = run if "trial" in run.W_states.dims else run.expand_dims("trial")
    states = wide.W_states if "seed" in wide.W_states.dims else wide.W_states.expand_dims("seed")
    return wide.assign(W_states=states.transpose("seed", "trial", "state_step", "value", "key"))


def _of_instructions(
    run: Instructions, rule: Rule | str | None, on: Substrate | None, states: int
) -> tuple[Course, Substrate]:
    """Instructions run by the exact rule."""
    if rule is None:
        raise ValueError("rule is None; instructions do not say which rule carries them out: pass e.g. rule='delta'.")
    if on is not None and not isinstance(on, Exact):
        raise ValueError("on is a network, which is measured along a run; pass fw.simulate(..., on=on, states=16).")
    row, every, sent = rules.get_rule(rule), checks.count("states", states), run.one_axis()
    if not row.uses_keys:
        raise ValueError(f"rule {row.name!r} sends itself what it writes; no instructions carry it.")
    kept, after = None, np.zeros(0, int)
    if row.has_weights and row.uses_values and not row.uses_pair:
        uses = {"beta": row.uses_beta, "decay": row.uses_decay, "momentum": row.uses_momentum, "ridge": row.uses_ridge}
        gates = {name: getattr(sent, name) for name, used in uses.items() if used}
        kept = np.asarray(fastweights.scan(row, sent.q, sent.k, sent.v, states=every, **gates).states)[None]
        after = every * np.arange(1, kept.shape[2] + 1)
    return Course(row, sent, kept, after), Exact()


def _labelled(run: Any, course: Course, variables: dict[str, Any]) -> xr.Dataset:
    """Variables with the coordinates of the run, and without axes that it does not have."""
    ds, T = results.dataset(variables), np.shape(course.sent.q)[1]
    coords: dict[str, Any] = {"state_step": course.after} if "state_step" in ds.dims else {}
    if "transition" in ds.dims:
        n = ds.sizes["transition"]
        ends = np.arange(1, n + 1) if n == T else np.minimum(course.after[0] * np.arange(1, n + 1), T)
        coords["transition"] = ("transition", ends, {"units": "1", "long_name": "tokens before a transition ends"})
    labelled = ds.assign_coords(results.dataset({}, coords).coords)
    single = isinstance(run, Instructions)
    has = ("trial",) if single and np.ndim(run.q) > 2 else () if single else run.W_states.dims
    for dim in ("seed", "trial"):
        if dim not in labelled.dims:
            continue
        if dim not in has:
            labelled = labelled.squeeze(dim, drop=True)
        elif not single and dim in run.coords:
            labelled = labelled.assign_coords({dim: run[dim]})
    return labelled
