"""The file of a bundle: what is written is read back, and whatever is not exactly that is refused by name."""

from __future__ import annotations

import zipfile
from pathlib import Path

import msgspec
import pytest

from sequela.bundle import archive
from sequela.errors import BundleError, DataError

PARTS = {name: f"content of {name}".encode() for name in archive.REQUIRED} | {"states/chart.json": b"{}"}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    archive.write(tmp_path / "model.sequela", {"name": "x"}, PARTS)
    return tmp_path / "model.sequela"


def rewritten(path: Path, change: dict[str, bytes | None], **options: int) -> Path:
    """The same zip with parts replaced, added, or (None) left out; its index as it was."""
    with zipfile.ZipFile(path) as old:
        held = {info.filename: old.read(info) for info in old.infolist()}
    held |= {name: data for name, data in change.items() if data is not None}
    out = path.with_name("changed.sequela")
    with zipfile.ZipFile(out, "w", **options) as new:
        for name, data in held.items():
            if change.get(name, b"") is not None:
                new.writestr(name, data)
    return out


def test_what_is_written_is_read_back(bundle: Path) -> None:
    index, parts = archive.read(bundle)
    assert parts == PARTS
    assert index["name"] == "x" and index["format"] == archive.FORMAT


def test_the_same_content_is_the_same_file(bundle: Path, tmp_path: Path) -> None:
    archive.write(tmp_path / "again.sequela", {"name": "x"}, PARTS)
    assert (tmp_path / "again.sequela").read_bytes() == bundle.read_bytes()


def test_every_single_changed_byte_is_refused(bundle: Path) -> None:
    whole = bundle.read_bytes()
    _, parts = archive.read(bundle)
    for place in range(0, len(whole), 7):
        bundle.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        try:
            _, found = archive.read(bundle)
        except BundleError:
            continue
        assert found == parts  # only bytes that carry no content (a time stamp in the zip's directory) may pass


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"golden.json": None}, "lacks the part golden.json"),
        ({"golden.json": b"other"}, "golden.json was altered"),
        ({"states/extra.json": b"{}"}, "does not name: states/extra.json"),
        ({"../evil.json": b"{}"}, "not allowed: '../evil.json'"),
        ({"/etc/evil.json": b"{}"}, "not allowed"),
        ({"states\\evil.json": b"{}"}, "not allowed"),
        ({"run.py": b"print()"}, "not allowed: 'run.py'"),
        ({archive.INDEX: None}, "has no bundle.json"),
        ({archive.INDEX: b"{"}, "is not JSON"),
        ({archive.INDEX: b"{}"}, "lacks its format"),
    ],
)
def test_a_part_missing_altered_or_added_is_refused_by_name(bundle: Path, change: dict[str, bytes | None], said: str) -> None:
    with pytest.raises(BundleError) as error:
        archive.read(rewritten(bundle, change))
    assert said in str(error.value)


def test_a_newer_format_is_refused_with_the_way_out(bundle: Path) -> None:
    index, _ = archive.read(bundle)
    newer = msgspec.json.encode(index | {"format": archive.FORMAT + 1})
    with pytest.raises(BundleError, match="newer than") as error:
        archive.read(rewritten(bundle, {archive.INDEX: newer}))
    assert "upgrade" in error.value.hint


def test_an_index_that_names_other_hashes_breaks_its_seal(bundle: Path) -> None:
    index, _ = archive.read(bundle)
    index["parts"]["golden.json"] = archive._hash(b"other")
    with pytest.raises(BundleError, match="seal"):
        archive.read(rewritten(bundle, {archive.INDEX: msgspec.json.encode(index), "golden.json": b"other"}))


def test_a_compressed_part_is_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="compressed"):
        archive.read(rewritten(bundle, {}, compression=zipfile.ZIP_DEFLATED))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.sequela"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="not a bundle"):
        archive.read(path)


def test_a_file_cut_short_is_refused(bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-200])
    with pytest.raises(BundleError, match="not a bundle"):
        archive.read(bundle)


def test_no_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no bundle"):
        archive.read(tmp_path / "nothing.sequela")


def test_a_failed_write_leaves_the_old_bundle(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bundle.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match="cannot be written: No space"):
        archive.write(bundle, {"name": "y"}, PARTS)
    assert bundle.read_bytes() == before
    assert list(bundle.parent.iterdir()) == [bundle]
