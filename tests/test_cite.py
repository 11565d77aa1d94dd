"""The bibliography is whole, and printed as people write citations."""

from pathlib import Path

import pytest

from synfwp import cite
from synfwp.rules import DELTA, Rule

NEEDED = [
    "irie2025",
    "schmidhuber1992",
    "schlag2021",
    "katharopoulos2020",
    "yang2024deltanet",
    "yang2025gated",
    "yang2024gla",
    "kimi2025",
    "sun2023retnet",
    "dao2024mamba2",
    "ba2016",
    "hebb1949",
    "widrow1960",
    "hopfield1982",
    "hasselmo2002",
    "vogels2011",
    "urbanczik2014",
    "pfister2006",
    "sjostrom2001",
    "wang2005",
    "bi1998",
    "tyulmankov2022",
    "gershman2025",
    "stimberg2019",
    "grazzi2025",
]


def test_the_reader_finds_every_entry_and_every_field_of_the_file() -> None:
    text = cite.BIBLIOGRAPHY.read_text("utf-8")
    assert len(cite.entries()) == text.count("@")
    assert sum(len(entry.fields) for entry in cite.entries().values()) == text.count(" = {")
    assert all(entry.bibtex.count("{") == entry.bibtex.count("}") for entry in cite.entries().values())


@pytest.mark.parametrize("key", NEEDED)
def test_each_entry_has_authors_title_year_and_venue(key: str) -> None:
    fields = cite.entries()[key].fields
    assert {"author", "title", "year"} <= set(fields)
    assert {"journal", "booktitle", "publisher", "howpublished"} & set(fields)
    assert fields["year"].isdigit()


def test_no_entry_prints_a_trace_of_tex() -> None:
    printed = "".join(entry.text for entry in cite.entries().values())
    assert not set("{}\\") & set(printed)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (
            "sjostrom2001",
            "Sjöström, Per Jesper; Turrigiano, Gina G. & Nelson, Sacha B. (2001). Rate, timing, and cooperativity "
            "jointly determine cortical synaptic plasticity. Neuron 32(6):1149-1164. "
            "doi:10.1016/S0896-6273(01)00542-6.",
        ),
        (
            "kimi2025",
            "Kimi Team (2025). Kimi Linear: an expressive, efficient attention architecture. arXiv. arXiv:2510.26692.",
        ),
        (
            "katharopoulos2020",
            "Katharopoulos, Angelos; Vyas, Apoorv; Pappas, Nikolaos & Fleuret, François (2020). Transformers are RNNs: "
            "fast autoregressive transformers with linear attention. International Conference on Machine Learning. "
            "arXiv:2006.16236.",
        ),
    ],
)
def test_a_citation_reads_as_people_write_it(key: str, text: str) -> None:
    assert cite.entries()[key].text == text
    assert cite.citation(key) == f"{text}\n\n{cite.entries()[key].bibtex}"


def test_a_rule_is_cited_by_its_keys_in_their_order_and_once() -> None:
    text = cite.citation(DELTA)
    assert text.index("{schlag2021,") < text.index("{widrow1960,")
    assert cite.citation("hebb1949, hebb1949") == cite.citation("hebb1949")


def test_a_name_given_beside_the_keys_stands_for_its_papers() -> None:
    assert cite.citation("mine", {"mine": "ba2016, hebb1949"}) == cite.citation("ba2016, hebb1949")


def test_an_unknown_key_is_answered_with_the_closest() -> None:
    with pytest.raises(ValueError, match="'schlag2020'; did you mean 'schlag2021'"):
        cite.citation("schlag2020")


def test_a_row_without_papers_says_so() -> None:
    with pytest.raises(ValueError, match="'mine' cites nothing"):
        cite.citation(Rule(name="mine"))


def test_what_has_no_name_is_refused() -> None:
    with pytest.raises(TypeError, match="name is 3"):
        cite.citation(3)


def test_a_key_used_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entry = cite.entries()["hebb1949"].bibtex
    (tmp_path / "twice.bib").write_text(f"{entry}\n\n{entry}\n")
    monkeypatch.setattr(cite, "BIBLIOGRAPHY", tmp_path / "twice.bib")
    cite.entries.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"\'hebb1949\' stands twice in twice\.bib"):
            cite.entries()
    finally:
        cite.entries.cache_clear()
