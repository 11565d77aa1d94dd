"""Protocols beyond pairs and triplets: levels of repetition, chance, plateaus, tables of one's own."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from synfwp.plasticity import PairSTDP, TripletSTDP, protocols


def test_two_levels_of_repetition_are_the_bursts_of_the_experiment():
    one = protocols.repeated(protocols.pairs(n=5, rate=50.0, dt=-10.0), n=15, interval=10000.0)
    assert one == protocols.bursts(n=15, size=5, rate=50.0, dt=-10.0)


def test_theta_bursts_have_three_rates():
    pre = protocols.theta_bursts(bursts=3, size=4, rate=100.0, theta=5.0, trains=2, interval=20000.0).pre
    assert len(pre) == 24
    waits = np.diff(pre)
    assert sorted(set(waits.round(6))) == [10.0, 170.0, 19570.0]  # 1/100 Hz; 1/5 Hz and 20 s less what lies before


def test_a_quadruplet_is_two_pairs_far_apart_and_changes_what_they_do():
    rule = PairSTDP("bi_poo")
    far = protocols.quadruplets(dt1=-5.0, dt2=5.0, between=400.0, n=1)
    alone = sum(
        rule.dw(*(getattr(protocols.pairs(n=1, dt=dt), side) for side in ("pre", "post"))) for dt in (-5.0, 5.0)
    )
    assert rule.dw(far.pre, far.post) == pytest.approx(alone, abs=1e-7)  # exp(-390 / 29.4) of what a pair does
    kinds = [protocols.quadruplets(dt1=sign * -5.0, dt2=sign * 5.0, between=20.0) for sign in (1, -1)]
    changes = [TripletSTDP("hippocampus").dw(kind.pre, kind.post) for kind in kinds]
    assert changes[0] > changes[1]  # post-pre-pre-post potentiates more (Wang et al. 2005; Pfister & Gerstner 2006)


def test_jitter_moves_every_spike_by_its_own_time_and_repeats_with_its_seed():
    train = protocols.pairs(n=2000, rate=1.0)
    moved = protocols.jitter(train, sd=3.0, seed=5)
    moves = np.concatenate([moved.pre - train.pre, moved.post - train.post])
    assert abs(moves.mean()) < 4 * 3 / np.sqrt(4000)  # four standard errors
    assert moves.std() == pytest.approx(3.0, abs=4 * 3 / np.sqrt(8000))
    assert moved == protocols.jitter(train, sd=3.0, seed=5) != protocols.jitter(train, sd=3.0, seed=6)
    still = protocols.jitter(train, sd=0.0)
    np.testing.assert_array_equal(still.pre, train.pre)


def test_poisson_trains_have_their_rates_and_their_share_of_partners():
    trains = protocols.poisson_pairs(1e6, rate=4.0, post_rate=9.0, share=0.25, dt=8.0, seed=2)
    assert len(trains.pre) == pytest.approx(4000, abs=4 * np.sqrt(4000))  # four standard deviations
    assert len(trains.post) == pytest.approx(9000, abs=4 * np.sqrt(9000))
    partners = np.isin((trains.pre + 8.0).round(6), trains.post.round(6)).mean()
    assert partners == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 4000))
    waits = np.diff(trains.pre)
    assert waits.std() / waits.mean() == pytest.approx(1.0, abs=0.06)  # exponential intervals; 4 / sqrt(4000)


def test_plateaus_reach_btsp_as_steps_of_time():
    from synfwp.plasticity import BTSP

    rule, changes = BTSP("milstein2021_fig5"), []
    for delay in (-3000.0, 0.0, 1500.0, 8000.0):
        trains = protocols.plateaus(delay=delay, n=1)
        rate, plateau = trains.sampled(dt=10.0, duration=30000.0)
        assert rate.sum() == 10
        assert plateau.sum() * 10 == pytest.approx(300.0)
        changes.append(rule.run(rate, plateau, 0.0, dt=10.0)[0, 0])
    assert min(changes) > 0
    # signals are divided by their peaks, so that it is the overlap that counts: it falls with the delay
    assert changes[2] >= changes[3]
    assert changes[1] >= changes[0]


def test_spike_times_come_from_every_kind_of_table(tmp_path):
    columns = {"side": ["pre", "post", "pre"], "time_ms": [20.0, 5.0, 0.0]}
    path = tmp_path / "times.csv"
    path.write_text("# mine\nside,time_ms\npre,20\npost,5\npre,0\n")
    expected = protocols.Trains((0.0, 20.0), (5.0,))
    kinds = [columns, pd.DataFrame(columns), path, str(path), xr.Dataset({k: ("spike", v) for k, v in columns.items()})]
    for table in kinds:
        assert protocols.from_times(table) == expected
    renamed = pd.DataFrame(columns).rename(columns={"side": "neuron", "time_ms": "t"})
    assert protocols.from_times(renamed, side="neuron", time="t") == expected


@pytest.mark.parametrize(
    ("match", "call"),
    [
        (
            "interval is 100 ms, but the protocol lasts 200 ms",
            lambda: protocols.repeated(protocols.pairs(3, 10.0), 2, 100.0),
        ),
        ("protocol is 3; pass a Protocol", lambda: protocols.repeated(3, 2, 100.0)),
        ("theta is 50 Hz and rate 100 Hz", lambda: protocols.theta_bursts(theta=50.0)),
        ("the second pair does not follow the first", lambda: protocols.quadruplets(dt1=30.0, dt2=-30.0, between=5.0)),
        ("share is 1 of 10 Hz, above post_rate", lambda: protocols.poisson_pairs(1000.0, 10.0, 5.0, share=1.0)),
        ("duration is 1e\\+12 ms", lambda: protocols.poisson_pairs(1e12)),
        ("plateaus overlap", lambda: protocols.Trains(plateaus=((0.0, 10.0), (5.0, 10.0)))),
        (r"plateaus has shape \(2,\)", lambda: protocols.Trains(plateaus=(0.0, 10.0))),
        ("pre_times has 5 and then 0 ms", lambda: protocols.Trains((5.0, 0.0))),
        ("table has no column 'time_ms'", lambda: protocols.from_times({"side": ["pre"], "t": [0.0]})),
        ("column 'side' holds 'both'", lambda: protocols.from_times({"side": ["both"], "time_ms": [0.0]})),
        ("column 'time_ms' holds nan", lambda: protocols.from_times({"side": ["pre"], "time_ms": [np.nan]})),
        ("column 'time_ms' holds text", lambda: protocols.from_times({"side": ["pre"], "time_ms": ["soon"]})),
        ("table is 3; pass a path", lambda: protocols.from_times(3)),
    ],
)
def test_bad_input_is_refused_by_name(match, call):
    with pytest.raises((ValueError, TypeError), match=match):
        call()
