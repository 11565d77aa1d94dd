"""Which form a rule runs in: the one that was asked for, or the fastest."""

from typing import Any

import numpy as np

from synfwp import checks, rules
from synfwp.fastweights import arguments
from synfwp.rules import Rule

FORMS = ("recurrent", "chunkwise", "parallel", "auto")
CHUNK = 64


def fastest_form(rule: Rule | str, T: int, d_k: int, d_v: int, dtype: Any = np.float64) -> str:
    """The form that ``form="auto"`` takes for these sizes, by ``benchmarks/forms.py``.

    The blocked recurrence has been the fastest in every case of that benchmark, up to 1024 keys, also where chunks are
    nothing but large products of matrices; a rule without a recurrence takes its only form.

    Parameters
    ----------
    rule : Rule or str
    T, d_k, d_v : int
    dtype : NumPy dtype

    Returns
    -------
    str

    Raises
    ------
    TypeError, ValueError
        For an unknown rule, or sizes that are no integers of at least 1.

    Examples
    --------
    >>> fastest_form("delta", 512, 64, 64), fastest_form("softmax", 512, 64, 64)
    ('recurrent', 'parallel')
    """
    for name, value in (("T", T), ("d_k", d_k), ("d_v", d_v)):
        checks.count(name, value, int(name != "T"))
    return rules.get_rule(rule).forms[0]


def chosen(rule: Rule, form: str | None, chunk: int | None) -> tuple[str, int]:
    """The form asked for, if the rule has it, and the length of a chunk."""
    if chunk is not None and form != "chunkwise":
        raise ValueError(
            f"chunk is {checks.short(chunk)} but form is {checks.short(form)}; pass chunk with form='chunkwise' only."
        )
    size = CHUNK if chunk is None else checks.count("chunk", chunk)
    if form is None:
        return rule.forms[0], size
    if checks.one_of("form", form, FORMS) != "auto":
        arguments.has_form(rule, form)
    return form, size
