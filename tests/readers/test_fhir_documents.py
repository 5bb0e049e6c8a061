"""Documents of FHIR: from attachments, binaries, compositions and reports; what is no text is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.readers import _markup

Json = dict[str, Any]
PATIENT: Json = {"resourceType": "Patient", "id": "P", "gender": "female", "birthDate": "1950-05-01"}
ADMITTED: Json = {
    "resourceType": "Encounter", "id": "E", "status": "finished", "class": {"code": "IMP"}, "subject": {"reference": "Patient/P"},
    "period": {"start": "2020-05-01T08:00:00Z", "end": "2020-05-03T10:00:00Z"},
}  # fmt: skip
TYPE = {"coding": [{"system": "http://loinc.org", "code": "18842-5", "display": "Discharge summary"}]}
TEXT = "  Plan:\r\n37 °C, 血压正常. \n"
CODE = "NOTE//LOINC//18842-5"


@pytest.fixture
def told(written: Callable[..., Any]) -> Callable[..., Any]:
    """What is written of these resources of one patient."""

    def reading(*resources: Json, **options: Any) -> Any:
        return written("fhir", {"all.ndjson": "\n".join(map(json.dumps, [PATIENT, ADMITTED, *resources]))}, **options)

    return reading


def attached(text: str = TEXT, content_type: str = "text/plain", charset: str = "utf-8", **more: Any) -> Json:
    return {"contentType": content_type, "data": base64.b64encode(text.encode(charset)).decode(), **more}


def reference(*attachments: Json, **elements: Any) -> Json:
    given = {
        "resourceType": "DocumentReference", "id": "D", "status": "current", "subject": {"reference": "Patient/P"}, "type": TYPE,
        "date": "2020-05-02T12:00:00Z", "content": [{"attachment": one} for one in attachments],
    }  # fmt: skip
    return given | elements


def notes(sink: Any) -> list[dict[str, Any]]:
    return [row for frame in sink.frames for row in frame.iter_rows(named=True) if row["code"].partition("//")[0] == "NOTE"]


def texts(sink: Any) -> list[str]:
    return [note["text_value"] for note in notes(sink)]


def test_an_attachment_is_a_document_character_by_character(told: Any) -> None:
    context = {"encounter": [{"reference": "Encounter/E"}]}
    sink = told(reference(attached(), context=context))
    (note,) = notes(sink)
    assert (note["code"], note["text_value"], note["visit"]) == (CODE, TEXT, 1)
    assert note["time"] == datetime(2020, 5, 2, 12) and note["available"] is None
    assert sink.codes[CODE] == ("text", "") and not sink.refused


def test_a_document_of_a_period_begins_with_it_and_is_known_when_it_is_written(told: Any) -> None:
    context = {"period": {"start": "2020-05-01T08:00:00Z", "end": "2020-05-02T08:00:00Z"}}
    (note,) = notes(told(reference(attached(), context=context)))
    assert (note["time"], note["available"]) == (datetime(2020, 5, 1, 8), datetime(2020, 5, 2, 12))
    (note,) = notes(told(reference(attached(), context=context, date="")))
    assert note["available"] == datetime(2020, 5, 2, 8)


def test_a_type_may_be_told_in_words_or_not_at_all(told: Any) -> None:
    assert notes(told(reference(attached(), type={"text": "Ward round"})))[0]["code"] == "NOTE//Ward round"
    assert notes(told(reference(attached(), type=None)))[0]["code"] == "NOTE"


def test_a_charset_is_heeded(told: Any) -> None:
    content_type = "text/plain; charset=ISO-8859-1"
    assert texts(told(reference(attached("Fièvre", content_type, "latin-1")))) == ["Fièvre"]


@pytest.mark.parametrize("url", ["Binary/B", "http://server.example/fhir/Binary/B"])
@pytest.mark.parametrize("first", [True, False])
def test_a_url_leads_to_the_binary_in_the_data_whichever_comes_first(told: Any, url: str, first: bool) -> None:
    binary = {"resourceType": "Binary", "id": "B", **attached()}
    document = reference({"contentType": "text/plain", "url": url})
    sink = told(*([binary, document] if first else [document, binary]))
    assert texts(sink) == [TEXT] and not sink.refused and sink.accepted == 4


def test_of_several_forms_the_first_text_is_taken(told: Any) -> None:
    pdf = {"contentType": "application/pdf", "data": "JVBERi0="}
    assert texts(told(reference(pdf, attached("<p>as a page</p>", "text/html"), attached()))) == ["as a page"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (reference({"contentType": "application/pdf", "data": "JVBERi0="}), "no text but application/pdf; leave_out"),
        (reference({"contentType": "application/rtf", "url": "Binary/B"}), "no text but application/rtf"),
        (reference({"contentType": "text/plain", "url": "Binary/X"}), "the Binary that it refers to is not in the data"),
        (reference({"contentType": "text/plain", "data": "%%%"}), "no base64"),
        (reference(attached("F\xe8vre", charset="latin-1")), "no text in their charset"),
        (reference(attached(content_type="text/plain; charset=klingon")), "a charset that nobody knows"),
        (reference(attached(" \n")), "empty"),
        (reference(attached("a\0b")), "no text in their charset"),
        (reference(), "no text but no content"),
        (reference(attached(), date=""), "no time"),
        (reference(attached(), subject=None), "no subject"),
        (reference(attached(), indexed="2020-05-02T12:00:00Z"), "is of FHIR STU3"),
        (reference(attached(), context=[{"reference": "Encounter/E"}]), "not as in R4"),
    ],
)
def test_a_document_that_cannot_be_used_is_refused_by_its_place(told: Any, document: Json, reason: str) -> None:
    sink = told({key: value for key, value in document.items() if value is not None})
    assert list(sink.refused) == ["all.ndjson line 3"] and reason in sink.refused["all.ndjson line 3"], sink.refused
    assert not notes(sink) and "vre" not in str(sink.refused)


def test_what_was_entered_in_error_is_left_out_and_counted(told: Any) -> None:
    sink = told(reference(attached(), status="entered-in-error"), reference(attached(), id="D2", docStatus="entered-in-error"))
    assert not notes(sink) and not sink.refused
    assert sink.notes["DocumentReference: rows ignored: entered-in-error"] == 2


def test_documents_may_be_left_out(told: Any) -> None:
    sink = told(reference({"contentType": "application/pdf"}), leave_out=["DocumentReference"])
    assert not sink.refused and sink.notes["DocumentReference: rows ignored: not read by this reader"] == 1


def test_a_later_version_takes_the_place_of_an_earlier_one(told: Any) -> None:
    first, second = ({"versionId": str(n), "lastUpdated": f"2020-05-02T1{2 + n}:00:00Z"} for n in (1, 2))
    sink = told(reference(attached("Draft."), meta=first), reference(attached("Final."), meta=second))
    (draft, final) = sorted(notes(sink), key=lambda note: note["text_value"])
    assert draft["superseded"] == final["available"] == datetime(2020, 5, 2, 14)


def narrative(markup: str) -> Json:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{markup}</div>'}


def test_a_composition_is_its_sections(told: Any) -> None:
    inner = {"title": "Vitals", "text": narrative("<table><tr><th>K</th><td>4.1 &lt; 5</td></tr></table>")}
    sections = [{"title": "Plan", "text": narrative("<p>Well, <b>no</b>\n pain.</p>"), "section": [inner]}, {"title": ""}]
    composition = {
        "resourceType": "Composition", "id": "C", "status": "final", "subject": {"reference": "Patient/P"}, "type": TYPE,
        "date": "2020-05-02", "encounter": {"reference": "Encounter/E"}, "section": sections,
    }  # fmt: skip
    (note,) = notes(told(composition))
    assert note["text_value"] == "Plan\nWell, no pain.\n\nVitals\nK\t4.1 < 5" and note["visit"] == 1
    assert (note["time"], note["available"]) == (datetime(2020, 5, 2), datetime(2020, 5, 3)), "a date is over when it is over"
    sink = told(composition | {"section": []})
    assert not sink.refused and sink.notes["Composition: rows ignored: no section says anything in words"] == 1


def test_a_report_that_presents_itself_as_a_text_is_a_document_too(told: Any) -> None:
    report = {
        "resourceType": "DiagnosticReport", "id": "R", "status": "final", "subject": {"reference": "Patient/P"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "36643-5"}]}, "effectiveDateTime": "2020-05-01T12:00:00Z",
        "issued": "2020-05-01T13:00:00Z", "conclusion": "Clear.",
    }  # fmt: skip
    sink = told(report | {"presentedForm": [attached("No pneumothorax.\n")]})
    (note,) = notes(sink)
    assert (note["code"], note["text_value"]) == ("NOTE//LOINC//36643-5", "No pneumothorax.\n")
    assert (note["time"], note["available"]) == (datetime(2020, 5, 1, 12), datetime(2020, 5, 1, 13))
    assert list(sink.of("LOINC//36643-5")["text_value"]) == ["Clear."]
    sink = told(report | {"presentedForm": [{"contentType": "application/pdf", "url": "Binary/B"}]})
    assert not notes(sink) and not sink.refused
    assert sum(count for text, count in sink.notes.items() if "presented is left out" in text) == 1


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>one</p><p>two<br/>three</p>", "one\ntwo\nthree"),
        ("a <i>b</i>\n\n  c", "a b c"),
        ("<ul><li>x</li> <li>y</li></ul>", "x\ny"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc"),
        ("<style>p {}</style><script>1 < 2</script>x&nbsp;&amp;&#176;", "x\xa0&°"),
        ("<table><tr><td> a </td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc"),
        ("no markup", "no markup"),
        ("<p>never closed", "never closed"),
        ("", ""),
    ],
)
def test_markup_is_taken_away_and_lines_are_kept(markup: str, text: str) -> None:
    assert _markup.plain(markup) == text


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="<>/&;ab p=\"'\n!-", max_size=40))
def test_any_markup_is_read(markup: str) -> None:
    assert "\n\n" not in _markup.plain(markup)
