"""The genotypes of samples as events: how many of an allele each has, or how many alternative alleles in each gene.

VARIANT//<chromosome>:<place>:<reference>><alternative>   event: 1 or 2 (of a pair of chromosomes), never 0
GENE//<gene>                                              event: alternative alleles in it, over all of its sites
ALTERNATIVE_ALLELES, MISSING_GENOTYPES                    static: of the sample
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from sequela.contracts import Sink
from sequela.errors import DataError
from sequela.readers import _vcf_records
from sequela.readers._samples import events
from sequela.readers._vcf_genes import Annotation
from sequela.readers._vcf_records import Site

TOGETHER = 200_000  # events that are written at once


@dataclass
class _Person:
    """What is counted of one sample."""

    alternative: int = 0
    missing: int = 0
    genes: Counter[str] = field(default_factory=Counter)


@dataclass
class Genotypes:
    """Takes sites one by one; what is counted of samples is written on `close`."""

    sink: Sink
    _people: dict[str, _Person] = field(default_factory=dict)
    _known: dict[tuple[str, ...], set[str]] = field(default_factory=dict)  # samples -> the variants that were taken
    _held: list[tuple[str, str, int]] = field(default_factory=list)  # sample, code, dose

    def take(self, site: Site, kept: Sequence[tuple[int, str]], samples: tuple[str, ...], annotation: Annotation | None) -> None:
        """Counts the alleles that are kept, by their numbers in genotypes.

        Raises DataError, and takes nothing, for a genotype that cannot be, or a variant that came before.
        """
        names = {number: site.name(allele) for number, allele in kept}
        called = {one: _vcf_records.alleles(one, len(site.alternatives) + 1) for one in set(site.genotypes)}
        if samples not in self._known:
            self._people = {sample: _Person() for sample in samples} | self._people
        known = self._known.setdefault(samples, set())
        if not known.isdisjoint(names.values()):
            raise DataError("a variant that came before")
        known.update(names.values())
        genes = {number: annotation.genes(site, allele) for number, allele in kept} if annotation else {}
        doses = {one: found for one, alleles in called.items() if (found := _doses(alleles, names)) or alleles is None}
        for sample, genotype in zip(samples, site.genotypes, strict=True):
            if genotype not in doses:  # of reference alleles alone, as most are
                continue
            person = self._people[sample]
            person.missing += called[genotype] is None
            for number, dose in doses[genotype]:
                person.alternative += dose
                if annotation is None:
                    self._held.append((sample, f"VARIANT//{names[number]}", dose))
                else:
                    person.genes.update(dict.fromkeys(genes[number], dose))
        if len(self._held) >= TOGETHER:
            self._give("event")

    def close(self) -> None:
        """Writes what is left. Raises DataError where no site was taken."""
        if not self._people:
            raise DataError("no site that could be used", hint="see filters and min_quality")
        self._held += [(name, f"GENE//{gene}", dose) for name, one in self._people.items() for gene, dose in one.genes.items()]
        self._give("event")
        self._held += [(name, "ALTERNATIVE_ALLELES", one.alternative) for name, one in self._people.items()]
        self._held += [(name, "MISSING_GENOTYPES", one.missing) for name, one in self._people.items()]
        self._give("static")

    def _give(self, kind: str) -> None:
        if not self._held:
            return
        samples, codes, doses = zip(*self._held, strict=True)
        for code in dict.fromkeys(codes):
            self.sink.code(code, kind)
        columns = {"code": pl.Series(codes, dtype=pl.String), "numeric_value": pl.Series(doses, dtype=pl.Float32)}
        self.sink.events(events(samples, "", columns))
        self._held.clear()


def _doses(alleles: Iterable[int] | None, names: Mapping[int, str]) -> list[tuple[int, int]]:
    """How many of each allele that is kept a genotype has, where any."""
    return [(number, dose) for number, dose in Counter(alleles or ()).items() if number in names]
