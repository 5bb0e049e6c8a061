"""Documents of FHIR: DocumentReference with its attachment or Binary, Composition, and the form in which a report is presented.

Each gives NOTE//<code of its type>, NOTE//<text of its type>, or NOTE. A text/plain is the text character by character; text/html
and narratives (XHTML) are the text without its markup, a line for each block. Of several attachments, which are the same document
in several forms, the first text is taken. A DocumentReference of other content is refused; a report that presents itself in
another form is a report without a document, which is counted.

A Composition is its sections: each its title, its text, and the sections inside it, with blank lines between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sequela.errors import DataError
from sequela.readers import _documents, _fhir_attachments, _fhir_events
from sequela.readers import _fhir_types as fhir
from sequela.readers._fhir_attachments import Kept, Unread
from sequela.readers._fhir_teller import Event, LeftOut, Teller, Told, when
from sequela.readers._fhir_types import Concept, Reference
from sequela.readers._markup import plain
from sequela.text import documents

NOT_READ = 'leave_out = ["DocumentReference"] reads none'


def _document(teller: Teller, _: str, document: fhir.DocumentReference) -> Told:
    subject = teller.subject(document.subject)
    if document.doc_status == "entered-in-error":
        raise LeftOut(document.doc_status)
    attachments = [content.attachment for content in document.content]
    created = next((one.creation for one in attachments if one.creation), "")
    written = document.date or created
    at = when(teller.span("", document.context.period) or teller.moment(written))
    visit = teller.place("DocumentReference", next(iter(document.context.encounter), None), subject).visit
    try:
        text = _fhir_attachments.text(attachments, _binaries(teller))
    except Unread as error:
        raise DataError(f"{error.message}; {NOT_READ}") from error
    return Told(subject, [Event(_code(teller, document.type), at.start, None, text, visit, teller.recorded(at, written))])


def _binaries(teller: Teller) -> Callable[[str], Kept]:
    def find(url: str) -> Kept:
        found = teller.index.binaries.get(teller.index.find("Binary", Reference(url)))
        if found is None:
            raise DataError("the Binary that it refers to is not in the data")
        return found

    return find


def _code(teller: Teller, kind: Concept | None) -> str:
    """Of a document of this type."""
    if kind is None or not any(coding.code for coding in kind.coding):
        return documents.code(kind.text.strip() if kind else "")
    plain_code = teller.codes.of(kind)
    code = documents.code(plain_code)
    teller.codes.descriptions.setdefault(code, teller.codes.descriptions[plain_code])
    return code


def _composition(teller: Teller, _: str, composition: fhir.Composition) -> Told:
    subject = teller.subject(composition.subject)
    at = when(teller.moment(composition.date))
    visit = teller.place("Composition", composition.encounter, subject).visit
    if not (text := "\n\n".join(_sections(composition.section))):
        raise LeftOut("no section says anything in words")
    _documents.check(text)
    return Told(subject, [Event(_code(teller, composition.type), at.start, None, text, visit, teller.recorded(at, ""))])


def _sections(sections: list[fhir.Section]) -> Iterator[str]:
    """What each says that says anything."""
    for section in sections:
        own = "\n".join(part for part in (section.title.strip(), plain(section.text.div)) if part)
        if own:
            yield own
        yield from _sections(section.section)


def _report(teller: Teller, identity: str, report: fhir.DiagnosticReport) -> Told:
    told = _fhir_events.TELLS["DiagnosticReport"](teller, identity, report)
    if not report.presented_form:
        return told
    try:
        text = _fhir_attachments.text(report.presented_form, _binaries(teller))
    except DataError as error:
        teller.remarks[f"DiagnosticReport: the form in which it is presented is left out: {error.message}"] += 1
        return told
    first = told.events[0]
    return Told(told.subject, [*told.events, first._replace(code=_code(teller, report.code), text=text)])


TELLS: Mapping[str, Callable[[Teller, str, Any], Told]] = {
    "DocumentReference": _document,
    "Composition": _composition,
    "DiagnosticReport": _report,
}
