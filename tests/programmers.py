"""A small task, programmers for it, and their loss on one batch: what the tests of programmers share."""

from typing import Any

import synfwp as fw
from synfwp import autograd as ag
from synfwp.programmer.losses import LOSSES
from synfwp.tasks import Batch, Recall

SMALL = Recall(keys=4, values=4, writes=6)


def small(**fields: Any) -> fw.Programmer:
    """A programmer for the small task."""
    return fw.Programmer(**{"d_in": SMALL.d_in, "d_key": 4, "d_value": 4, "d_out": 4, "write_channel": -1, **fields})


def real_loss(programmer: fw.Programmer, params: dict[str, Any], batch: Batch, loss: str) -> Any:
    """The loss of one batch through the instructions, the fast weights and the read-out."""
    sent = programmer(params, batch.x)
    gates = (sent.beta, sent.decay, None, None, sent.momentum, sent.ridge)
    y, _, _ = ag.scan(programmer.rule, sent.q, sent.k, sent.v, *gates)
    return LOSSES[loss](programmer.read_out(params, y), batch.target, batch.mask)
