"""Results: one schema of labelled variables, provenance, and files that are whole or not there.

A result is an `xarray.Dataset`. Times in it are in seconds; parameters elsewhere are in milliseconds, and `seconds`
is the one conversion between them. Files are NetCDF4; nothing is ever pickled.

Examples
--------
>>> from synfwp import results
>>> ds = results.dataset({"y": [[0.0, 1.0]]}, coords={"time": results.seconds([100.0])})
>>> ds.attrs.update(results.provenance({"tau": 20.0}, seed=0, rule="delta"))
>>> ds.time.attrs["units"], ds.attrs["rule"]
('s', 'delta')
"""

from synfwp.results.attributes import FORMAT, as_json, check_format, provenance
from synfwp.results.differences import first_difference
from synfwp.results.files import dump, load, save
from synfwp.results.fingerprint import UNCOUNTED, provenance_hash
from synfwp.results.foreign import check_links
from synfwp.results.hdf5 import Guarded, guarded
from synfwp.results.identity import difference, opaque
from synfwp.results.joined import join, weights
from synfwp.results.keeping import Keeping, cells, code_of, kept_cells, package
from synfwp.results.kinds import Contents, contents
from synfwp.results.rows import CLAIMS, KINDS, Row, as_page, as_records, compared, comparison, has_table
from synfwp.results.schema import SCHEMA, Variable, dataset, padded, seconds
from synfwp.results.trains import Trains, spike_times, spike_trains, spike_variables
from synfwp.results.writing import (
    Pending,
    check_writable,
    inside,
    text_writer,
    write_atomically,
    write_text,
    write_together,
)

__all__ = [
    "CLAIMS",
    "FORMAT",
    "KINDS",
    "SCHEMA",
    "UNCOUNTED",
    "Contents",
    "Guarded",
    "Keeping",
    "Pending",
    "Row",
    "Trains",
    "Variable",
    "as_json",
    "as_page",
    "as_records",
    "cells",
    "check_format",
    "check_links",
    "check_writable",
    "code_of",
    "compared",
    "comparison",
    "contents",
    "dataset",
    "difference",
    "dump",
    "first_difference",
    "guarded",
    "has_table",
    "inside",
    "join",
    "kept_cells",
    "load",
    "opaque",
    "package",
    "padded",
    "provenance",
    "provenance_hash",
    "save",
    "seconds",
    "spike_times",
    "spike_trains",
    "spike_variables",
    "text_writer",
    "weights",
    "write_atomically",
    "write_text",
    "write_together",
]
