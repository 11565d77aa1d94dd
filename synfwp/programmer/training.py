"""Training a programmer through the fast weights: one loop, one Dataset of history, checkpoints to go on from."""

from __future__ import annotations

import hashlib
import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from autograd import value_and_grad
from autograd.tracer import getval
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from synfwp import checks, fastweights, results, seeds
from synfwp.measures.reads import classes
from synfwp.programmer import progress
from synfwp.programmer.data import Task, blamed, draw
from synfwp.programmer.losses import LOSSES, WrongTarget
from synfwp.programmer.optimiser import Schedule, clip, lbfgs
from synfwp.programmer.parts import Params
from synfwp.programmer.progress import Checkpoint, Evaluation, State
from synfwp.programmer.slow import Scored
from synfwp.programmer.trained import Network, Trainable, Trained, check_params
from synfwp.tasks import Batch

Gradient = Callable[[Params, Batch], tuple[float, float, Params]]
Evaluator = Callable[[State], tuple[State, State, bool]]


def train(
    programmer: Network,
    task: Task,
    *,
    steps: int = 800,
    batch: int = 32,
    learning_rate: float = 5e-3,
    warmup: int = 0,
    schedule: str = "cosine",
    loss: str = "cross_entropy",
    method: str = "adam",
    evaluate: Evaluation | None = None,
    checkpoint: Checkpoint | str | Path | None = None,
    seed: seeds.Seed = 0,
    dtype: Any = None,
    threads: int = 1,
    params: Params | None = None,
    read: Any = None,
) -> Trained[Network]:
    """Train a programmer or plastic network on a task by gradient descent, its gradient clipped to norm 1.

    Parameters
    ----------
    programmer : Programmer or PlasticNetwork
        Any dataclass with ``init(seed) -> params``, ``scores(params, x)`` and a ``name`` trains as well.
    task : callable
        ``task(rng, batch) -> Batch`` of so many sequences.
    steps, batch : int
        Updates, and sequences in each.
    learning_rate : float
        The highest.
    warmup : int
        Steps over which it rises to that.
    schedule : "cosine" or "constant"
        Whether it then falls to zero along a half cosine.
    loss : "cross_entropy" or "squared"
        Of the read-out against the target, over the scored tokens.
    method : "adam" or "lbfgs"
        L-BFGS (SciPy's) sees the same batch in every iteration and chooses its own steps; no evaluation, no checkpoint.
    evaluate : None or Evaluation
        Evaluate the training on sequences of its own, stop early, keep the best parameters.
    checkpoint : None, Checkpoint or path
        Keep the state in this file (a path: every 100 steps). If it exists the training goes on from it, and ends with
        the same bits as one that was never interrupted. Ctrl-C keeps the last whole step; a training that diverges
        leaves the file as it was last written. With a constant schedule more ``steps`` may follow on a finished
        training; a cosine over other steps is another training. What the training is made of is told apart by its
        code and state: another lambda, or a task with another attribute, is refused.
    seed : int, SeedSequence or Generator
        The same seed gives the same batches and the same result.
    dtype : None, float32 or float64
        Of the parameters; None leaves it to the programmer.
    threads : int
        For the kernels and the projections; BLAS itself has one.
    params : None or dict of str to array
        What to start from, such as those of a `Trained` or of `synfwp.load_layer`; None: ``programmer.init(seed)``.
    read : None or callable
        What carries the fast weights in training, ``read(rule, instructions) -> y``, written so that gradients pass,
        such as `synfwp.SpikeNoise`; None: the exact rule. Evaluations of the training read by it too.

    Returns
    -------
    Trained
        Attributes of its history are ``stop_step``, the steps that were made, and ``stop_reason``: "steps", or
        "stop_at", "target" or "patience" of the evaluation.

    Raises
    ------
    TypeError, ValueError
        For arguments that are not as above, a task that returns no such batch or targets beyond the scores, and a
        checkpoint of another training.
    OSError
        If the checkpoint cannot be written.
    FloatingPointError
        If the loss or its gradient is not finite; the message names the step and what grew.

    References
    ----------
    Kingma & Ba 2015 (Adam); Schlag, Irie & Schmidhuber 2021 (the setting).

    Examples
    --------
    >>> from synfwp.programmer import Programmer
    >>> from synfwp.tasks import Recall
    >>> task = Recall(keys=2, values=2, writes=3)
    >>> programmer = Programmer(d_in=task.d_in, d_key=4, d_value=4, d_out=2, write_channel=-1)
    >>> dict(train(programmer, task, steps=3, batch=2).history.sizes)
    {'step': 3}
    """
    checks.count("steps", steps)
    rate = Schedule(learning_rate, warmup, schedule)
    checkpoint = _refuse(batch, method, warmup, evaluate, checkpoint, seed, dtype)
    score = checks.lookup("loss", loss, LOSSES)
    drawn = programmer.init(seed) if dtype is None else programmer.init(seed, dtype)
    check_params(drawn)
    begin = drawn if params is None else _like(params, drawn, dtype)
    given: dict[str, Any] = {} if params is None else {"params": _digest(begin)}
    given |= {} if read is None else {"read": read}
    scores = scores_of(programmer, read)
    settings = {
        "steps": steps, "batch": batch, "schedule": rate, "loss": loss, "method": method, "evaluate": evaluate,
        "dtype": next(iter(begin.values())).dtype.name, "programmer": programmer, "task": task, **given,
    }  # fmt: skip
    provenance = results.provenance(settings, seed, programmer.name)
    unit = "nat" if loss == "cross_entropy" else "1"
    state = progress.start(begin) if checkpoint is None else checkpoint.read(provenance) or progress.start(begin)
    gradient, precision = gradient_of(scores, score), next(iter(begin.values())).dtype

    def drawn_for(n: int, *part: Any) -> Batch:
        return draw(task, seeds.generator(seed, *part), n, precision)

    with (
        threadpool_limits(1),  # products are spread over the same threads as the kernels: BLAS splits them badly
        fastweights.thread_limit(threads),
        tqdm(
            total=steps, initial=state.step, desc=f"training {programmer.name}", unit="step", disable=None, leave=False
        ) as bar,
        blamed(task),
    ):
        if method == "lbfgs":
            state = _lbfgs(programmer, gradient, drawn_for(batch, "batch", 0), state, steps, bar)
        else:
            evaluator = None
            if evaluate is not None:
                evaluator = _evaluator(scores, drawn_for(evaluate.sequences, "evaluation"), evaluate, steps, score)
            write = None if checkpoint is None else lambda state: checkpoint.write(state, unit, provenance)
            step = _step(programmer, gradient, lambda n: drawn_for(batch, "batch", n))
            state = _loop(
                state, steps, lambda state: step(state, rate(state.step, steps)), evaluator, checkpoint, write, bar
            )
    ds = progress.history(state, unit, provenance)
    ds.attrs |= {"stop_step": state.step, "stop_reason": (evaluate and evaluate.reason(state)) or "steps"}
    return Trained(programmer, state.params if state.best is None else state.best, ds)


def _refuse(
    batch: int, method: str, warmup: int, evaluate: Any, checkpoint: Any, seed: seeds.Seed, dtype: Any
) -> Checkpoint | None:
    """The checkpoint, after arguments that are wrong, or exclude each other, were refused."""
    checks.count("batch", batch)
    checks.one_of("method", method, ("adam", "lbfgs"))
    if dtype is not None and np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeError(f"dtype is {checks.short(dtype)}; pass numpy.float32 or numpy.float64.")
    if evaluate is not None and not isinstance(evaluate, Evaluation):
        raise TypeError(f"evaluate is {checks.short(evaluate)}; pass synfwp.Evaluation(every=100, sequences=64).")
    if isinstance(checkpoint, str | Path):
        checkpoint = Checkpoint(checkpoint)
    if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
        raise TypeError(f"checkpoint is {checks.short(checkpoint)}; pass a path or synfwp.Checkpoint(path, every=100).")
    if method == "lbfgs":
        given = {"warmup": warmup, "evaluate": evaluate, "checkpoint": checkpoint}
        unused = [name for name, value in given.items() if value]
        if unused:
            raise ValueError(f"method 'lbfgs' does not use {', '.join(unused)}; leave it out, or pass method='adam'.")
    if checkpoint is not None and isinstance(seed, np.random.Generator):
        raise ValueError("a training seeded by a Generator cannot go on from a checkpoint; pass an int as seed.")
    return checkpoint


def _like(params: Any, drawn: Params, dtype: Any) -> Params:
    """Parameters to start from, as arrays of their own, with the names and shapes of those that would be drawn."""
    if not isinstance(params, dict):
        raise TypeError(f"params is a {type(params).__name__}; pass a dict of arrays such as trained.params.")
    if params.keys() != drawn.keys():
        names = ", ".join(sorted(params.keys() ^ drawn.keys()))
        raise ValueError(f"params and the parameters of this programmer differ in {names}; pass those of the same one.")
    for name, x in drawn.items():
        if np.shape(params[name]) != np.shape(x):
            raise ValueError(f"params[{name!r}] has shape {np.shape(params[name])}; expected {np.shape(x)}.")
        if np.asarray(params[name]).dtype not in (np.float32, np.float64):
            raise TypeError(f"params[{name!r}] is {np.asarray(params[name]).dtype}; pass float32 or float64.")
    return {name: np.array(params[name], dtype) for name in drawn}


def _digest(params: Params) -> str:
    """A fingerprint by which a checkpoint knows that a training started from the same parameters."""
    found = hashlib.sha256()
    for name in sorted(params):
        x = np.ascontiguousarray(params[name])
        found.update(f"{name} {x.dtype} {x.shape}".encode() + x.tobytes())
    return found.hexdigest()[:16]


def _loop(
    state: State,
    steps: int,
    step: Callable[[State], State],
    evaluator: Evaluator | None,
    checkpoint: Checkpoint | None,
    write: Callable[[State], None] | None,
    bar: Any,
) -> State:
    """Steps until the end, or until the evaluator ends them; an interrupt leaves the last whole step in the file.

    A run that diverges leaves the file as it was last written: later states may be what made it diverge. What is
    written lacks the evaluation of a last step that is no other's turn: a longer training would not have made it.
    """
    kept = state.step if checkpoint is not None and checkpoint.path.exists() else -1
    over, whole = False, state
    try:
        if evaluator is not None:
            state, whole, over = evaluator(state)
        while state.step < steps and not over:
            new = step(state)
            state, whole, over = (new, new, False) if evaluator is None else evaluator(new)
            if checkpoint is not None and write is not None and state.step % checkpoint.every == 0:
                write(whole)
                kept = state.step
            bar.update()
            if state.step % 20 == 0:
                value, _, accuracy = state.rows[-1]
                bar.set_postfix(loss=f"{value:.3f}", accuracy=f"{accuracy:.2f}")
    except FloatingPointError as error:
        if checkpoint is not None:
            what = f"The state after {kept} steps is" if kept >= 0 else "No state is yet"
            error.args = (f"{error} {what} in {checkpoint.path}.",)
        raise
    except BaseException:
        if write is not None and state.step != kept:
            write(whole)
        raise
    if write is not None and state.step != kept:
        write(whole)
    return state


def _step(programmer: Trainable, gradient: Gradient, data: Callable[[int], Batch]) -> Callable[[State, float], State]:
    """``step(state, rate)`` is one update by Adam; ``data(n)`` is the batch of step n."""

    def fail(state: State, what: str, x: Any) -> FloatingPointError:
        grown = _grown(programmer, state.params, x)
        return FloatingPointError(f"at step {state.step} {what}; lower learning_rate or beta_max. {grown}".rstrip())

    def step(state: State, rate: float) -> State:
        batch = data(state.step)
        try:
            with np.errstate(all="ignore"):  # what overflows is looked at below
                value, accuracy, grads = gradient(state.params, batch)
        except WrongTarget:
            raise
        except ValueError as error:
            if state.step == 0:  # nothing was learned yet, so it is not the learning
                raise
            raise fail(state, f"the programmer fails ({error})", batch.x) from error
        grads, norm = clip(grads, 1.0)
        if not np.isfinite(value) or not np.isfinite(norm):
            raise fail(state, f"the loss is {value:g} and its gradient {norm:g}", batch.x)
        adam, params = state.adam.update(state.params, grads, rate)
        return state._replace(params=params, adam=adam, rows=(*state.rows, (float(value), norm, accuracy)))

    return step


def _grown(programmer: Trainable, params: Params, x: Any) -> str:
    """The sizes that the programmer reports of its numbers."""
    return programmer.diagnose(params, x) if hasattr(programmer, "diagnose") else ""


def scores_of(programmer: Any, read: Any = None) -> Callable[[Params, Batch], Any]:
    """``scores(params, batch)``, read by something else than the exact rule where that is given.

    What nobody scores is not read where that changes no score that counts.
    """
    scores: Callable[..., Any] = programmer.scores
    if read is None:
        if not getattr(programmer, "by_token", False) or "read" not in inspect.signature(scores).parameters:
            return lambda params, data: scores(params, data.x)
        return lambda params, data: scores(params, data.x, read=Scored(data.mask))
    if not callable(read):
        raise TypeError(f"read is {checks.short(read)}; pass a function (rule, instructions) -> y, or a SpikeNoise.")
    if "read" not in inspect.signature(scores).parameters:
        raise TypeError(f"read is given, but a {type(programmer).__name__} sends no instructions; leave it out.")
    return lambda params, data: scores(params, data.x, read=read)


def gradient_of(scores: Callable[..., Any], score: Callable[..., Any]) -> Gradient:
    """Loss, accuracy and gradient of one batch, through the instructions, the fast weights and the read-out."""
    seen: dict[str, Any] = {}

    def loss(params: Params, data: Batch) -> Any:
        found = scores(params, data)
        seen["scores"] = getval(found)
        return score(found, data.target, data.mask)

    both = value_and_grad(loss)

    def found(params: Params, data: Batch) -> tuple[float, float, Params]:
        with warnings.catch_warnings():  # a training that diverges has its own message, with what grew
            warnings.filterwarnings("ignore", "rule .* overflows", RuntimeWarning)
            value, grads = both(params, data)
        return value, _accuracy(data, seen.pop("scores")), grads

    return found


def _accuracy(data: Batch, scores: Any) -> float:
    """Share of right answers; NaN for real targets, and where a score is NaN."""
    answer = np.asarray(scores) if data.real else classes(scores)
    if data.real or np.isnan(answer[data.mask]).any():
        return float("nan")
    return data.accuracy(answer)


def _evaluator(
    scores: Callable[..., Any], data: Batch, evaluate: Evaluation, steps: int, score: Callable[..., Any]
) -> Evaluator:
    """``evaluator(state)`` evaluates where it is time to: the state, what of it is to be kept, whether to stop."""
    if not data.real and evaluate.stop_at is not None:
        checks.number("stop_at of an accuracy", evaluate.stop_at, 0, 1)

    def evaluator(state: State) -> tuple[State, State, bool]:
        whole = state
        done = state.evaluations[-1][0] if state.evaluations else 0
        if state.step > done and (state.step % evaluate.every == 0 or state.step == steps):
            found = scores(state.params, data)
            value = float(score(found, data.target, data.mask))
            if not np.isfinite(value):
                raise FloatingPointError(
                    f"after step {state.step} the evaluation gives {value:g}; lower learning_rate."
                )
            state = evaluate.update(state, value, _accuracy(data, found))
        return state, whole if state.step % evaluate.every else state, evaluate.stop(state)

    return evaluator


def _lbfgs(programmer: Trainable, gradient: Gradient, data: Batch, state: State, steps: int, bar: Any) -> State:
    """The state after so many iterations of L-BFGS on one batch."""
    rows: list[tuple[float, float, float]] = []
    seen: dict[str, float] = {}

    def value_and_gradient(params: Params) -> tuple[float, Params]:
        value, seen["accuracy"], grads = gradient(params, data)
        if not np.isfinite(value):
            grown = _grown(programmer, params, data.x)
            raise FloatingPointError(f"after {len(rows)} iterations the loss is {value:g}; lower beta_max. {grown}")
        return float(value), grads

    def watch(params: Params, value: float, grads: Params) -> None:
        rows.append((value, clip(grads, 1.0)[1], seen["accuracy"]))
        bar.update()

    params = lbfgs(value_and_gradient, state.params, steps, watch)
    return state._replace(params=params, rows=tuple(rows))
