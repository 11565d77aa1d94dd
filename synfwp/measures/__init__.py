"""Measures: arrays in, numbers out."""

from synfwp.measures.agreement import auc, centred_correlation, norm_ratio, recall_agreement

__all__ = ["auc", "centred_correlation", "norm_ratio", "recall_agreement"]
