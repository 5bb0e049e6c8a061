"""Variants as sequences: the letters around each in a reference genome, with its alternative allele and without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers import fasta
from sequela.readers._sequence_events import Sample
from sequela.readers._vcf_records import Site

OUTSIDE = "N"  # the letter of what lies beyond the end of a contig


@dataclass(frozen=True, slots=True)
class Variant:
    """One alternative allele of a site."""

    site: Site
    alternative: str
    where: str  # file and line
    part: str
    labels: Mapping[str, str]
    static: Mapping[str, str]


def samples(
    variants: Mapping[str, Sequence[Variant]], source: Source, reference: str, around: int, sink: Sink
) -> Iterator[Sample]:
    """Each variant, by chromosome, as the reference file has them in turn; one contig is in memory at a time.

    One whose reference allele is not what stands there, or whose chromosome is no contig, is refused. Raises DataError where no
    chromosome is a contig.
    """
    left = dict(variants)
    names: list[str] = []
    for record in fasta.records(source, reference):
        names.append(record.header.partition(" ")[0])
        for variant in left.pop(names[-1], ()):
            try:
                yield _sample(variant, record.letters, around)
            except DataError as error:
                sink.refuse(variant.where, error.message)
        sink.progress(len(variants) - len(left), len(variants))
    if left and len(left) == len(variants):
        raise DataError(
            f"no chromosome of the variants ({', '.join(list(left)[:3])}) is a contig of {reference}",
            hint=f"its contigs are called {', '.join(names[:3])}",
        )
    for variant in (one for held in left.values() for one in held):
        sink.refuse(variant.where, "a chromosome that is no contig of the reference")


def _sample(variant: Variant, contig: str, around: int) -> Sample:
    """Raises DataError where the reference allele is not what the reference has there."""
    site = variant.site
    begin = site.place - 1
    end = begin + len(site.reference)
    if begin < 0 or contig[begin:end].upper() != site.reference.upper():
        raise DataError("a reference allele that is not what the reference has there", hint="is it the same genome build?")
    before = contig[max(0, begin - around) : begin].rjust(around, OUTSIDE)
    after = contig[end : end + around].ljust(around, OUTSIDE)
    return Sample(
        subject=site.name(variant.alternative),
        sequences={"context": before + variant.alternative + after, "reference": before + contig[begin:end] + after},
        name=variant.where,
        labels=variant.labels,
        static=variant.static,
        names={"chromosome": site.chromosome},
        part=variant.part,
    )
