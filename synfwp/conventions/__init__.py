"""To and from flash-linear-attention: layout, logarithmic gates, the read's scale, the state, and rules of its kernels.

There, arrays are [B, T, H, K] (batch, time, head, feature), gates ``g`` are logarithms of the decay, reads are scaled
by ``K ** -0.5``, and the state is ``S = W^T`` of [B, H, K, V]:

    S_t = exp(g_t) S_{t-1} + ...,        o_t = scale S_t^T q_t

Here, arrays are (batch, head, time, feature), gates are multipliers, reads are not scaled, and W is (value, key). The
functions take NumPy arrays and PyTorch tensors alike, through which gradients flow.
"""

from synfwp.conventions.fla import from_fla, l2norm, results_from_fla, results_to_fla, to_fla
from synfwp.conventions.low_rank import comba, gdn2, iplr, rwkv7

__all__ = [
    "comba",
    "from_fla",
    "gdn2",
    "iplr",
    "l2norm",
    "results_from_fla",
    "results_to_fla",
    "rwkv7",
    "to_fla",
]
