"""Spikes of sources in blocks of steps, each from its own generator: no run depends on how it is cut."""

from functools import lru_cache

import numpy as np

from synfwp import grid, seeds, units
from synfwp.spiking.groups import PoissonSource, Source, SpikeSource, steps_of
from synfwp.spiking.tables import Sources
from synfwp.spiking.wiring import Wiring

Array = np.ndarray
BLOCK = 1000  # steps


class Events:
    """Spikes of the sources of a circuit, block by block."""

    def __init__(self, circuit: Wiring, root: int) -> None:
        self.sources = [g for g in circuit.groups if isinstance(g, Source)]
        self.dt, self.root = circuit.dt, root
        self.prescribed = {g.name: steps_of(g, circuit.dt) for g in self.sources if isinstance(g, SpikeSource)}
        self.block = lru_cache(maxsize=1)(self._block)

    def between(self, start: int, stop: int) -> Sources:
        """Spikes of steps within one block."""
        first = start - start % BLOCK
        ends, spikes = self.block(start // BLOCK)
        return Sources(np.ascontiguousarray(ends[:, start - first : stop - first + 1]), spikes)

    def _block(self, number: int) -> tuple[Array, Array]:
        """Ends (sources, BLOCK + 1) and units of one block."""
        ends, found, total = np.zeros((max(len(self.sources), 1), BLOCK + 1), np.int64), [np.zeros(0, np.int64)], 0
        for row, source in enumerate(self.sources):
            if isinstance(source, SpikeSource):
                steps, unit = self.prescribed[source.name]
                a, b = np.searchsorted(steps, [number * BLOCK, (number + 1) * BLOCK])
                steps, unit = steps[a:b] - number * BLOCK, unit[a:b]
            else:
                steps, unit = self._drawn(source, number)
            ends[row, 1:] = np.cumsum(np.bincount(steps, minlength=BLOCK))
            ends[row] += total
            total += len(steps)
            found.append(unit)
        return ends, np.concatenate(found)

    def _drawn(self, source: PoissonSource, number: int) -> tuple[Array, Array]:
        """Bernoulli spikes of one block: intervals over (step, unit) at the largest rate, then thinned."""
        rng = seeds.generator(self.root, "source", source.name, number)
        changes, steps = grid.multiples(source.rate.times, self.dt)[0], number * BLOCK + np.arange(BLOCK)
        which = np.searchsorted(changes, steps, side="right") - 1
        chance = np.minimum(source.rate.values * units.per_ms(1.0) * self.dt, 1.0)
        used = chance[np.unique(which)]
        top = float(used.max())
        if top < 1e-15:  # less than once in 1e15 steps, and more than what intervals are drawn from can hold
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        trials, at, found = BLOCK * source.n, -1, []
        while at < trials:
            size = int((trials - at) * top * 1.05) + 20
            places = at + np.cumsum(rng.geometric(top, size))
            found.append(places)
            at = int(places[-1])
        places = np.concatenate(found)
        places = places[places < trials]
        steps, unit = places // source.n, places % source.n
        if (used < top).any():
            p = chance[which[steps]] if chance.ndim == 1 else chance[which[steps], unit]
            keep = rng.random(len(steps)) * top < p
            steps, unit = steps[keep], unit[keep]
        return steps, unit
