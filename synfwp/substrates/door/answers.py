"""What a programmer scores when its fast weights run on a substrate."""

from typing import Any

import numpy as np

from synfwp import seeds
from synfwp.instructions import Instructions
from synfwp.rules import Rule
from synfwp.substrates.door.arrays import Substrate
from synfwp.substrates.door.labels import simulate

Array = np.ndarray


def scores_on(programmer: Any, params: Any, x: Any, mask: Array, on: Substrate, seed: seeds.Seed = 0) -> Array:
    """Scores ``(..., T, d_out)`` of a programmer whose every layer and head reads on a substrate.

    Spiking networks answer by their spike counts. Where the programmer marks no tokens of a layer as scored, they are
    those of the mask.

    Parameters
    ----------
    programmer : Programmer
        Or any other that sends instructions.
    params : dict of str to array
    x : (batch, T, d_in) array
    mask : (batch, T) boolean array
        The tokens whose scores count. Others may be NaN: not read.
    on : Exact, RateNetwork, SpikingNetwork, or any `Substrate`
    seed : int, SeedSequence or Generator
        Of the substrate.

    Returns
    -------
    (batch, T, d_out) array

    Raises
    ------
    TypeError, ValueError
        If nothing is sent, or the substrate cannot run the rule (the message names one that can).
    """
    if not callable(programmer):
        raise TypeError("a PlasticNetwork sends no instructions; its plasticity is part of PlasticRateNetwork.")

    def read(rule: Rule | str, sent: Instructions) -> Array:
        sent = sent.marked(mask) if sent.scored is None else sent
        ds = simulate(rule, sent.one_axis(), on=on, seed=seed)
        y = ds.get("y_spikes", ds.y).values
        return y.reshape(*np.shape(sent.q)[:-2], *y.shape[-2:])

    return np.asarray(programmer.scores(params, x, read))
