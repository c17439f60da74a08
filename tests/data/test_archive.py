import io
import os
import tarfile
import zipfile

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data import archive
from rankaae_cli.data.archive import members
from tests.data.feff_folder import write

FILES = {"top/a/wanted": b"first" * 3000, "top/b/wanted": b"second", "top/b/other": b"third"}
KINDS = ["folder", "x.tar", "x.tar.gz", "x.tar.xz", "x.tar.bz2", "x.zip"]


def pack(tmp_path, kind, files=None):
    files = FILES if files is None else files
    if kind == "folder":
        return write(tmp_path / "folder", files)
    path = tmp_path / kind
    if kind.endswith("zip"):
        with zipfile.ZipFile(path, "w") as file:
            for name, data in files.items():
                file.writestr(name, data)
        return path
    mode = "w:" + kind.removeprefix("x.tar").removeprefix(".")
    with tarfile.open(path, mode) as file:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def wanted(name):
    return name == "wanted"


def read(path):
    return {"/".join(m.parts): (m.data, m.fault) for m in members(path, wanted) if not m.is_folder}


@pytest.mark.parametrize("kind", KINDS)
def test_folders_and_archives_hold_the_same(tmp_path, kind):
    before = sorted(tmp_path.rglob("*"))
    found = read(pack(tmp_path, kind))
    assert found == {
        "top/a/wanted": (b"first" * 3000, ""),
        "top/b/wanted": (b"second", ""),
        "top/b/other": (None, ""),
    }
    assert before == []
    if kind != "folder":
        assert [p.name for p in tmp_path.rglob("*")] == [kind], "nothing is unpacked"


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_archives_cut_short_are_refused(tmp_path, kind, cut):
    path = pack(tmp_path, kind)
    data = path.read_bytes()
    if kind == "x.tar":
        data = data.rstrip(b"\0")  # else nothing but padding is lost
    path.write_bytes(data[: int(cut * len(data)) | 1])
    with pytest.raises(UserError, match=r"cannot be read as an archive .*\n.*fetch it again"):
        list(members(path, wanted))


@pytest.mark.parametrize("data", [b"", b"no archive at all", os.urandom(4096)])
def test_what_is_no_archive_is_refused(tmp_path, data):
    path = tmp_path / "x.tar.gz"
    path.write_bytes(data)
    with pytest.raises(UserError, match="cannot be read as an archive"):
        list(members(path, wanted))


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(UserError, match=r"there is no file or folder .*nowhere"):
        list(members(tmp_path / "nowhere", wanted))


@pytest.mark.parametrize("kind", ["x.tar", "x.zip"])
@pytest.mark.parametrize("name", ["../../wanted", "/etc/wanted", "a/../../wanted", "..\\wanted"])
def test_names_that_lead_out_are_not_read(tmp_path, kind, name):
    found = read(pack(tmp_path, kind, {name: b"x", "good/wanted": b"y"}))
    assert found.pop("good/wanted") == (b"y", "")
    ((data, fault),) = found.values()
    assert data is None
    assert fault == "has a name that leads out of the archive"


def test_links_and_large_members_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MEMBER_LIMIT", 100)
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as file:
        link = tarfile.TarInfo("a/wanted")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
        large = tarfile.TarInfo("b/wanted")
        large.size = 200
        file.addfile(large, io.BytesIO(bytes(200)))
    found = read(path)
    assert found["a/wanted"] == (None, "is a link or a device, not a file")
    assert found["b/wanted"] == (None, "is larger than 64 MiB")


def test_a_link_that_leads_back_up_is_followed_once(tmp_path):
    root = write(tmp_path / "top", {"a/wanted": b"x"})
    (root / "a" / "up").symlink_to(root)
    assert read(root) == {"a/wanted": (b"x", "")}


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MEMBERS_LIMIT", 2)
    with pytest.raises(UserError, match="more than 2 files"):
        list(members(pack(tmp_path, "x.zip"), wanted))
