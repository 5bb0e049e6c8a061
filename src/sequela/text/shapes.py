"""The shape of a word: what it looks like whatever it says, such as capitals or digits, as one of a few numbers."""

from __future__ import annotations

from sequela.text import characters

NAMES = (
    "other",
    "lower",
    "capitalised",
    "upper",
    "mixed",
    "digits",
    "number",
    "letters and digits",
    "letters",
    "han",
    "sign",
    "signs",
)
OTHER, LOWER, CAPITALISED, UPPER, MIXED, DIGITS, NUMBER, ALPHANUMERIC, LETTERS, HAN, SIGN, SIGNS = range(len(NAMES))
SHAPES = len(NAMES)


def shape(word: str) -> int:
    """The number of its shape, in range(SHAPES): "Wilson" is capitalised, "DNA" upper, "mRNA" mixed, "1.5" a number.

    A letter alone that is a capital is upper; letters of scripts without case are "letters".

    >>> [NAMES[shape(word)] for word in ("fever", "Wilson", "mRNA", "BRCA1", "1.5", "热", "-")]
    ['lower', 'capitalised', 'mixed', 'letters and digits', 'number', 'han', 'sign']
    """
    if word.isalpha():
        return _of_letters(word)
    if word.isnumeric():
        return DIGITS
    if word.isalnum():
        return ALPHANUMERIC
    return _of_signs(word)


def _of_letters(word: str) -> int:
    if word.islower():
        return LOWER
    if word.isupper():
        return UPPER
    if word[1:].islower() and word[0].isupper():
        return CAPITALISED
    if word.lower() != word.upper():
        return MIXED
    return HAN if characters.is_han(word[0]) else LETTERS


def _of_signs(word: str) -> int:
    """Of a word that has something else than letters and digits in it."""
    if not word:
        return OTHER
    if word[0].isnumeric():
        return NUMBER if not any(character.isalpha() for character in word) else ALPHANUMERIC
    if word[0].isalnum():
        plain = "".join(character for character in word if character.isalnum())
        return shape(plain)
    return SIGN if len(word) == 1 else SIGNS
