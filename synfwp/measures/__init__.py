"""Measures: arrays in, numbers out."""

from synfwp.measures.agreement import (
    auc,
    centred_correlation,
    crossing,
    norm_ratio,
    recall_agreement,
    slope,
)
from synfwp.measures.synchrony import chi, count_correlation
from synfwp.measures.trains import binned_rate, interval_cv

__all__ = [
    "auc",
    "binned_rate",
    "centred_correlation",
    "chi",
    "count_correlation",
    "crossing",
    "interval_cv",
    "norm_ratio",
    "recall_agreement",
    "slope",
]
