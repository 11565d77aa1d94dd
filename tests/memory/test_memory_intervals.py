"""Critical loads of memories whose curve is known: where they lie, how often the interval holds them, how they grow."""

import numpy as np
import pytest
from scipy import stats

import synfwp as fw
from synfwp.memory import Decoder

FIRST = Decoder("share", lambda reads, at: reads[..., 0], lambda load, at: 0.0)


def falling(middle: float, slope: float, own: float = 0.0, size: bool = False):
    """A memory whose share of right answers is ``1 / (1 + (P / middle)^slope)``, in units of d_key if ``size``."""

    def system(k, v, q, rng):
        p = 1 / (1 + (len(k) / (middle * (k.shape[1] if size else 1))) ** slope)
        if own:  # episodes differ
            p = rng.beta(own * p + 1e-9, own * (1 - p) + 1e-9)
        return np.repeat((rng.random(len(q)) < p).astype(float)[:, None], v.shape[1], axis=1)

    return system


@pytest.mark.parametrize(("middle", "slope", "own"), [(100.0, 2.0, 0.0), (60.0, 3.0, 20.0)])
def test_the_interval_of_a_critical_load_holds_the_true_one_as_often_as_it_should(middle, slope, own) -> None:
    n, true = 50, middle * (1 / 0.9 - 1) ** (1 / slope)
    found = [fw.critical_load({"a": falling(middle, slope, own)}, d_key=1, decoder=FIRST, seed=i) for i in range(n)]
    held = sum(one.low.item() <= true <= one.high.item() for one in found)
    loads = np.array([one.critical_load.item() for one in found])
    assert stats.binomtest(held, n, 0.95).pvalue > 0.003, held
    assert abs(loads.mean() - true) < 3 * loads.std(ddof=1) / np.sqrt(n) + 0.01 * true


def test_a_score_that_rises_before_it_falls_crosses_where_it_falls() -> None:
    def late(k, v, q, rng):  # nothing at one pair, all up to 40
        return np.full((len(q), v.shape[1]), float(1 < len(k) <= 40))

    found = fw.critical_load({"late": late}, d_key=1, decoder=FIRST, seeds=3)
    assert 40 <= found.critical_load.item() <= 41
    assert found.reached.item()


@pytest.mark.parametrize(("most", "expected", "reached"), [(8, 8, False), (1, 1, False), (64, 40, True)])
def test_a_load_that_is_not_reached_is_told_so(most: int, expected: float, reached: bool) -> None:
    def enough(k, v, q, rng):
        return np.full((len(q), v.shape[1]), float(len(k) <= 40))

    found = fw.critical_load({"a": enough, "never": falling(1e-9, 1.0)}, d_key=1, decoder=FIRST, seeds=3, most=most)
    assert found.critical_load.values == pytest.approx([expected, 0], abs=1)
    assert bool(found.reached[0]) is reached
    assert (found.high[0] == np.inf) == (not reached)


def test_a_single_seed_has_no_interval() -> None:
    found = fw.critical_load({"a": "hebb"}, d_key=12, seeds=1)
    assert found.critical_load.item() > 0
    assert np.isnan(found.low.item())


def test_the_largest_load_is_that_of_the_keys() -> None:
    found = fw.critical_load({"a": "hebb"}, d_key=24, keys="onehot", decoder="cosine", seeds=2)
    assert found.critical_load.item() == 24
    assert not found.reached.item()
    familiar = fw.critical_load({"a": "hebb"}, keys=np.eye(20), decoder="novelty", seeds=2)
    assert familiar.critical_load.item() == 10  # as many again are new


def test_an_exponent_is_that_of_the_loads_within_its_error() -> None:
    found = fw.scaling({"a": falling(2.0, 3.0, size=True)}, d_keys=[8, 16, 32, 64], decoder=FIRST, d_value=1)
    assert abs(found.exponent.item() - 1) < 3 * found.error.item()
    assert found.error.item() < 0.1
    assert found.reached.all()
    held = fw.scaling({"a": "ridge"}, d_keys=[8, 16], most=4, seeds=2)
    assert np.isnan(held.exponent.item())


def test_capacity_of_hebb_by_argmax_is_the_published_order() -> None:
    found = fw.critical_load({"hebb": "hebb", "ridge": "ridge"}, d_key=24)
    assert found.low.sel(system="hebb").item() <= 33 <= found.high.sel(system="hebb").item() + 1
    assert found.critical_load.sel(system="ridge").item() > found.critical_load.sel(system="hebb").item()
