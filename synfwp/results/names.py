"""Names that can stand in a Dataset and in a file, each given out once."""

import unicodedata
from collections.abc import Iterable
from typing import Any


def check_name(name: Any, what: str = "name") -> str:
    """``name`` if it can be part of the name of a variable of a file.

    Raises
    ------
    ValueError
        If it is no text, is empty, or holds "/", a control character, or half of a character.

    Examples
    --------
    >>> check_name("E to I")
    'E to I'
    >>> check_name("E/I", "name of a projection")
    Traceback (most recent call last):
    ...
    ValueError: name of a projection is 'E/I'; pass a text without '/' and control characters.
    """
    usable = isinstance(name, str) and name != "" and "/" not in name
    if not usable or any(unicodedata.category(one) in ("Cc", "Cs") for one in name):
        raise ValueError(f"{what} is {_brief(name)}; pass a text without '/' and control characters.")
    return str(name)


class Names:
    """Names of the variables and dims of one Dataset, by what they stand for.

    Examples
    --------
    >>> names = Names("rename the projection or the population.")
    >>> names.give(["W_p_end"], "the weights of 'p' at the end")
    >>> names.give(["W_p_end"], "the record of 'W' of 'p_end'")
    Traceback (most recent call last):
    ...
    ValueError: the record of 'W' of 'p_end' and the weights of 'p' at the end would both be 'W_p_end' in the ...
    """

    def __init__(self, cure: str) -> None:
        self.cure = cure
        self.given: dict[str, str] = {}

    def give(self, names: Iterable[str], owner: str) -> None:
        """Give names to an owner, who may have them already.

        Raises
        ------
        ValueError
            If one of them has another owner. Names that look the same (composed letters) are the same.
        """
        for name in names:
            key = unicodedata.normalize("NFC", name)
            other = self.given.setdefault(key, owner)
            if other != owner:
                raise ValueError(f"{owner} and {other} would both be {_brief(name)} in the Dataset; {self.cure}")


def _brief(name: Any) -> str:
    """A name for a message."""
    text = repr(name) if isinstance(name, str) else f"a {type(name).__name__}"
    return text if len(text) <= 80 else f"{text[:60]}... ({len(name)} characters)"
