"""The table of entry points: each row draws a call and knows its answer."""

from fuzz.cases import Entry
from fuzz.entries import circuits, plasticity, programmers, rules, tools

ENTRIES: tuple[Entry, ...] = (
    *rules.ENTRIES,
    *plasticity.ENTRIES,
    *circuits.ENTRIES,
    *programmers.ENTRIES,
    *tools.ENTRIES,
)
