"""Hostile archives and folders: nothing climbs out, nothing blows up (content.md §2.2; API-105)."""

import io
import os
import stat
import zipfile

import pytest

from casemirror.content.files import DEFAULT, Limits, TooLarge, Unsafe
from casemirror.content.loading import load, load_zip
from casemirror.model.errors import Invalid
from support.content_pack import write, zipped


@pytest.mark.parametrize(
    "name", ["../evil.json", "Classifiers/../../evil.json", "/etc/passwd", "C:/evil.json", "c:evil", "Classifiers\\..\\evil.json"]
)  # fmt: skip
def test_a_name_that_climbs_out_refuses_the_archive(name, files):
    with pytest.raises(Unsafe):
        load_zip(zipped({**files, name: "{}"}), "x.zip")


def test_a_link_in_a_zip_refuses_the_archive(files):
    buffer = io.BytesIO(zipped(files))
    with zipfile.ZipFile(buffer, "a") as archive:
        info = zipfile.ZipInfo("Classifiers/link.json")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(Unsafe, match="link"):
        load_zip(buffer.getvalue(), "x.zip")


def test_an_encrypted_zip_is_refused(files):
    data = bytearray(zipped(files))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 4)
    with pytest.raises(Unsafe, match="encrypted"):
        load_zip(bytes(data), "x.zip")


def test_a_bomb_is_refused_before_it_is_read(files):
    with pytest.raises(TooLarge, match="compressed"):
        load_zip(zipped({**files, "Classifiers/big.json": b" " * 20_000_000}), "x.zip")


LIMITS = [
    Limits(count=3),
    Limits(total=1000),
    Limits(file=100),
]


@pytest.mark.parametrize("limits", LIMITS, ids=["count", "total", "file"])
def test_limits_hold_for_zips(limits, files):
    with pytest.raises(TooLarge):
        load_zip(zipped(files), "x.zip", limits=limits)


def test_limits_are_shared_by_the_zips_of_one_upload(files):
    one = zipped(files)
    size = sum(len(text.encode()) for text in files.values())
    with pytest.raises(TooLarge):
        load_zip(zipped({"A.zip": one, "B.zip": one}), "x.zip", limits=Limits(total=size + size // 2))


def test_a_file_longer_than_it_declares_is_a_problem(files):
    """The declared size is a claim; what is read is what counts."""
    data = zipped({**files, "Classifiers/z.json": "{}" + " " * 5000}, zipfile.ZIP_STORED)
    real, lie = (5002).to_bytes(4, "little"), (2).to_bytes(4, "little")
    (pack,) = load_zip(data.replace(real, lie), "x.zip", limits=DEFAULT)
    assert [p.file for p in pack.problems] == ["Classifiers/z.json"]


def test_a_damaged_entry_is_a_problem_and_the_rest_is_loaded(files):
    data = zipped(files, zipfile.ZIP_STORED)
    damaged = data.replace(b'"cliName": "acmestate"', b'"cliName": "acmestatX"')
    (pack,) = load_zip(damaged, "x.zip")
    assert [p.file for p in pack.problems] == ["IncidentFields/incidentfield-x.json"]
    assert len(pack.items) == 6


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + b"\0" * 18, b"\0" * 100])
def test_what_is_no_zip_is_refused(data):
    with pytest.raises(Invalid):
        load_zip(data, "x.zip")


def test_a_truncated_zip_is_refused(files):
    data = zipped(files)
    for cut in range(10, len(data), 97):
        with pytest.raises(Invalid):
            load_zip(data[:cut], "x.zip")


def test_links_out_of_a_folder_are_reported_and_not_read(tmp_path, files):
    pack = write(tmp_path / "Acme", files)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text('{"id": "s", "type": "classification"}')
    os.symlink(outside / "secret.json", pack / "Classifiers" / "link.json")
    os.symlink(outside, pack / "Classifiers" / "folder")
    os.symlink(pack / "Classifiers" / "whatever.json", pack / "IncidentTypes" / "inside.json")
    (loaded,) = load(pack)
    assert {p.file for p in loaded.problems} == {
        "Classifiers/link.json",
        "Classifiers/folder",
        "IncidentTypes/inside.json",
    }
    assert sum("leads out" in p.message for p in loaded.problems) == 2
    assert not any(item.id == "s" for item in loaded.items)


def test_a_file_that_is_too_large_is_a_problem_of_a_folder(tmp_path, files):
    pack = write(tmp_path / "Acme", files)
    (loaded,) = load(pack, limits=Limits(file=1000))
    assert [p.file for p in loaded.problems] == ["Integrations/AcmeV1/Acme.yml"]


def test_too_many_files_refuse_a_folder(tmp_path, files):
    with pytest.raises(TooLarge):
        load(write(tmp_path / "Acme", files), limits=Limits(count=3))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path, files):
    pack = write(tmp_path / "Acme", files)
    os.mkfifo(pack / "Classifiers" / "pipe.json")
    (loaded,) = load(pack)
    assert [p.file for p in loaded.problems] == ["Classifiers/pipe.json"]
