"""Closed forms beside curves, and what is predicted of the keys of a recording, against simulations."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import synfwp as fw
from synfwp import theory
from synfwp.scorecard import holm


def spread(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Signed keys of few directions: rank 12."""
    found = rng.standard_normal((n, 12)) @ np.random.default_rng(5).standard_normal((12, d))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def rates(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Rectified keys, with a mean."""
    found = np.maximum(rng.standard_normal((n, d)), 0)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def random(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Random directions."""
    found = rng.standard_normal((n, d))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


KEYS = {"random": random, "low rank": spread, "rates": rates}


@pytest.mark.parametrize("keys", ["normal", "relu", "binary"])
def test_curves_lie_on_their_closed_forms_within_the_stated_bands(keys: str) -> None:
    systems = {"hebb": "hebb", "ridge": fw.memory.Ridge(), "cubic": fw.memory.Kernel("power", 3)}
    p, places = [], []
    for decoder in ("cosine", "sign", "argmax"):
        ds = fw.capacity(systems, loads=[32, 64, 128], d_key=48, keys=keys, decoder=decoder, seeds=10, queries=64)
        for name in systems:
            for pairs in (32, 64, 128):
                score, expected = ds.score.sel(system=name, pairs=pairs).values, ds.theory.sel(system=name, pairs=pairs)
                if expected.isnull():
                    continue
                band = 0.04 if decoder == "argmax" else 0.011
                beyond = abs(score.mean() - expected.item()) - band
                error = max(score.std(ddof=1) / np.sqrt(len(score)), 1e-9)
                p.append(2 * stats.t.sf(max(beyond, 0) / error, len(score) - 1))
                places.append((decoder, name, pairs, score.mean(), expected.item()))
    assert {("cosine", "hebb"), ("cosine", "ridge"), ("sign", "hebb")} <= {place[:2] for place in places}
    assert min(holm(p)) > 0.0027, places[int(np.argmin(p))]


@pytest.mark.parametrize("name", KEYS)
def test_the_capacity_that_is_predicted_of_keys_is_found(name: str) -> None:
    d, draw = 48, KEYS[name]
    rows = draw(np.random.default_rng(1), 1500, d)
    mean = rows.mean(axis=0)

    def covariance(k, v, q, rng):  # with the mean known
        return (q - mean) @ ((k - mean).T @ v)

    given = {"criterion": 2**-0.5, "decoder": "cosine", "keys": rows, "d_value": 64, "queries": 64, "seeds": 12}
    found = fw.critical_load({"hebb": "hebb", "covariance": covariance, "ridge": "ridge"}, **given).critical_load.values
    predicted = fw.predict_capacity(rows)
    assert found == pytest.approx(predicted.capacity.values, rel=0.1)
    assert predicted["rank"].item() == (12 if name == "low rank" else d)


@pytest.mark.parametrize("name", KEYS)
def test_the_lifetime_that_is_predicted_of_keys_is_found(name: str) -> None:
    rows = KEYS[name](np.random.default_rng(1), 1500, 48)
    found = fw.retention(
        {"leaky": "leaky_hebb", "delta": "delta"}, thresholds=[0.3], keys=rows, d_value=48, writes=400, oldest=150,
        seeds=12,
    )  # fmt: skip
    predicted = fw.predict_capacity(rows, threshold=0.3).lifetime.values
    low, high = found.low.values.ravel(), found.high.values.ravel()
    assert low[0] * 0.9 - 1 <= predicted[0] <= high[0] * 1.1 + 1
    if name != "rates":
        assert low[1] * 0.9 - 1 <= predicted[1] <= high[1] * 1.1 + 1
    else:  # the delta rule corrects for what rates share
        assert found.lifetime.values.ravel()[1] > predicted[1]


def test_what_describes_keys_is_what_it_is_by_hand(rng: np.random.Generator) -> None:
    ds = fw.predict_capacity(np.eye(6))
    assert ds.effective_rank.item() == pytest.approx(6)
    assert np.isinf(ds.capacity.sel(rule="hebb"))
    assert np.isinf(ds.lifetime).all()
    k = rng.standard_normal((40, 5)) + 2
    ds, products = fw.predict_capacity(k), k @ k.T
    off = products[~np.eye(40, dtype=bool)]
    size = np.diag(products).mean()
    assert ds.overlap.item() == pytest.approx(off.mean() / size)
    assert ds.interference.values[0] == pytest.approx((off**2).mean() / size**2)
    assert ds.participation_ratio.values == pytest.approx(1 / ds.interference.values)
    assert ds.capacity.sel(rule="hebb").item() == pytest.approx(1 + 1 / ds.interference.values[0])
    assert ds.capacity.sel(rule="covariance") > ds.capacity.sel(rule="hebb")
    share = np.linalg.svd(k, compute_uv=False)
    share /= share.sum()
    assert ds.effective_rank.item() == pytest.approx(np.exp(-(share * np.log(share)).sum()))
    more = fw.predict_capacity(k, cosine=0.9)
    assert more.capacity.sel(rule="least_squares").item() == pytest.approx(5 / 0.81)
    assert (more.capacity < ds.capacity).all()
    assert (fw.predict_capacity(k, threshold=0.1).lifetime >= ds.lifetime).all()


def test_neither_scale_nor_layout_of_keys_matters_and_labels_are_read_by_their_dims(rng: np.random.Generator) -> None:
    k = rng.standard_normal((30, 4))
    ds = fw.predict_capacity(k)
    for other in (
        1e200 * k,
        k.tolist(),
        np.asfortranarray(k),
        xr.DataArray(k.T, dims=("unit", "trial")),
        xr.DataArray(k, dims=("time", "key")),
    ):
        assert fw.predict_capacity(other).capacity.values == pytest.approx(ds.capacity.values)
    with pytest.raises(ValueError, match="pass two, of which one is key or unit"):
        fw.predict_capacity(xr.DataArray(k, dims=("time", "trial")))


@pytest.mark.parametrize(
    ("keys", "message"),
    [(np.ones((4, 3)), "all the same"), (np.ones((1, 3)), "at least two"), (np.zeros((4, 3)), "not all of them 0")],
)
def test_keys_that_say_nothing_are_refused(keys, message: str) -> None:
    with pytest.raises(ValueError, match=f"keys .*{message}"):
        fw.predict_capacity(keys)


def test_the_lifetime_of_a_leaky_rule_goes_on_where_decay_is_slow() -> None:
    from synfwp.memory import prediction

    near = prediction.SLOW * np.array([0.999999, 1.000001])
    below, above = (prediction._leaky(1.0, x) for x in near)
    assert below == pytest.approx(above, rel=1e-3)
    assert prediction._leaky(1.0, 1 / 64) == np.floor(theory.leaky_lifetime(1.0, 64)) + 1
