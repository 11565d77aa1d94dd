"""The kernels in PyTorch: ``scan`` with its gradient, flash-linear-attention's interface, and a layer of fast weights.

An optional extra (``pip install "synfwp[torch]"``), and the only place that imports PyTorch. The kernels run on the
processor and share the memory of the tensors; one backward pass runs the adjoint kernel once for all arguments.
"""

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError('synfwp.torch needs PyTorch; install it with: pip install "synfwp[torch]"') from error

from synfwp.torch.door import feature, scan
from synfwp.torch.fla import scan_fla
from synfwp.torch.layer import FastWeights

__all__ = ["FastWeights", "feature", "scan", "scan_fla"]
