"""The programmer: layers of projections whose outputs are the instructions, in a residual stream or without one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np

from synfwp import autograd as ag
from synfwp import checks, features, rules
from synfwp.instructions import Instructions
from synfwp.programmer import parts, recurrence
from synfwp.programmer.parts import Params, project
from synfwp.programmer.slow import Read, SlowNetwork, exactly, is_exact, merge_heads, split_heads
from synfwp.programmer.specification import Specification

Array = Any


class _Seen(NamedTuple):
    """What one layer sees: its parameters, the stream, the modulators' signal, and 1 or 0 for tokens that write."""

    params: Params
    stream: Array
    signal: Array | None
    writes: Array | None


@dataclass(frozen=True)
class Programmer(Specification, SlowNetwork):
    r"""A frozen specification of a slow network. Its numbers live in a flat dict of arrays.

    A layer sees u, the token or the stream of the layers before, and sends for each head
    ``q = norm(phi(W_q u))``, ``k = norm(phi(W_k u))``, ``v = W_v u``, ``beta = beta_max sigmoid(w_beta u + b_beta)``
    and ``decay = sigmoid(W_decay u + b_decay)``, ``momentum`` likewise and ``ridge = softplus(b_ridge)``, as the rule
    uses them. The answer is ``W_out y`` for the read y
    (``y`` itself without ``d_out``), or with ``residual`` ``W_out (u + W_o y)``.

    Parameters
    ----------
    rule : str or Rule
        ``"softmax"`` reads all keys and values so far, without W; its keys are best left as they are (``key_norm``).
        Rules with several writes per token get as many keys, values and betas. ``"self_referential"`` has no programmer
        but its own start: ``W0`` is learned, and writes itself from ``norm(phi(W_in u))``.
    d_in, d_key, d_value : int
        Features (or kinds) of a token, of keys before the feature map, and of values.
    d_out : int or None
        Classes of the read-out; None reads y, or the stream, itself.
    feature, key_norm : str
        Feature map and normaliser of keys and queries. A map that is not negative can be sent as firing rates.
    beta_max : float
        Largest write strength; from 1 to 2 a delta rule can turn a memory into its opposite.
    write_channel : int or None
        The feature of a token that is 1 where it writes and 0 where it only reads: k, v and beta are multiplied by it.
        None: every token writes.
    tokens : bool
        Whether x holds integers (..., T) below d_in, not features (..., T, d_in).
    d_model : int or None
        Width of the stream, ``W_embed x``; None: the tokens' features themselves.
    hidden : int or None
        Units of a layer ``relu(W_hidden u + b_hidden)`` from which the projections are taken; None: linear ones.
    heads : int
        Fast weight matrices in each layer, each with projections of its own.
    convolution : int or None
        Taps of a causal filter on every channel of the projections to q, k and v.
    layers : int
        More than one need the residual stream.
    residual, norm : bool
        Add the reads to the stream; root-mean-square norms, with gains, before each layer and the read-out.
    modulators : int or None
        Channels of a signal ``m = sigmoid(W_mod u + b_mod)`` of the first layer's u, which takes the place of u in all
        gates: beta, decay and momentum. `modulation` shows it; pass a clamped or recorded one as ``modulation=``.
    recurrent : None, "instructions" or "reads"
        What the last read of a layer enters, which then runs token by token: all its instructions, by
        ``[u_t, tanh(y_{t-1})]`` in the place of u (recurrent FWP); or the read itself, ``y_t = W_t q_t + R_t q'_t``
        with ``q' = norm(phi(y_{t-1}))`` and fast weights R with instructions of their own (Delta-RNN). R stand behind
        the heads' W in the instructions; d_key = d_value there.

    Raises
    ------
    TypeError, ValueError
        For sizes below 1, unknown names, and fields that exclude each other.

    References
    ----------
    Irie & Gershman 2025, section 2.2; Schlag, Irie & Schmidhuber 2021; Irie et al. 2021 (recurrent); Irie et al. 2022
    (self-referential); Yang et al. 2024 (convolution, norms).

    Examples
    --------
    >>> import numpy as np
    >>> programmer = Programmer(rule="delta", d_in=5, d_key=4, d_value=3)
    >>> programmer(programmer.init(seed=0), np.ones((7, 5))).k.shape
    (7, 4)
    """

    by_token = True

    def __call__(self, params: Params, x: Array, modulation: Array = None, layer: int = -1) -> Instructions:
        """Instructions of a layer (the last) for x, in the dtype of the parameters; layers before it read exactly.

        ``x (..., T, d_in)``, or integers (..., T) with ``tokens``. With heads there is an axis of them before T.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.
        x : (..., T, d_in) array, or (..., T) integers with ``tokens``
        modulation : None or (..., T, modulators) array
            A clamped or recorded signal in the place of the programmer's own.
        layer : int
            Whose instructions; -1 is the last.

        Returns
        -------
        Instructions

        Raises
        ------
        TypeError, ValueError
            If x or modulation is not as above, or the weights are self-referential: these send nothing.
        """
        if self._self_referential:
            raise TypeError("self-referential fast weights write themselves and send no instructions; use scores.")
        if not -self.layers <= layer < self.layers:
            raise ValueError(f"layer is {layer}; this programmer has {self.layers}.")
        seen = self._reach(params, x, modulation, layer % self.layers, exactly)
        return self._recur(seen)[0] if self.recurrent else self._send(seen, self._features(seen))

    def scores(self, params: Params, x: Array, read: Read = exactly, modulation: Array = None) -> np.ndarray:
        """Scores ``(..., T, d_out)`` for x: what is trained. ``read(rule, instructions) -> y`` is the substrate.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.
        x : (..., T, d_in) array, or (..., T) integers with ``tokens``
        read : callable
            ``read(rule, instructions) -> y``; the exact rule by default.
        modulation : None or (..., T, modulators) array
            A clamped or recorded signal in the place of the programmer's own.

        Returns
        -------
        (..., T, d_out) array
        """
        seen = self._reach(params, x, modulation, self.layers - 1, read)
        return self._finish(params, seen, self._read(seen, read))

    def read_out(self, params: Params, y: Array, x: Array = None, modulation: Array = None) -> np.ndarray:
        """Scores ``(..., T, d_out)`` of the classes for reads ``y (..., T, d_value)`` of the last layer.

        With a residual stream they depend on x too; layers before the last read exactly.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.
        y : (..., T, d_value) array
            Reads of the last layer; with heads (..., heads, T, d_value).
        x : as for a call
            Needed with ``residual``.
        modulation : None or (..., T, modulators) array
            A clamped or recorded signal in the place of the programmer's own.

        Returns
        -------
        (..., T, d_out) array

        Raises
        ------
        ValueError
            If x is missing and needed.
        """
        if self.residual and x is None:
            raise ValueError("x is missing; with residual=True scores depend on the tokens too.")
        reach = self.layers - 1
        checks.bare("y", y)
        seen = self._reach(params, x, modulation, reach, exactly) if self.residual else _Seen(params, None, None, None)
        return self._finish(params, seen, y)

    def modulation(self, params: Params, x: Array) -> np.ndarray:
        """The modulators' signal (..., T, modulators) for x, to look at, clamp, or pass back as ``modulation=``.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.
        x : (..., T, d_in) array, or (..., T) integers with ``tokens``

        Returns
        -------
        (..., T, modulators) array
            In (0, 1).

        Raises
        ------
        ValueError
            If this programmer has no modulators.
        """
        if self.modulators is None:
            raise ValueError("modulators is None; this programmer has no signal.")
        signal: Any = self._signal(params, self._embed(params, x), None)
        return signal

    def _embed(self, params: Params, x: Array) -> Array:
        """The stream before the first layer."""
        return parts.embed(x, self.d_in, self.tokens, params.get("W_embed"), next(iter(params.values())).dtype)

    def _signal(self, params: Params, stream: Array, given: Array) -> Array | None:
        """What all gates are computed from in the place of the stream, or None."""
        if self.modulators is None:
            if given is not None:
                raise ValueError("modulation is given, but modulators is None; this programmer has no signal.")
            return None
        if given is None:
            return ag.feature(parts.SIGMOID, project(stream, params["W_mod"]) + params["b_mod"])
        shape = (*anp.shape(stream)[:-1], self.modulators)
        checks.bare("modulation", given)
        try:
            given = np.broadcast_to(checks.plain("modulation", given).astype(stream.dtype), shape)
        except ValueError:
            raise ValueError(f"modulation has shape {np.shape(given)}, which does not broadcast to {shape}.") from None
        if not np.isfinite(given).all():
            raise ValueError("modulation holds NaN or infinity; fill the gaps of a recorded trace.")
        return given

    def _reach(self, params: Params, x: Array, modulation: Array, layer: int, read: Read) -> _Seen:
        """What a layer sees, after those before it have read."""
        stream = self._embed(params, x)
        signal = self._signal(params, stream, modulation)
        x = x if hasattr(x, "dtype") else np.asarray(x)
        writes = None if self.write_channel is None else x[..., self.write_channel].astype(stream.dtype, copy=False)
        seen = _Seen(self._of_layer(params, 0), stream, signal, writes)
        for i in range(layer):
            stream = self._add(seen, self._read(seen, read, below=True))
            seen = seen._replace(params=self._of_layer(params, i + 1), stream=stream)
        return seen

    def _read(self, seen: _Seen, read: Read, below: bool = False) -> Array:
        """Reads of a layer; those of a layer below another all count."""
        if self._self_referential:
            if not is_exact(read):
                raise TypeError(
                    "self-referential fast weights write themselves; no substrate takes instructions for it."
                )
            p = seen.params
            token = self._keys(split_heads(project(self._normed(seen), p["W_in"]), self.heads, self.d_key))
            nothing = (None,) * 8
            return ag.scan(self.rule, token, *nothing, p["W0"])[0]
        if self.recurrent and is_exact(read):
            how = self._at_once(seen)
            return self._token_by_token(seen)[1] if how is None else self._reads_at_once(how, seen)
        sent = self._recur(seen)[0] if self.recurrent else self._send(seen, self._features(seen))
        return read(self.rule, replace(sent, scored=np.True_) if below else sent)

    def _normed(self, seen: _Seen) -> Array:
        """The stream as the layer sees it."""
        return parts.rms_norm(seen.stream, seen.params["g"]) if self.norm else seen.stream

    def _features(self, seen: _Seen, last: Array = None) -> Array:
        """What the projections see: the normed stream, with the last read if recurrent, or the hidden units of both."""
        u, p = self._normed(seen), seen.params
        if last is not None:
            u = anp.concatenate((u, ag.feature(parts.TANH, last)), axis=-1)
        return u if self.hidden is None else ag.feature(RELU, project(u, p["W_hidden"]) + p["b_hidden"])

    def _keys(self, x: Array) -> Array:
        """Feature map and normaliser."""
        return ag.feature(features.get_normaliser(self.key_norm), ag.feature(features.get_feature(self.feature), x))

    def _send(self, seen: _Seen, u: Array) -> Instructions:
        """The instructions of a layer from what its projections see."""
        row, p = rules.get_rule(self.rule), seen.params
        writes = (row.writes,) if row.writes > 1 else ()

        def to(name: str, matrices: int, *tail: int) -> Array:
            x = project(u, p[f"W_{name}"])
            x = x if self.convolution is None else parts.convolve(x, p[f"conv_{name}"])
            return split_heads(x, matrices, *tail)

        n = self._matrices
        q, k = self._keys(to("q", self.heads, self.d_key)), self._keys(to("k", n, *writes, self.d_key))
        v, gates = to("v", n, *writes, self.d_value), {}
        for name, tail, _ in self._gates():
            w = p["w_beta" if name == "beta" else f"W_{name}"]
            x = project(u if seen.signal is None else seen.signal, w) + p[f"b_{name}"]
            x = split_heads(x, n, *tail) if n > 1 else x
            gates[name] = ag.feature(parts.SIGMOID, x)
        beta = gates["beta"] * float(self.beta_max) if "beta" in gates else None
        if seen.writes is not None:
            gate = seen.writes if n == 1 else seen.writes[..., None, :]
            per_write = gate[..., None] if writes else gate
            k, v = k * per_write[..., None], v * per_write[..., None]
            beta = None if beta is None else beta * per_write
        ridge = ag.feature(parts.SOFTPLUS, p["b_ridge"]) if row.uses_ridge else None
        ridge = anp.reshape(ridge, (n, -1)) if row.uses_ridge and n > 1 else ridge
        return Instructions(q, k, v, beta, gates.get("decay"), gates.get("momentum"), ridge)

    def _recur(self, seen: _Seen) -> tuple[Instructions, Array]:
        """Instructions and reads of a recurrent layer, whose every token sees the read of the one before."""
        how = self._at_once(seen)
        if how is None:
            return self._token_by_token(seen)
        y = self._reads_at_once(how, seen)
        before = self._merge(y)
        before = anp.concatenate((anp.zeros_like(before[..., :1, :]), before[..., :-1, :]), axis=-2)
        if self.recurrent == "instructions":
            return self._send(seen, self._features(seen, before)), y
        sent = self._send(seen, self._features(seen))
        return replace(sent, q=self._also_ask(sent.q, before)), y

    def _at_once(self, seen: _Seen) -> recurrence.How | None:
        """How a kernel runs the layer, or None."""
        if not anp.shape(seen.stream)[-2]:
            raise ValueError("x holds no token; a recurrent programmer runs token by token: pass at least one.")
        return None if type(seen.writes).__module__.startswith("autograd") else recurrence.how_of(self)

    def _reads_at_once(self, how: recurrence.How, seen: _Seen) -> Array:
        """Reads of the layer by the kernel."""
        hidden = lambda stream: self._features(seen)  # noqa: E731
        return recurrence.run(how, seen.params, self._normed(seen), seen.signal, seen.writes, hidden)

    def _token_by_token(self, seen: _Seen) -> tuple[Instructions, Array]:
        """The same for every rule and map."""
        streams = parts.steps(seen.stream)
        signals = None if seen.signal is None else parts.steps(seen.signal)
        W = aux = None
        y = np.zeros((*anp.shape(seen.stream)[:-2], 1, self.heads * self.d_value), seen.stream.dtype)
        sent, reads = [], []
        for t, stream in enumerate(streams):
            now = _Seen(
                seen.params, stream, None if signals is None else signals[t],
                None if seen.writes is None else seen.writes[..., t : t + 1],
            )  # fmt: skip
            one = self._send(now, self._features(now, y if self.recurrent == "instructions" else None))
            one = one if self.recurrent == "instructions" else replace(one, q=self._also_ask(one.q, y))
            gates = (one.beta, one.decay, None, None, one.momentum, one.ridge)
            read, W, aux = ag.scan(self.rule, one.q, one.k, one.v, *gates, W, aux)
            aux = aux if anp.size(aux) else None
            y = self._merge(read)
            sent.append(one)
            reads.append(read)
        time = anp.ndim(reads[0]) - 2
        columns = {name: [getattr(one, name) for one in sent] for name in ("q", "k", "v", "beta", "decay", "momentum")}
        joined = {name: None if x[0] is None else anp.concatenate(x, axis=time) for name, x in columns.items()}
        return Instructions(**joined, ridge=sent[0].ridge), anp.concatenate(reads, axis=time)

    def _also_ask(self, q: Array, y: Array) -> Array:
        """Queries of all matrices of a Delta-RNN: those of the heads, then those that their last reads make."""
        *lead, T, _ = anp.shape(y)
        last = self._keys(anp.swapaxes(anp.reshape(y, (*lead, T, self.heads, self.d_value)), -3, -2))
        return anp.concatenate((anp.reshape(q, (*lead, self.heads, T, -1)), last), axis=-3)

    def _merge(self, y: Array) -> Array:
        """Reads of the heads side by side; each is a sum of two in a Delta-RNN."""
        if self.recurrent == "reads":
            y = y[..., : self.heads, :, :] + y[..., self.heads :, :, :]
            y = y if self.heads > 1 else y[..., 0, :, :]
        return merge_heads(y, self.heads)

    def _add(self, seen: _Seen, y: Array) -> Array:
        """The stream after a layer."""
        return seen.stream + project(self._merge(y), seen.params["W_o"])

    def _finish(self, params: Params, seen: _Seen, y: Array) -> Array:
        """Scores from the reads of the last layer."""
        out = self._add(seen, y) if self.residual else self._merge(y)
        if self.norm and self.residual:
            out = parts.rms_norm(out, params["g_out"])
        return out if self.d_out is None else project(out, params["W_out"])


RELU = features.get_feature("relu")
