"""Short-term plasticity: both conventions of the literature, steps of facilitation unlike the share at rest, bounds."""

import dataclasses

import numpy as np
import pytest
import test_circuit_kernel as kernels
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import synfwp as fw
from synfwp import reference
from synfwp.spiking.short_term import SHORT_TERM_PRESETS

pytestmark = pytest.mark.kernels
MOSSY = {"U": 0.0152, "tau_rec": 156.0, "tau_facil": 224.0}
shares, times = st.floats(0.001, 1.0), st.floats(5.0, 1000.0)


@st.composite
def synapses(draw):
    """Both conventions, with u resting anywhere that a release allows."""
    U, release = draw(shares), draw(st.sampled_from(["after", "before"]))
    low = 0.0 if release == "before" else -min(U / (1 - U), 5.0) if U < 1 else -5.0
    rest = draw(st.none() | st.floats(0, 1).map(lambda share: low + share * (1 - low)))
    return fw.ShortTerm(U=U, tau_rec=draw(times), tau_facil=draw(times), u_rest=rest, release=release)


@settings(max_examples=200, deadline=None)
@given(synapses(), st.lists(st.floats(0.0, 500.0), min_size=1, max_size=30))
def test_what_is_released_is_a_share(s, waits):
    found = s.released(waits)
    assert (found >= -1e-12).all()
    assert (found <= 1).all()


@settings(max_examples=100, deadline=None)
@given(shares, shares, times, times, st.lists(st.floats(0.0, 500.0), min_size=1, max_size=30))
def test_both_conventions_are_one_model(f, u0, tau_rec, tau_facil, waits):
    f = min(f, 0.99)
    before = fw.ShortTerm(U=f, u_rest=u0, release="before", tau_rec=tau_rec, tau_facil=tau_facil)
    after = fw.ShortTerm(U=f, u_rest=(u0 - f) / (1 - f), tau_rec=tau_rec, tau_facil=tau_facil)
    np.testing.assert_allclose(before.released(waits), after.released(waits), rtol=1e-9, atol=1e-12)


def test_the_first_pulses_of_a_mossy_fibre_are_those_of_the_equations():
    """u0 = 0.0052 and f = 0.0152, by hand."""
    s = fw.ShortTerm(**MOSSY, u_rest=0.0052, release="before")
    decay, recovery = np.exp(-20 / 224), np.exp(-20 / 156)
    u2 = 0.0052 + 0.0152 * (1 - 0.0052) * decay
    x2 = 1 - 0.0052 * recovery
    u3 = 0.0052 + (u2 + 0.0152 * (1 - u2) - 0.0052) * decay
    x3 = 1 + (x2 * (1 - u2) - 1) * recovery
    np.testing.assert_allclose(s.released([0, 20, 20]), [0.0052, u2 * x2, u3 * x3], rtol=1e-12)
    same = fw.ShortTerm(**MOSSY, u_rest=(0.0052 - 0.0152) / (1 - 0.0152))
    assert same.u_rest < 0
    np.testing.assert_allclose(same.released([0, 20, 20]), [0.0052, u2 * x2, u3 * x3], rtol=1e-12)


@settings(max_examples=100, deadline=None)
@given(synapses(), st.floats(2.0, 300.0))
def test_a_regular_train_comes_to_the_steady_state(s, wait):
    decay, recovery = np.exp(-wait / s.tau_facil), np.exp(-wait / s.tau_rec)
    # u just before a spike: u = r + (u + U (1 - u) - r) decay
    u = (s.u_rest * (1 - decay) + s.U * decay) / (1 - (1 - s.U) * decay)
    v = u + s.U * (1 - u) if s.release == "after" else u
    x = (1 - recovery) / (1 - (1 - v) * recovery)
    settled = int(60 * max(s.tau_facil, s.tau_rec) / wait) + 2  # e^-60 is left
    assert s.released(np.full(settled, wait))[-1] == pytest.approx(v * x, rel=1e-9, abs=1e-13)


@settings(max_examples=30, deadline=None)
@given(synapses(), st.booleans())
def test_the_kernel_is_its_twin_in_both_conventions(s, sparse):
    circuit = kernels.one(weight=kernels.half() if sparse else 9.0, short_term=s)
    simulation = circuit.start()
    ds = simulation.run(100.0, record=fw.Record("cells", "v"))
    groups, projections = kernels.as_twin(circuit, 200)
    reference.circuit(None, groups, projections, 200, 0.5)
    after = np.where(groups[1]["raster"], -60.0, groups[1]["trace"])
    np.testing.assert_allclose(ds.v_cells.values[1:], after[:-1], rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"u_rest": -0.0155}, r"u_rest is -0.0155, so that a rested synapse would release -.*; pass at least -0.01543"),
        ({"u_rest": -0.001, "release": "before"}, r"would release -0.001; pass at least 0 \(release='before'"),
        ({"u_rest": 1.1}, "u_rest is 1.1; pass a finite number of at most 1"),
        ({"release": "first"}, "unknown release 'first'"),
    ],
)
def test_sets_of_parameters_that_leave_the_shares_are_refused(more, message):
    with pytest.raises(ValueError, match=message):
        fw.ShortTerm(**MOSSY, **more)


def test_the_default_rest_follows_the_convention():
    s = fw.ShortTerm(**MOSSY)
    assert s.u_rest == 0.0
    assert dataclasses.replace(s, release="before").u_rest == 0.0152
    assert dataclasses.replace(s, release="before", U=0.3).u_rest == 0.3


def test_intervals_are_times():
    """F2 and F4: with a unit they are converted, masked or negative they are refused."""
    s = fw.ShortTerm(**MOSSY)
    seconds = xr.DataArray([0.0, 0.02], dims="spike", attrs={"units": "s"})
    assert s.released(seconds).tolist() == s.released([0.0, 20.0]).tolist()
    with pytest.raises(TypeError, match="intervals is a MaskedArray, which carries a mask"):
        s.released(np.ma.array([0.0, 20.0], mask=[False, True]))
    for wrong in (-5.0, np.nan):
        with pytest.raises(ValueError, match=r"intervals \(ms\) holds .*; pass finite numbers of at least 0"):
            s.released([0.0, wrong])


@settings(max_examples=100, deadline=None)
@given(synapses(), st.floats(0.5, 100.0))
def test_the_closed_form_of_the_steady_state_is_where_the_recursion_ends(s, rate):
    spikes = int(40 * max(s.tau_rec, s.tau_facil) * rate / 1000) + 400  # 40 time constants, or as many steps of u
    found = s.released(np.full(spikes, 1000 / rate))[-1]
    # u may approach its fixed point by a factor (1 - U) f per spike alone
    left = (1 - s.U) * np.exp(-1000 / rate / s.tau_facil)
    assert s.steady(rate) == pytest.approx(found, rel=1e-9, abs=1e-9 + left**spikes)


def test_depression_has_a_limiting_frequency_and_facilitation_a_peak():
    """Tsodyks & Markram 1997: beyond 1 / (U tau_rec) the released share per second saturates at 1 / tau_rec."""
    depressing = fw.ShortTerm.preset("tsodyks1998_depressing")
    rates = np.array([1e3, 1e4])
    np.testing.assert_allclose(depressing.steady(rates) * rates, 1000 / 800.0, rtol=3e-3)  # 1 + O(1 / (rate U tau_rec))
    facilitating = fw.ShortTerm.preset("tsodyks1998_facilitating")
    grid = np.arange(1.0, 100.0, 0.5)
    peak = grid[np.argmax(facilitating.steady(grid))]
    # the rate equations give 1 / sqrt(U tau_facil tau_rec) = 22 Hz; a regular train of spikes is somewhat off
    assert peak == pytest.approx(1000 / np.sqrt(0.03 * 530 * 130), abs=2.5)


@pytest.mark.parametrize("name", SHORT_TERM_PRESETS)
def test_every_preset_is_built_and_released_by_both_conventions_alike(name):
    s = fw.ShortTerm.preset(name)
    other = "before" if s.raised_first else "after"
    rest = s.u_rest + s.U * (1 - s.u_rest) if s.raised_first else (s.u_rest - s.U) / (1 - s.U)
    same = dataclasses.replace(s, release=other, u_rest=rest)
    times = np.cumsum([0.0, 10.0, 30.0, 5.0, 500.0])
    np.testing.assert_allclose(s.amplitudes(times, A=3.0), 3 * same.amplitudes(times), rtol=1e-12)


def test_amplitudes_are_those_of_the_intervals_wherever_the_train_begins():
    s = fw.ShortTerm.preset("maass2002_e_to_i")
    times = np.array([300.0, 325.0, 350.0, 1525.0])
    np.testing.assert_array_equal(s.amplitudes(times), s.released([0.0, 25.0, 25.0, 1175.0]))
    with pytest.raises(ValueError, match=r"times falls from 350 to 325 ms; pass them in increasing order"):
        s.amplitudes([300.0, 350.0, 325.0])
    with pytest.raises(ValueError, match="maass2002_e_to_i"):
        fw.ShortTerm.preset("maass2002_e_to_j")
