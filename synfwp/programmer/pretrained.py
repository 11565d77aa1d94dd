"""The arrays of a layer from a safetensors file, which holds numbers and their names, and no code."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from synfwp import checks
from synfwp.programmer.kinds import KINDS
from synfwp.programmer.layer import LayerProgrammer
from synfwp.programmer.parts import Params

_READ = ("kind", "heads", "d_model", "d_key", "d_value", "low_rank")  # given by name, or read off the arrays
_OPTION = {  # the options on which an array depends
    "conv1d.weight": "convolution",
    "conv1d.bias": "convolution_bias",
    "g_proj.weight": "gate",
    "b_proj.weight": "beta",
    "g_norm.weight": "gate or fused_norm",
    "g_norm_swish_gate.weight": "gate or fused_norm",
}


def load_layer(
    path: str | Path, kind: str, prefix: str = "", *, heads: int, dtype: Any = None, **options: Any
) -> tuple[LayerProgrammer, Params]:
    """A layer of flash-linear-attention as a programmer, with its trained arrays from a safetensors file.

    Needs the extra: ``pip install "synfwp[pretrained]"``. Sizes are read off the arrays; every array of the layer has
    to be there, in its shape, and no other. ``programmer.scores(params, x)`` is the layer's answer (..., T, d_model) to
    x of that shape, ``programmer(params, x)`` what it sends to its synapses, with an axis of heads before time;
    ``fw.train(programmer, task, params=params)`` trains on from the arrays.

    Parameters
    ----------
    path : path
        The file. A model in several files keeps the name of the right one in its index.
    kind : "delta_net", "gated_delta_net" or "gla"
    prefix : str
        What the names of the layer's arrays begin with, e.g. ``"model.layers.0.attn."``.
    heads : int
        ``num_heads`` of the model's configuration.
    dtype : None, float32 or float64
        None: that of the file, at least float32 (half precision and bfloat16 become float32, exactly).
    **options
        Where the layer differs from the defaults of its kind there: other fields of `LayerProgrammer`, such as
        ``beta_max=2.0``, ``gate=True``, ``convolution=None`` or ``epsilon=1e-6``.

    Returns
    -------
    programmer : LayerProgrammer
    params : dict of str to array
        Under the names in the file, less the prefix.

    Raises
    ------
    ModuleNotFoundError
        If safetensors is not installed.
    FileNotFoundError, TypeError, ValueError
        For no such file or no safetensors file, unknown options, and arrays that are missing, left over, in another
        shape, not finite or not of real numbers; the message names the array.

    References
    ----------
    Yang et al. 2024 (DeltaNet); Yang, Kautz & Hatamizadeh 2025; Yang et al. 2024 (GLA); the layers ``DeltaNet``,
    ``GatedDeltaNet`` and ``GatedLinearAttention`` of flash-linear-attention.

    Examples
    --------
    >>> import tempfile
    >>> from safetensors.numpy import save_file
    >>> layer = LayerProgrammer.preset("delta_net", d_model=6, heads=2, d_key=4, d_value=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file(layer.init(seed=0), f"{folder}/layer.safetensors")
    ...     programmer, params = load_layer(f"{folder}/layer.safetensors", "delta_net", heads=2)
    >>> programmer == layer, programmer(params, np.ones((5, 6))).k.shape
    (True, (2, 5, 4))
    """
    checks.lookup("kind of layer", kind, KINDS)
    for name in options:
        checks.one_of("option", name, [field.name for field in fields(LayerProgrammer) if field.name not in _READ])
    heads = checks.count("heads", heads)
    if dtype is not None and np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeError(f"dtype is {checks.short(dtype)}; pass numpy.float32 or numpy.float64.")
    arrays = _read(Path(path), prefix)
    programmer = LayerProgrammer.preset(kind, heads=heads, **_sizes(arrays, prefix, heads, options), **options)
    _compare(programmer, arrays, prefix)
    dtype = np.result_type(np.float32, *arrays.values()) if dtype is None else dtype
    return programmer, {name: arrays[name].astype(dtype) for name in programmer.shapes()}


def _read(path: Path, prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with the prefix, without it."""
    try:
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'load_layer needs safetensors; install it with: pip install "synfwp[pretrained]"'
        ) from error
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; pass the path of a safetensors file.")
    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            chosen = [name for name in names if name.startswith(prefix)]
            arrays = {name.removeprefix(prefix): _array(file, path, name) for name in chosen}
    except SafetensorError as error:
        raise ValueError(f"{path} is no safetensors file ({error}).") from error
    if not arrays:
        layers = [repr(name.removesuffix("q_proj.weight")) for name in names if name.endswith("q_proj.weight")]
        found = f"layers begin with {', '.join(layers)}" if layers else "no name ends with q_proj.weight"
        raise ValueError(f"no array of {path} begins with prefix={prefix!r}; {found}.")
    return arrays


def _array(file: Any, path: Path, name: str) -> np.ndarray:
    """One array of real numbers."""
    kind = file.get_slice(name).get_dtype()
    if kind == "BF16":
        return _bfloat16(path, name)
    if kind not in ("F16", "F32", "F64"):
        raise TypeError(f"array {name!r} is of type {kind}; expected F64, F32, F16 or BF16.")
    return file.get_tensor(name)


def _bfloat16(path: Path, name: str) -> np.ndarray:
    """An array of a type that NumPy lacks, as float32, whose upper half it is; the header says where it stands."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(size))[name]
        start, stop = entry["data_offsets"]
        file.seek(8 + size + start)
        bits = np.frombuffer(file.read(stop - start), "<u2")
    return (bits.astype(np.uint32) << 16).view(np.float32).reshape(entry["shape"])


def _sizes(arrays: Mapping[str, np.ndarray], prefix: str, heads: int, options: Mapping[str, Any]) -> dict[str, int]:
    """The sizes that the shapes give, once the heads are known."""
    shared = options.get("key_value_heads") or heads
    sizes = {}
    for name, n, field in (("q", heads, "d_key"), ("v", options.get("value_heads") or shared, "d_value")):
        shape = _shape(arrays, prefix, f"{name}_proj.weight", f"({n} {field}, d_model)")
        if len(shape) != 2 or not shape[0] or shape[0] % checks.count(f"heads of {name}", n):
            raise ValueError(
                f"array '{prefix}{name}_proj.weight' has shape {shape}; expected ({n} {field}, d_model) for {n} heads."
            )
        sizes[field] = shape[0] // n
        sizes.setdefault("d_model", shape[1])
    if "gk_proj.0.weight" in arrays:
        sizes["low_rank"] = len(arrays["gk_proj.0.weight"])
    return sizes


def _shape(arrays: Mapping[str, np.ndarray], prefix: str, name: str, wanted: Any) -> tuple[int, ...]:
    """The shape of an array that has to be there."""
    if name not in arrays:
        raise ValueError(f"array '{prefix}{name}' is missing; expected shape {wanted}.{_option(name)}")
    return arrays[name].shape


def _option(name: str) -> str:
    """The option on which such an array depends."""
    return next((f" Or change the option {of}." for end, of in _OPTION.items() if name.endswith(end)), "")


def _compare(programmer: LayerProgrammer, arrays: Mapping[str, np.ndarray], prefix: str) -> None:
    """Every array of the layer is there, in its shape, and no other."""
    wanted = programmer.shapes()
    sizes = ", ".join(f"{name}={getattr(programmer, name)}" for name in ("d_model", "heads", "d_key", "d_value"))
    for name, shape in wanted.items():
        found = _shape(arrays, prefix, name, shape)
        if found != shape:
            raise ValueError(f"array '{prefix}{name}' has shape {found}; expected {shape}, with {sizes}.")
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"array '{prefix}{name}' holds NaN or infinity; expected finite numbers.")
    for name in arrays.keys() - wanted.keys():
        raise ValueError(
            f"array '{prefix}{name}' of shape {arrays[name].shape} has no place in this {programmer.kind}; expected "
            f"are {', '.join(wanted)}. Give the prefix of one layer.{_option(name)}"
        )
