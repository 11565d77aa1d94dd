"""Closed forms: capacity, stability, the price of spikes, forgetting, and what no memory of a kind can do.

NumPy alone. Expectations name what they are taken over. `FORMULAS` has each function with its kind (exact, asymptotic,
approximate), its condition, its source, and the band of what is not exact; a simulation beside each is a test.
"""

from synfwp.theory.budget import count_cosine, hebb_agreement, trace_cosine
from synfwp.theory.decoding import (
    HEBB_BITS,
    SIGN_BITS,
    argmax_accuracy,
    bits_per_synapse,
    least_squares_sign_error,
    sign_weights_error,
    stored_accuracy,
)
from synfwp.theory.floors import distinct_keys_floor, matrix_floor, order_blind_accuracy, order_blind_loss
from synfwp.theory.formulas import FORMULAS, Formula
from synfwp.theory.interference import (
    RELU_OVERLAP,
    covariance_cosine,
    effective_dimension,
    hebb_cosine,
    hebb_sign_error,
    hebb_squared_error,
    key_interference,
    key_overlap,
    least_squares_cosine,
)
from synfwp.theory.palimpsest import delta_norm, delta_signal, delta_squared_error
from synfwp.theory.reads import (
    exponential_interference,
    kernel_interference,
    kernel_load,
    kernel_snr,
    power_interference,
    snr_cosine,
)
from synfwp.theory.stability import repeated_bound, stability_bound, step_ratio, transition, transitions
from synfwp.theory.wishart import mean_sum

__all__ = [
    "FORMULAS",
    "HEBB_BITS",
    "RELU_OVERLAP",
    "SIGN_BITS",
    "Formula",
    "argmax_accuracy",
    "bits_per_synapse",
    "count_cosine",
    "covariance_cosine",
    "delta_norm",
    "delta_signal",
    "delta_squared_error",
    "distinct_keys_floor",
    "effective_dimension",
    "exponential_interference",
    "hebb_agreement",
    "hebb_cosine",
    "hebb_sign_error",
    "hebb_squared_error",
    "kernel_interference",
    "kernel_load",
    "kernel_snr",
    "key_interference",
    "key_overlap",
    "least_squares_cosine",
    "least_squares_sign_error",
    "matrix_floor",
    "mean_sum",
    "order_blind_accuracy",
    "order_blind_loss",
    "power_interference",
    "repeated_bound",
    "sign_weights_error",
    "snr_cosine",
    "stability_bound",
    "step_ratio",
    "stored_accuracy",
    "trace_cosine",
    "transition",
    "transitions",
]
