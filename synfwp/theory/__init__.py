"""Closed forms: capacity, stability, the price of spikes, forgetting, and what no memory of a kind can do.

NumPy alone. Expectations name what they are taken over. `FORMULAS` has each function with its kind (exact, asymptotic,
approximate), its condition, its source, and the band of what is not exact; a simulation beside each is a test.
"""

from synfwp.theory.attractors import palimpsest_capacity, palimpsest_overlap
from synfwp.theory.budget import count_cosine, hebb_agreement, trace_cosine
from synfwp.theory.chains import benna_fusi_lifetime, benna_fusi_snr, cascade_lifetime, cascade_snr
from synfwp.theory.decoding import (
    HEBB_BITS,
    SIGN_BITS,
    argmax_accuracy,
    bits_per_synapse,
    least_squares_sign_error,
    sign_weights_error,
    stored_accuracy,
)
from synfwp.theory.drifting import (
    best_step,
    delta_tracking_error,
    kalman_tracking_error,
    leaky_tracking_error,
    scalar_kalman_error,
)
from synfwp.theory.floors import (
    distinct_keys_floor,
    matrix_floor,
    order_blind_accuracy,
    order_blind_loss,
    overwriting_accuracy,
)
from synfwp.theory.formulas import FORMULAS, Formula
from synfwp.theory.hamming import ball_overlap, ball_sharpness
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
from synfwp.theory.palimpsest import (
    delta_cosine,
    delta_lifetime,
    delta_noise,
    delta_norm,
    delta_sign_error,
    delta_signal,
    delta_squared_error,
    leaky_lifetime,
    leaky_snr,
)
from synfwp.theory.reads import (
    exponential_interference,
    kernel_interference,
    kernel_load,
    kernel_snr,
    power_interference,
    snr_cosine,
)
from synfwp.theory.stability import lyapunov_sum, repeated_bound, stability_bound, step_ratio, transition, transitions
from synfwp.theory.storage import (
    DALE_LOAD,
    DALE_SILENT,
    PERCEPTRON_LOAD,
    WILLSHAW_BITS,
    dale_feasible,
    familiarity_capacity,
    perceptron_feasible,
    willshaw_fill,
    willshaw_spurious,
)
from synfwp.theory.synapses import binary_lifetime, binary_snr, btsp_correlation, frontier_lifetime, multi_decay
from synfwp.theory.unequal import unequal_cosine
from synfwp.theory.wishart import mean_sum

__all__ = [
    "DALE_LOAD",
    "DALE_SILENT",
    "FORMULAS",
    "HEBB_BITS",
    "PERCEPTRON_LOAD",
    "RELU_OVERLAP",
    "SIGN_BITS",
    "WILLSHAW_BITS",
    "Formula",
    "argmax_accuracy",
    "ball_overlap",
    "ball_sharpness",
    "benna_fusi_lifetime",
    "benna_fusi_snr",
    "best_step",
    "binary_lifetime",
    "binary_snr",
    "bits_per_synapse",
    "btsp_correlation",
    "cascade_lifetime",
    "cascade_snr",
    "count_cosine",
    "covariance_cosine",
    "dale_feasible",
    "delta_cosine",
    "delta_lifetime",
    "delta_noise",
    "delta_norm",
    "delta_sign_error",
    "delta_signal",
    "delta_squared_error",
    "delta_tracking_error",
    "distinct_keys_floor",
    "effective_dimension",
    "exponential_interference",
    "familiarity_capacity",
    "frontier_lifetime",
    "hebb_agreement",
    "hebb_cosine",
    "hebb_sign_error",
    "hebb_squared_error",
    "kalman_tracking_error",
    "kernel_interference",
    "kernel_load",
    "kernel_snr",
    "key_interference",
    "key_overlap",
    "leaky_lifetime",
    "leaky_snr",
    "leaky_tracking_error",
    "least_squares_cosine",
    "least_squares_sign_error",
    "lyapunov_sum",
    "matrix_floor",
    "mean_sum",
    "multi_decay",
    "order_blind_accuracy",
    "order_blind_loss",
    "overwriting_accuracy",
    "palimpsest_capacity",
    "palimpsest_overlap",
    "perceptron_feasible",
    "power_interference",
    "repeated_bound",
    "scalar_kalman_error",
    "sign_weights_error",
    "snr_cosine",
    "stability_bound",
    "step_ratio",
    "stored_accuracy",
    "trace_cosine",
    "transition",
    "transitions",
    "unequal_cosine",
    "willshaw_fill",
    "willshaw_spurious",
]
