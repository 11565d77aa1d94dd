"""Figures of fits: parameters lie where the table has them, curves where the model is."""

from typing import Any

import numpy as np
import pytest
from figure_checks import complaints

import synfwp as fw
from synfwp import plot
from synfwp.inference import fit_short_term, fit_short_term_trace
from synfwp.plasticity import protocols

COLUMNS = {"dt_ms": [-20, -10, -5, 5, 10, 20], "dw_percent": [-10, -18, -25, 60, 42, 20], "sem": [5.0] * 6}
TIMES = np.r_[20.0 * np.arange(8), 640.0]


@pytest.fixture(scope="module")
def pair() -> Any:
    return fw.fit(fw.PairSTDP, fw.read_table(COLUMNS, sem="sem"), starts=4)


def test_the_forest_of_one_fit_has_its_numbers(pair: Any) -> None:
    ax = plot.forest(pair)
    table = pair.table()
    assert [text.get_text() for text in ax.get_yticklabels()] == table.index.tolist()
    bars = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]
    expected = (table[["low", "high"]].astype(float).div(table.value.astype(float), axis=0)).values
    np.testing.assert_allclose(np.array(bars)[: len(table)], expected)
    row = table.loc["tau_plus"]
    assert ax.texts[2].get_text().startswith(f"{row.value:.3g} ({row.low:.3g} to {row.high:.3g}) ms")


def test_the_forest_of_several_fits_is_over_a_reference(pair: Any) -> None:
    alone = fw.fit(fw.PairSTDP, fw.read_table(COLUMNS, sem="sem"), fixed={"tau_minus": 30.0}, starts=4)
    ax = plot.forest({"all": pair, "fewer": alone}, reference={"A_plus": 0.01, "tau_minus": 30.0})
    assert [text.get_text() for text in ax.get_yticklabels()] == ["A_plus", "tau_minus"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["all", "fewer"]
    marks = [line.get_xdata()[0] for line in ax.lines if line.get_marker() in ("o", "s")]
    values = [pair.rule.A_plus / 0.01, pair.rule.tau_minus / 30.0, alone.rule.A_plus / 0.01]
    np.testing.assert_allclose(marks, values)


def test_a_curve_lies_on_the_model_and_its_band_around_it(pair: Any) -> None:
    ax = plot.fitted(pair)
    curves = [line for line in ax.lines if len(line.get_xdata()) == 100]
    assert len(curves) == 2
    x, y = curves[1].get_data()
    expected = pair.predict([protocols.pairs(dt=float(dt)) for dt in x])
    np.testing.assert_allclose(y, 100 * expected.dw_model)
    band = ax.collections[-1].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(100 * float(expected.dw_high.max()))
    (bars,) = ax.containers
    np.testing.assert_allclose(bars.lines[0].get_xydata()[:, 1], COLUMNS["dw_percent"])


def test_a_published_table_needs_its_protocol(pair: Any) -> None:
    found = fw.fit(fw.PairSTDP, "sjostrom2001_frequency_timing", starts=4)
    with pytest.raises(ValueError, match="the protocol along this curve is not known; pass curve="):
        plot.fitted(found)
    with pytest.raises(ValueError, match="x: the table has no variable 'rate'"):
        plot.fitted(found, x="rate")
    ax = plot.fitted(found, x="freq_hz", by="dt_ms", curve=lambda rate, dt: protocols.pairs(rate=rate, dt=dt))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["10 ms", "-10 ms"]


def test_trains_and_traces_are_drawn_with_their_models() -> None:
    synapse = fw.ShortTerm(U=0.4, tau_rec=200.0, tau_facil=20.0)
    found = fit_short_term(TIMES, synapse.amplitudes(TIMES) + 0.01 * np.cos(TIMES), sem=np.full(9, 0.02), starts=2)
    ax = plot.fitted(found)
    assert ax.get_xlabel() == "time (ms)"
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), found.estimate.model)
    t = np.arange(0.0, 300.0)
    held = {"tau_facil": 20.0, "delay": 0.0, "tau_syn": 2.0, "tau_rec": 200.0}
    trace = fit_short_term_trace(t, np.sin(t / 9), [50.0, 90.0], fixed=held, starts=1, noise=0, intervals="none")
    ax = plot.fitted(trace)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), np.sin(t / 9))
    with pytest.raises(ValueError, match="the fit has no intervals"):
        plot.forest(trace)


def test_both_have_nothing_to_complain_about_on_a_page(pair: Any) -> None:
    fig, axes = plot.figure("double", 60, "ab")
    plot.fitted(pair, axes["a"])
    plot.forest(pair, axes["b"])
    plot.letter(axes)
    assert complaints(fig) == []


@pytest.mark.parametrize("draw", [plot.forest, plot.fitted])
def test_what_is_no_fit_is_refused(draw: Any) -> None:
    with pytest.raises(TypeError, match="3; pass what fit, fit_short_term or fit_btsp give"):
        draw(3)
