"""The lines of VCF files: the header, and of each site its alleles, its filters, what is told of it, the genotypes.

Source: The Variant Call Format Specification, VCFv4.3, https://samtools.github.io/hts-specs/VCFv4.3.pdf
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sequela.contracts import Source
from sequela.errors import DataError
from sequela.readers import _sequence_lines
from sequela.readers._sequence_lines import Progress

FIXED = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
MISSING = "."
_LETTERS = re.compile(r"[ACGTNRYSWKMBDHV]+", re.IGNORECASE)
_PLACE = re.compile(r"[0-9]{1,12}")
_ALLELES = re.compile(r"[|/]")


@dataclass(frozen=True, slots=True)
class Header:
    """What stands above the sites."""

    told: tuple[str, ...]  # the lines that begin with ##
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """A line: a place, and what was found there."""

    line: int
    chromosome: str
    place: int  # of the first letter of the reference allele, counted from 1
    reference: str
    alternatives: tuple[str, ...]
    quality: float | None
    filters: tuple[str, ...]
    info: Mapping[str, str]  # key -> value; "" of a flag
    genotypes: Sequence[str]  # of each sample, as 0/1; empty where the line has none

    def name(self, alternative: str) -> str:
        """What one alternative allele is called: 7:140753336:A>T."""
        return f"{self.chromosome}:{self.place}:{self.reference}>{alternative}"


def opened(source: Source, file: str, progress: Progress) -> tuple[Header, Iterator[tuple[int, str]]]:
    """The header, and the number and text of each line below it. Raises DataError where the file is not VCF."""
    numbered = enumerate(_sequence_lines.lines(source, file, progress), 1)
    told: list[str] = []
    for number, text in numbered:
        if number == 1 and not text.startswith("##fileformat=VCFv4"):
            raise DataError(
                f"{file} is not VCF 4: its first line says no fileformat", hint="of BCF, bcftools view FILE.bcf makes VCF"
            )
        if not text.startswith("##"):
            return Header(tuple(told), _samples(file, number, text)), numbered
        told.append(text)
    raise DataError(f"{file} has no line #CHROM")


def _samples(file: str, number: int, text: str) -> tuple[str, ...]:
    columns = text.split("\t")
    if tuple(columns[: len(FIXED)]) != FIXED or not _sequence_lines.is_text(text):
        raise DataError(f"{file} line {number} is no line of columns", hint=f"expected, with tabs between: {' '.join(FIXED)} …")
    samples = tuple(columns[len(FIXED) + 1 :])
    if len(set(samples)) < len(samples) or "" in samples:
        raise DataError(f"{file} has samples of one name, or without one")
    return samples


def site(number: int, text: str, header: Header) -> Site:
    """The site of a line. Raises DataError where it is none."""
    columns = text.split("\t")
    expected = len(FIXED) + (1 + len(header.samples) if header.samples else 0)
    if len(columns) != expected and not (len(columns) == expected + 1 and not header.samples):
        raise DataError("more or fewer columns than the line #CHROM")
    chromosome, place, _, reference, alternatives, quality, filters, info = columns[: len(FIXED)]
    if not chromosome or not _sequence_lines.is_text(text) or not _PLACE.fullmatch(place):
        raise DataError("a site without a place")
    if not _LETTERS.fullmatch(reference):
        raise DataError("a reference allele that is not of letters")
    return Site(
        line=number,
        chromosome=chromosome,
        place=int(place),
        reference=reference,
        alternatives=() if alternatives == MISSING else tuple(alternatives.split(",")),
        quality=_quality(quality),
        filters=tuple(filters.split(";")),
        info=dict(_pair(one) for one in info.split(";") if one != MISSING),
        genotypes=_genotypes(columns[len(FIXED) :]) if header.samples else (),
    )


def _quality(text: str) -> float | None:
    try:
        return None if text == MISSING else float(text)
    except ValueError as error:
        raise DataError("a quality that is no number") from error


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key, value


def _genotypes(columns: Sequence[str]) -> list[str]:
    """Of a line's format and samples. Raises DataError where the format has no genotypes."""
    keys = columns[0].split(":")
    if "GT" not in keys:
        raise DataError("a site without genotypes (GT)")
    place = keys.index("GT")  # the first, by the standard; tools have written others
    if place == 0:
        return [column.partition(":")[0] for column in columns[1:]]
    return [(column.split(":") + [MISSING] * place)[place] for column in columns[1:]]


def is_letters(allele: str) -> bool:
    """Whether an alternative allele is of letters: neither symbolic (<DEL>), nor a breakend, nor a deletion from before (*)."""
    return _LETTERS.fullmatch(allele) is not None


def alleles(genotype: str, count: int) -> tuple[int, ...] | None:
    """The alleles of a genotype that are known, 0 being the reference; None where any is missing.

    Raises DataError for a genotype of alleles that are none of the `count`.

    >>> alleles("0|2", 3), alleles("1", 2), alleles("./1", 2)
    ((0, 2), (1,), None)
    """
    found = _ALLELES.split(genotype)
    if MISSING in found:
        return None
    if not all(one.isdecimal() and one.isascii() and int(one) < count for one in found):
        raise DataError("a genotype of alleles that its site has not")
    return tuple(map(int, found))
