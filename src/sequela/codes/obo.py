"""What stands above each term of an ontology in OBO format: `is_a` and `part_of`, as the Gene Ontology is used for annotation.

    [Term]
    id: GO:0004672
    is_a: GO:0016301 ! kinase activity
    relationship: part_of GO:0006468 ! protein phosphorylation

Obsolete terms are left out, and so are other relationships and other stanzas. Source: OBO flat file format 1.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sequela.errors import DataError

Stanza = list[tuple[int, str, str]]  # line, tag, value


def parents(lines: Iterable[str]) -> dict[str, list[str]]:
    """Each term's next broader ones, in the order of the file.

    Raises DataError, with the line, for a term without an id, one that stands there twice, and a parent that is no term.
    """
    found: dict[str, list[str]] = {}
    places: dict[str, int] = {}
    for line, term in _terms(lines):
        told = {tag: value for _, tag, value in term}
        if "id" not in told:
            raise DataError(f"line {line}: a term has no id")
        if told["id"] in found:
            raise DataError(f"line {line}: the term {told['id']} stands in line {places[told['id']]} already")
        if told.get("is_obsolete") != "true":
            places[told["id"]] = line
            found[told["id"]] = list(dict.fromkeys(_above(term)))
    _check(found, places)
    return found


def _terms(lines: Iterable[str]) -> Iterator[tuple[int, Stanza]]:
    """Each stanza of a term, with the line at which it begins."""
    held: tuple[int, Stanza] | None = None
    for number, text in enumerate(lines, 1):
        line = text.strip()
        if line.startswith("["):
            if held is not None:
                yield held
            held = (number, []) if line == "[Term]" else None
        elif held is not None and ":" in line:
            tag, _, value = line.partition(":")
            held[1].append((number, tag, value.partition(" !")[0].partition(" {")[0].strip()))
    if held is not None:
        yield held


def _above(term: Stanza) -> Iterator[str]:
    for _, tag, value in term:
        if tag == "is_a":
            yield value
        elif tag == "relationship" and value.startswith("part_of "):
            yield value.removeprefix("part_of ").strip()


def _check(found: Mapping[str, list[str]], places: Mapping[str, int]) -> None:
    for name, above in found.items():
        if missing := [one for one in above if one not in found]:
            raise DataError(f"line {places[name]}: {missing[0]}, above {name}, is no term of the file that is in use")
