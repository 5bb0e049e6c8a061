"""Sources: folders, files and archives read alike; tricks and damage refused."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from sequela.errors import DataError
from sequela.store.source import content_hash, open_source

FILES = {"set/a.txt": b"alpha", "set/deep/b.txt": b"beta", "c.csv": b"x,y\n"}


def folder(path: Path) -> Path:
    for name, content in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def archive(path: Path, files: dict[str, bytes]) -> Path:
    """A zip or tar, by the suffix, of exactly these names."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, content in files.items():
                opened.writestr(name, content)
        return path
    kind = {".gz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}.get(path.suffix, "w")
    with tarfile.open(path, kind) as opened:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_an_archive_reads_like_the_folder_it_was_made_of(tmp_path: Path, suffix: str) -> None:
    plain, packed = open_source(folder(tmp_path / "plain")), open_source(archive(tmp_path / f"packed{suffix}", FILES))
    assert plain.files() == packed.files() == sorted(FILES)
    for name, content in FILES.items():
        assert plain.read(name) == packed.read(name) == content
    assert (packed.path("set/a.txt").parent / "deep" / "b.txt").read_bytes() == b"beta"


def test_a_folder_shows_what_is_in_its_archives_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    archive(tmp_path / "in" / "set.tar.xz", {"set/a.txt": b"packed", "set/z.txt": b"z"})
    (tmp_path / "in" / "set").mkdir()
    (tmp_path / "in" / "set" / "a.txt").write_bytes(b"unpacked")
    source = open_source(tmp_path)
    assert source.files("*.txt") == ["in/set/a.txt", "in/set/z.txt"]
    assert source.read("in/set/a.txt") == b"unpacked"


def test_patterns_choose_files(tmp_path: Path) -> None:
    source = open_source(folder(tmp_path))
    assert source.files("*.txt") == ["set/a.txt", "set/deep/b.txt"]
    assert source.files("set/*.txt") == ["set/a.txt"]
    assert source.files("set/**/*.txt") == ["set/a.txt", "set/deep/b.txt"]
    assert source.files("**/?.csv") == ["c.csv"]
    assert source.files("[x].txt") == []


def test_a_single_file_is_a_source_of_itself(tmp_path: Path) -> None:
    source = open_source(folder(tmp_path) / "c.csv")
    assert (source.files(), source.read("c.csv")) == (["c.csv"], b"x,y\n")


def test_what_systems_leave_behind_is_no_data(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / ".DS_Store").write_bytes(b"")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "x").write_bytes(b"")
    assert open_source(tmp_path).files() == sorted(FILES)


def test_what_was_unpacked_goes_with_the_source(tmp_path: Path) -> None:
    source = open_source(archive(tmp_path / "a.zip", FILES))
    unpacked = source.path("c.csv")
    assert unpacked.exists()
    del source
    assert not unpacked.exists()


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "C:/out.txt", "a\\..\\..\\out.txt"])
@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_a_path_that_leads_out_of_an_archive_is_refused(tmp_path: Path, name: str, suffix: str) -> None:
    source = open_source(archive(tmp_path / f"a{suffix}", {"good.txt": b"", name: b"out"}))
    with pytest.raises(DataError, match="leads out of it"):
        source.files()
    assert not list(tmp_path.rglob("out.txt"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as opened:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = kind, "/etc/passwd"
        opened.addfile(member)
    with pytest.raises(DataError, match="a link or device"):
        open_source(tmp_path / "a.tar").files()


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_a_truncated_archive_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    whole = archive(tmp_path / f"a{suffix}", {f"{k}.txt": os.urandom(2000) for k in range(10)})
    whole.write_bytes(whole.read_bytes()[:9000])
    with pytest.raises(DataError, match=rf"the archive a{suffix} cannot be unpacked"):
        open_source(whole).files()


@pytest.mark.parametrize("suffix", [".zip", ".tar.xz"])
def test_a_file_that_only_pretends_to_be_an_archive_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(b"no archive at all")
    with pytest.raises(DataError, match="cannot be unpacked"):
        open_source(tmp_path / f"a{suffix}").files()


def test_an_absent_source_and_an_absent_file_are_refused(tmp_path: Path) -> None:
    for ask in (open_source, content_hash):
        with pytest.raises(DataError, match="there is no source at"):
            ask(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"has no file '\.\./x'"):
        open_source(folder(tmp_path)).read("../x")


def test_the_content_hash_knows_content_and_names_but_not_the_place(tmp_path: Path) -> None:
    first = content_hash(folder(tmp_path / "first"))
    assert content_hash(folder(tmp_path / "second")) == first
    (tmp_path / "second" / "c.csv").write_bytes(b"x,z\n")
    changed = content_hash(tmp_path / "second")
    (tmp_path / "first" / "c.csv").rename(tmp_path / "first" / "d.csv")
    assert len({first, changed, content_hash(tmp_path / "first")}) == 3
