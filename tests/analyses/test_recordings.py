"""A silent memory and a recording, decoded in the same way: what is read, what is not, and what would be seen."""

from pathlib import Path

import model_checks
import numpy as np
import pytest

from analyses import recordings as program
from synfwp import programs

NAME = "recordings"
FILE = Path(__file__).parents[3] / "shared" / "data" / "kornblith2017_odbl" / "399e11sb.nwb"
recording = pytest.mark.skipif(not FILE.exists(), reason=f"{FILE} is not there: recordings are no part of the package")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return model_checks.run_quick(NAME, tmp_path_factory)


def test_the_run_prints_its_table_and_caption_and_is_labelled(quick):
    model_checks.check_output(*quick, ("from weights in the delay, silent", "2 x 72 trials", "Wilson 95 % intervals"))
    model_checks.check_labels(quick[1])
    model_checks.check_figure(NAME, quick[1], "abc", (183, 62))
    assert "recording" not in quick[1].source_of


def test_weights_hold_what_activity_in_the_delay_does_not(quick):
    ds = quick[1]
    silent, kept = (ds.isel(session=np.flatnonzero(ds.source_of.values == name)) for name in program.MODELS)
    for one in (silent, kept):
        assert (one.image > 0.4).all()
        assert (one.weights > 0.4).all()
        assert (one["read"] > 0.3).all()
    # 144 answers at chance: standard errors of .026 and .039
    assert float(silent.activity.mean()) < 1 / 9 + 4 * 0.026
    assert abs(float(silent.held.isel(window=0).mean()) - 1 / 3) < 4 * 0.039
    assert (kept.held.isel(window=0) > 0.5).all()
    assert (kept.held_p.isel(window=0) < 0.05).all()


def test_a_planted_code_is_found_if_it_is_large_and_not_if_there_is_none(quick):
    power = quick[1].power
    assert (power.sel(size=0.0) < 0.3).all()
    assert (power.sel(size=1.0) > 0.9).all()


def test_simulated_trials_have_the_structure_of_the_recorded_ones(rng):
    session = program.simulated(program.QUICK, "silent", 0)
    blocks = session.images.reshape(-1, program.BLOCK, program.SHOWN)
    assert (np.sort(blocks, axis=1) == np.arange(1, 10)[:, None]).all()  # each image once at each position of a block
    assert all(len(set(one)) == program.SHOWN for one in session.images)
    assert (np.diff(session.onset, axis=1) > 0.19).all()
    assert (session.delay - session.onset[:, -1] > program.SEEN[1]).all()  # what an image drives ends before the delay
    assert (session.onset[1:, 0] - session.delay[:-1] > program.DELAY + program.SEEN[1]).all()


def test_exchanged_sets_stay_in_their_block_and_a_right_answer_is_in_the_set(rng):
    images = np.concatenate([program._block(rng) for _ in range(5)])
    found, null = program.in_set(np.stack([images[:, 2], np.full(45, 99)], axis=1), images, 200, rng)
    assert found.tolist() == [1.0, 0.0]
    # in its block an image is in three of nine trials; 45 answers, 200 exchanges
    assert null[:, 0].mean() == pytest.approx(1 / 3, abs=0.02)


@recording
def test_the_recorded_session_has_its_images_while_shown_and_while_held():
    pytest.importorskip("pynwb")
    size = program.QUICK._replace(recording=str(FILE))
    session = program.recorded(size.recording)
    assert (session.cells, session.images.shape) == (68, (216, 3))
    blocks = session.images.reshape(-1, program.BLOCK, program.SHOWN)
    assert (np.sort(blocks, axis=1) == np.arange(1, 10)[:, None]).all()
    found = program.decoded(session, size, 0)
    assert float(found.image) == pytest.approx(0.65, abs=3 * 0.019)  # of 648
    assert (found.delay < 1 / 9 + 3 * 0.0214).all()
    assert (found.held[:2] > 1 / 3 + 4 * 0.032).all()
    assert np.isnan(found.weights)


@recording
def test_a_recording_stands_beside_the_simulated_sessions(tmp_path):
    pytest.importorskip("pynwb")
    ds = programs.load_program(NAME).main(quick=True, recording=str(FILE), shuffles=19)
    assert ds.source_of.values.tolist() == ["recording", *("silent",) * 2, *("persistent",) * 2]
    model_checks.check_figure(NAME, ds, "abc", (183, 62))
    assert "image shown, recording, best session known" in ds.quantity.values
