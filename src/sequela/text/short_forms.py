"""Short forms and what they stand for, where a text says so: "ataxia telangiectasia (A-T)".

The rules of Schwartz and Hearst 2003: what stands in brackets is a short form if its letters are found, in order and from the
right, in the words before it, the first of them at the beginning of a word; the long form begins there.
"""

from __future__ import annotations

import re

LONGEST, SHORTEST = 10, 2  # characters of a short form
_BRACKETED = re.compile(r"\(([^()]{2,40})\)")


def short_forms(text: str) -> dict[str, str]:
    """Short form -> long form, as both stand in the text; the first where a short form is told twice.

    >>> short_forms("Patients with von Hippel-Lindau (VHL) disease")
    {'VHL': 'von Hippel-Lindau'}
    """
    found: dict[str, str] = {}
    for match in _BRACKETED.finditer(text):
        short = re.split(r"[,;]", match[1])[0].strip()
        if short not in found and _may_be(short):
            long = _long(short, text[: match.start()].rstrip())
            if long:
                found[short] = long
    return found


def _may_be(short: str) -> bool:
    """Whether this can be a short form: of two to ten characters and two words at most, with a letter, and begun by no sign."""
    if not SHORTEST <= len(short) <= LONGEST or len(short.split()) > 2:
        return False
    return short[0].isalnum() and any(character.isalpha() for character in short)


def _long(short: str, before: str) -> str:
    """The long form at the end of this text; "" where there is none."""
    letters = [character.lower() for character in short if character.isalnum()]
    words = before.split()[-min(len(letters) + 5, 2 * len(letters)) :]
    window = " ".join(words)
    lower, at = window.lower(), len(window) - 1
    for place in range(len(letters) - 1, -1, -1):
        while at >= 0 and (lower[at] != letters[place] or (place == 0 and at > 0 and lower[at - 1].isalnum())):
            at -= 1
        if at < 0:
            return ""
        at -= 1
    long = window[at + 1 :]
    return long if len(long) > len(short) and short not in long.split() else ""
