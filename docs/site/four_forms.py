"""The picture of the README: one rule in four forms, drawn from one simulation (`make picture`, ten seconds).

A programmer learns recall with overwriting through the delta rule; what it sends in one sequence then drives the exact
rule, a network of rates and leaky integrate-and-fire neurons. Correlations are those of the final weights with the
exact ones, centred, of this sequence.
"""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import plot

OUT = Path(__file__).parents[1] / "figures" / "four_forms.png"
RULE = fw.get_rule("delta")


def simulated() -> tuple[Any, dict[str, xr.Dataset]]:
    """Instructions of a trained programmer, and what three substrates make of them."""
    task = fw.tasks.Recall(keys=8, values=8, writes=12)
    sizes = {"d_key": 16, "d_value": 8}
    programmer = fw.Programmer(rule=RULE, d_in=task.d_in, d_out=task.d_out, write_channel=-1, **sizes)
    trained = fw.train(programmer, task, seed=0, steps=400)
    batch = task(np.random.default_rng(1), 1)
    sent = trained.instructions(batch.x, scored=batch.mask)
    substrates = {
        "exact": fw.Exact(),
        "in rates": fw.RateNetwork(),
        "in spikes": fw.SpikingNetwork(engine="lif"),
    }
    return sent, {name: fw.simulate(RULE, sent, on=on, seed=0) for name, on in substrates.items()}


def drawn(sent: Any, runs: dict[str, xr.Dataset]) -> Any:
    """Four panels: what the programmer sends, and the weights that it becomes three times."""
    fig, axes = plot.figure("double", 62, "abcd")
    with plot.style():
        keys = xr.DataArray(np.asarray(sent.k)[0, :12].T, dims=("key", "write"), name="firing rate of the key")
        image = axes["a"].imshow(keys, aspect="auto", cmap="Greys", vmin=0)
        axes["a"].set(title="trained: what is sent", xlabel="write", ylabel="key neuron")
        fig.colorbar(image, ax=axes["a"], location="bottom", label="key (rate / peak)")
        limit = max(float(abs(ds.W).max()) for ds in runs.values())
        for (name, ds), panel in zip(runs.items(), "bcd", strict=True):
            ax = axes[panel]
            image = ax.imshow(ds.W[0], aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit)
            agreement = float(ds.centred_correlation.sel(reference="target")[0])
            title = name if name == "exact" else f"{name}: r = {agreement:.2f}"
            ax.set(title=title, xlabel="key neuron (pre)", ylabel="value neuron (post)" if panel == "b" else "")
            fig.colorbar(image, ax=ax, location="bottom", label="weight W")
        fig.suptitle(f"one rule, {RULE.name}: ${RULE.equation}$", fontsize=8)
    plot.letter(axes)
    return fig


if __name__ == "__main__":
    drawn(*simulated()).savefig(OUT, dpi=200)
