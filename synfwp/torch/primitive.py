"""NumPy functions with an adjoint as nodes of PyTorch's graph, and tensors as NumPy sees them."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


class _Primitive(torch.autograd.Function):
    """NumPy's ``run(*arrays) -> outputs``, ``adjoint(*cotangents, *arrays) -> gradients`` as one node of the graph."""

    @staticmethod
    def forward(
        name: str, run: Callable[..., Sequence[Any]], adjoint: Any, *inputs: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Outputs share memory with the arrays that ``run`` gives."""
        return tuple(torch.as_tensor(x) for x in run(*map(array, inputs)))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep the inputs themselves: PyTorch then notices when they are changed in place."""
        ctx.name, _, ctx.adjoint = inputs[:3]
        ctx.save_for_backward(*inputs[3:])
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Any, ...]:
        """One adjoint for all inputs; None for those that need none, and where nothing comes back."""
        wanted = ctx.needs_input_grad[3:]
        if all(g is None for g in cotangents):
            return None, None, None, *[None] * len(wanted)
        return None, None, None, *_Adjoint.apply(ctx.name, ctx.adjoint, wanted, *cotangents, *ctx.saved_tensors)


class _Adjoint(torch.autograd.Function):
    """The adjoint as a node of its own, so that a second derivative is refused and never taken for 0."""

    @staticmethod
    def forward(name: str, adjoint: Callable[..., Sequence[Any]], wanted: tuple[bool, ...], *tensors: Any) -> Any:
        """Gradients for the inputs that are wanted."""
        grads = adjoint(*map(array, tensors))
        return tuple(torch.as_tensor(g) if want else None for g, want in zip(grads, wanted, strict=True))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Only the name, for the refusal."""
        ctx.name = inputs[0]

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        """There is none."""
        raise NotImplementedError(f"synfwp.torch.{ctx.name} has no second derivative; differentiate it once.")


@torch.compiler.disable
def apply(name: str, run: Any, adjoint: Any, *inputs: Tensor | None) -> tuple[Tensor, ...]:
    """One primitive; ``torch.compile`` leaves it as it is and compiles what stands around it."""
    return _Primitive.apply(name, run, adjoint, *inputs)


def checked(name: str, x: Any, dtype: torch.dtype) -> Any:
    """A tensor that NumPy can see, None as it is, a number as a tensor of ``dtype``."""
    if x is None or (isinstance(x, (int, float)) and not isinstance(x, bool)):
        return x if x is None else torch.tensor(x, dtype=dtype)
    if not isinstance(x, Tensor):
        kind = f"{type(x).__module__.split('.')[0]} {type(x).__name__}"
        raise TypeError(f"{name} is of type {kind}; pass a PyTorch tensor (torch.from_numpy shares an array's memory).")
    if x.device.type != "cpu":
        raise ValueError(f"{name} is on device {x.device}, but the kernels run on the processor; pass {name}.cpu().")
    if x.layout != torch.strided:
        raise TypeError(f"{name} has layout {x.layout}; pass {name}.to_dense().")
    if x.dtype.is_complex:
        raise TypeError(f"{name} has dtype {x.dtype}; pass real numbers, such as {name}.real.")
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} has dtype {x.dtype}; pass {name}.float(), or {name}.double().")
    return x


def one_dtype(given: dict[str, Any]) -> dict[str, Any]:
    """All tensors checked, of one dtype; numbers and tensors without axes follow the others."""
    dtypes = {x: t.dtype for x, t in given.items() if isinstance(t, Tensor) and t.ndim and t.dtype.is_floating_point}
    dtype = next(iter(dtypes.values()), torch.float64)
    tensors = {name: checked(name, x, dtype) for name, x in given.items()}
    if len(set(dtypes.values())) > 1:
        mixed = ", ".join(f"{name} {str(d).removeprefix('torch.')}" for name, d in dtypes.items())
        raise TypeError(
            f"mixed dtypes: {mixed}; convert all with .float() to float32, or all with .double() to float64."
        )
    return {name: x if x is None or x.ndim else x.to(dtype) for name, x in tensors.items()}


def array(x: Tensor | None) -> Any:
    """The tensor's memory as a NumPy array."""
    return None if x is None else x.detach().resolve_neg().numpy()
