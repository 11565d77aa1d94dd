"""Measures: arrays in, numbers out; of recordings and simulations alike."""

from synfwp.measures.agreement import (
    auc,
    centred_correlation,
    crossing,
    norm_ratio,
    recall_agreement,
    slope,
)
from synfwp.measures.decoding import compare_decoding, decode, decode_across_times, detection_power
from synfwp.measures.events import aligned_counts, aligned_spikes, event_counts, psth
from synfwp.measures.firing import rates
from synfwp.measures.geometry import linear_cka, procrustes_distance, rdm, rsa
from synfwp.measures.lagged import lagged_correlation
from synfwp.measures.suppression import repetition_suppression
from synfwp.measures.synchrony import chi, count_correlation
from synfwp.measures.trains import binned_rate, interval_cv
from synfwp.measures.tuning import selectivity, tuning_curves

__all__ = [
    "aligned_counts",
    "aligned_spikes",
    "auc",
    "binned_rate",
    "centred_correlation",
    "chi",
    "compare_decoding",
    "count_correlation",
    "crossing",
    "decode",
    "decode_across_times",
    "detection_power",
    "event_counts",
    "interval_cv",
    "lagged_correlation",
    "linear_cka",
    "norm_ratio",
    "procrustes_distance",
    "psth",
    "rates",
    "rdm",
    "recall_agreement",
    "repetition_suppression",
    "rsa",
    "selectivity",
    "slope",
    "tuning_curves",
]
