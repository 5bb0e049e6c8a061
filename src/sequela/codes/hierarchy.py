"""What is broader than a code named SYSTEM//code: subcategory, category, block, chapter; the levels of ATC.

ICD9CM//038.11      ICD9CM//038.1 · ICD9CM//038 · ICD9CM//BLOCK//030-041 · ICD9CM//CHAPTER//001-139
ICD9PROC//96.71     ICD9PROC//96.7 · ICD9PROC//96 · ICD9PROC//CHAPTER//87-99
ICD10CM//C50.911    … · ICD10CM//C50 · ICD10CM//BLOCK//C50 · //C00-C75 · //C00-C96 · ICD10CM//CHAPTER//C00-D49
ICD10PCS//0BH17EZ   ICD10PCS//TABLE//0BH · ICD10PCS//SYSTEM//0B · ICD10PCS//SECTION//0
ATC//C03CA01        ATC//C03CA · ATC//C03C · ATC//C03 · ATC//C
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TypeAlias

from sequela.codes import atc, icd9, icd10
from sequela.codes._ranges import ends, ranges
from sequela.errors import DataError

_Of: TypeAlias = Callable[[str], tuple[str, ...]]  # from a category to the ranges that hold it
_PCS_LEVELS = {"TABLE": 3, "SYSTEM": 2, "SECTION": 1}  # how many characters name a level


@cache
def parents(code: str) -> tuple[str, ...]:
    """The broader codes of a code in its own system, the nearest first.

    () where the system has no hierarchy here, where the code is none of its system, and for the broadest (a chapter).

    >>> parents("ICD9CM//038.9")
    ('ICD9CM//038', 'ICD9CM//BLOCK//030-041', 'ICD9CM//CHAPTER//001-139')
    >>> parents("LOINC//2160-0")
    ()
    """
    system, _, rest = code.partition("//")
    broader = _SYSTEMS.get(system)
    if broader is None:
        return ()
    try:
        return tuple([f"{system}//{name}" for name in broader(rest)])
    except DataError:
        return ()


def ancestors(code: str, further: Callable[[str], Sequence[str]] | None = None) -> tuple[str, ...]:
    """All broader codes, the nearest first, each once: those of `parents` and those that `further` adds to any of them.

    `further` gives what a mapping file (CodeMap.targets) or the code table of a store says of a code.
    """
    found: list[str] = []
    waiting = [code]
    while waiting:
        narrow = waiting.pop(0)
        for broader in (*parents(narrow), *(further(narrow) if further else ())):
            if broader != code and broader not in found:
                found.append(broader)
                waiting.append(broader)
    return tuple(found)


def _icd9cm(rest: str) -> tuple[str, ...]:
    if "//" in rest:
        return _above(rest, ranges("icd9cm", "blocks"), icd9.blocks, icd9.chapters)
    code = icd9.dotted(rest)
    category = icd9.category(code)
    return _shorter(code, category) + _ranges_of(category, icd9.blocks, icd9.chapters)


def _icd9proc(rest: str) -> tuple[str, ...]:
    if "//" in rest:
        return ()
    code = icd9.dotted_procedure(rest)
    category = icd9.category(code)
    return _shorter(code, category) + _ranges_of(category, _none, icd9.procedure_chapters)


def _icd10cm(rest: str) -> tuple[str, ...]:
    if "//" in rest:
        return _above(rest, ranges("icd10cm", "blocks"), icd10.blocks, icd10.chapters)
    code = icd10.dotted(rest)
    category = icd10.category(code)
    return _shorter(code, category) + _ranges_of(category, icd10.blocks, icd10.chapters)


def _icd10pcs(rest: str) -> tuple[str, ...]:
    level, _, short = rest.rpartition("//")
    length = _PCS_LEVELS[level] if level in _PCS_LEVELS else len(icd10.procedure(rest))
    return tuple(f"{name}//{short[:size]}" for name, size in _PCS_LEVELS.items() if size < length)


def _atc(rest: str) -> tuple[str, ...]:
    return atc.broader(atc.code(rest))


def _shorter(code: str, category: str) -> tuple[str, ...]:
    """The subcategories above a code, each a character shorter, and its category; a seventh goes with its placeholders X."""
    found = []
    while code != category:
        seventh = len(code) == len("S72.001A")
        code = code[:-1].rstrip("X") if seventh else code[:-1]
        code = code.rstrip(".")
        found.append(code)
    return tuple(found)


@cache
def _ranges_of(category: str, blocks: _Of, chapters: _Of) -> tuple[str, ...]:
    """The blocks and the chapter that hold a category: many codes share them."""
    return _named(blocks(category), chapters(category))


def _none(category: str) -> tuple[str, ...]:
    """Procedures of ICD-9 have no blocks."""
    return ()


def _named(blocks: Sequence[str], chapters: Sequence[str]) -> tuple[str, ...]:
    return (*(f"BLOCK//{block}" for block in blocks), *(f"CHAPTER//{chapter}" for chapter in chapters))


def _above(rest: str, known: Sequence[str], blocks: _Of, chapters: _Of) -> tuple[str, ...]:
    """What is broader than a block; nothing is broader than a chapter."""
    level, _, written = rest.partition("//")
    if level != "BLOCK" or written not in known:
        return ()
    first, last = ends(written)
    wider = [block for block in blocks(first) if block != written and ends(block)[1] >= last]
    return _named(wider, chapters(first))


_SYSTEMS: Mapping[str, _Of] = {
    "ICD9CM": _icd9cm,
    "ICD9PROC": _icd9proc,
    "ICD10CM": _icd10cm,
    "ICD10PCS": _icd10pcs,
    "ATC": _atc,
}
