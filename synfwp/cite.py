"""Citations: ``references.bib`` read, and printed as a sentence and as BibTeX."""

import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from synfwp.checks import lookup

BIBLIOGRAPHY = Path(__file__).with_name("references.bib")
_ACCENTS = {'"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "c": "\u0327"}
_VENUES = ("journal", "booktitle", "publisher", "howpublished")


@dataclass(frozen=True)
class Entry:
    """One entry of the bibliography: its key, its fields (TeX), and its BibTeX as it stands in the file."""

    key: str
    fields: Mapping[str, str]
    bibtex: str

    @property
    def text(self) -> str:
        """The entry as one sentence: authors (year). Title. Venue volume(number):pages. Address.

        Examples
        --------
        >>> entries()["hebb1949"].text
        'Hebb, Donald O. (1949). The organization of behavior: a neuropsychological theory. Wiley.'
        """
        field = {name: _plain(value) for name, value in self.fields.items()}
        venue = next(field[name] for name in _VENUES if name in field)
        place = field.get("volume", "") + (f"({field['number']})" if "number" in field else "")
        place = ":".join(part for part in (place, field.get("pages", "")) if part)
        address = f" doi:{field['doi']}." if "doi" in field else ""
        address += f" arXiv:{field['eprint']}." if "eprint" in field else ""
        people = [_plain(name) for name in self.fields["author"].split(" and ")]
        authors = " & ".join(part for part in ("; ".join(people[:-1]), people[-1]) if part)
        return f"{authors} ({field['year']}). {field['title']}. {' '.join(filter(None, (venue, place)))}.{address}"


def citation(name: Any, named: Mapping[str, str] | None = None) -> str:
    """How to cite a paper, or the papers of a row: each as a sentence and as BibTeX.

    Parameters
    ----------
    name : str or object
        A key of ``references.bib``, several with commas between them, or anything with such a text as ``.cite``
        (a `Rule`).
    named : mapping, optional
        Further names and their keys: `synfwp.programs` gives those of the rules, models and analyses.

    Raises
    ------
    ValueError
        If the name is unknown; the closest one is suggested.

    Examples
    --------
    >>> print(citation("hebb1949"))
    Hebb, Donald O. (1949). The organization of behavior: a neuropsychological theory. Wiley.
    <BLANKLINE>
    @book{hebb1949,
      author = {Hebb, Donald O.},
      title = {The organization of behavior: a neuropsychological theory},
      publisher = {Wiley},
      year = {1949},
    }
    """
    known = {**{key: key for key in entries()}, **(named or {})}
    text = getattr(name, "cite", name)
    if not isinstance(text, str):
        raise TypeError(f"name is {name!r}; pass a key of the bibliography, or a rule.")
    keys = [key for part in _split(text) for key in _split(lookup("name to cite", part, known))]
    if not keys:
        raise ValueError(f"{getattr(name, 'name', name)!r} cites nothing; pass a key such as 'irie2025'.")
    found = [lookup("key", key, entries()) for key in dict.fromkeys(keys)]
    return "\n\n".join(f"{entry.text}\n\n{entry.bibtex}" for entry in found)


@functools.cache
def entries() -> Mapping[str, Entry]:
    """The bibliography by key.

    Examples
    --------
    >>> entries()["schlag2021"].fields["year"]
    '2021'
    """
    found: dict[str, Entry] = {}
    for match in re.finditer(r"^@\w+\{([^,\s]+),\n(.*?)^\}$", BIBLIOGRAPHY.read_text("utf-8"), re.M | re.S):
        key, body = match.groups()
        fields = {name.lower(): value for name, value in re.findall(r"^\s*(\w+) = \{(.*)\},$", body, re.M)}
        if key in found:
            raise ValueError(f"{key!r} stands twice in {BIBLIOGRAPHY.name}; give each entry its own key.")
        found[key] = Entry(key, MappingProxyType(fields), match.group(0))
    return MappingProxyType(found)


def _split(text: str) -> list[str]:
    """The keys in a text with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _plain(tex: str) -> str:
    """TeX as plain text: accents composed, dashes short, braces gone."""
    accent = re.compile(r"""\{\\(["'`^~]|c\s)\s*(\w)\}""")
    text = accent.sub(lambda match: match.group(2) + _ACCENTS[match.group(1).strip()], tex)
    return unicodedata.normalize("NFC", text).replace("--", "-").replace("{", "").replace("}", "")
