"""Docstrings of twins: what many of them take and give is written once."""

import inspect

WEIGHTS = "(d_v, d_k) array: fast weights before the first step."
READS = "reads : (T, d_v) array\nstates : (T, d_v, d_k) array\n    W after every step."
RULE = {
    "q": "(T, d_k) array: queries, real or complex.",
    "k": "(T, d_k) array: keys.",
    "v": "(T, d_v) array: values.",
    "beta": "(T,) array: write strengths.",
    "decay": "(T,) array or None: the share of W that is kept per step; ignored where the equation has none.",
    "W": WEIGHTS,
}
SYNAPSES = {
    "step": "callable: ``step(W, t)``, the weights (d_v, d_k) that the rule makes of W at token t.",
    "q": "(T, d_k) array: queries.",
    "W": "(d_v, d_k) array: weights before the first token.",
    "rng": "numpy.random.Generator: one draw for each synapse that may change.",
}


def explained(shared=None, returns=READS, **own):
    """Put the sections Parameters and Returns into a docstring, before Examples; an entry is ``type: text``."""

    def explain(function):
        text, heading, examples = inspect.cleandoc(function.__doc__).partition("Examples\n--------\n")
        lines = []
        for name in inspect.signature(function).parameters:
            kind, _, meaning = (own.get(name) or (shared or {})[name]).partition(": ")
            lines.append(f"{'*' * (name == 'more')}{name} : {kind}")
            lines += [f"    {meaning[0].upper()}{meaning[1:]}"] if meaning else []
        parts = [text.rstrip(), "Parameters\n----------\n" + "\n".join(lines), f"Returns\n-------\n{returns}"]
        function.__doc__ = "\n\n".join([*parts, heading + examples])
        return function

    return explain
