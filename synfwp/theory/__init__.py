"""Closed forms: capacity, stability, the price of spikes, forgetting, and what no memory of a kind can do.

NumPy alone; every function is checked against simulation by a test. Expectations name what they are taken over.
"""

from synfwp.theory.budget import count_cosine, hebb_agreement, trace_cosine
from synfwp.theory.capacity import hebb_cosine, hebb_sign_error, hebb_squared_error
from synfwp.theory.floors import distinct_keys_floor, matrix_floor, order_blind_accuracy, order_blind_loss
from synfwp.theory.palimpsest import delta_norm, delta_signal, delta_squared_error
from synfwp.theory.stability import repeated_bound, stability_bound, step_ratio, transition, transitions
from synfwp.theory.wishart import mean_sum

__all__ = [
    "count_cosine",
    "delta_norm",
    "delta_signal",
    "delta_squared_error",
    "distinct_keys_floor",
    "hebb_agreement",
    "hebb_cosine",
    "hebb_sign_error",
    "hebb_squared_error",
    "matrix_floor",
    "mean_sum",
    "order_blind_accuracy",
    "order_blind_loss",
    "repeated_bound",
    "stability_bound",
    "step_ratio",
    "trace_cosine",
    "transition",
    "transitions",
]
