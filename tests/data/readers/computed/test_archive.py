import io
import os
import tarfile
import zipfile

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.readers.computed import archive
from rankaae_cli.data.readers.computed.archive import members
from tests.data.feff_folder import close, write

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
    monkeypatch.setattr(archive, "MEMBER_LIMIT", 2**20)
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as file:
        link = tarfile.TarInfo("a/wanted")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
        large = tarfile.TarInfo("b/wanted")
        large.size = 2**20 + 1
        file.addfile(large, io.BytesIO(bytes(2**20 + 1)))
    found = read(path)
    assert found["a/wanted"] == (None, "is a link or a device, not a file")
    assert found["b/wanted"] == (None, "is larger than 1 MiB")


def folder_faults(path):
    return {"/".join(m.parts): m.fault for m in members(path, wanted) if m.is_folder and m.fault}


def test_links_of_a_folder_are_followed_or_listed(tmp_path):
    root = write(tmp_path / "top", {"a/wanted": b"x", "b/other": b"y"})
    write(tmp_path / "outside", {"wanted": b"z"})
    (root / "a" / "up").symlink_to(root)
    (root / "again").symlink_to(root / "a")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "gone").symlink_to(root / "nowhere")
    (root / "b" / "wanted").symlink_to(root / "nowhere")
    (root / "self").symlink_to(root / "self")
    assert {name: found for name, found in read(root).items() if name.endswith("wanted")} == {
        "a/wanted": (b"x", ""),
        "again/wanted": (b"x", ""),
        "b/wanted": (None, "is not a plain file"),
        "out/wanted": (b"z", ""),
    }
    assert folder_faults(root) == {
        "a/up": "is a link to a folder above it",
        "again/up": "is a link to a folder above it",
        "gone": "is a link to nothing",
        "self": "is a link to nothing",
    }


@pytest.mark.parametrize("kind", ["x.tar", "x.zip"])
def test_links_of_an_archive_to_folders_are_listed(tmp_path, kind):
    root = write(tmp_path / "top", {"a/wanted": b"x", "b/other": b"y"})
    links = {"c": "a", "b/d": "../a", "b/file": "other", "out": "/etc", "b/wanted": "../a/wanted"}
    if kind == "x.tar":
        for name, target in links.items():
            (root / name).symlink_to(target)
        with tarfile.open(tmp_path / kind, "w") as file:
            file.add(root, "top")
    else:
        with zipfile.ZipFile(tmp_path / kind, "w") as file:
            for name, target in links.items():
                info = zipfile.ZipInfo(f"top/{name}")
                info.external_attr = 0o120777 << 16
                file.writestr(info, target)
            file.writestr("top/a/wanted", b"x")
    assert folder_faults(tmp_path / kind) == {
        "top/c": "is a link to a folder, which is not followed",
        "top/b/d": "is a link to a folder, which is not followed",
        "top/out": "is a link outside the archive, which is not followed",
    }
    assert read(tmp_path / kind)["top/b/wanted"] == (None, "is a link or a device, not a file")
    assert read(tmp_path / kind)["top/a/wanted"] == (b"x", "")


def test_a_folder_that_cannot_be_read_is_listed(tmp_path, monkeypatch):
    root = write(tmp_path / "top", {"a/wanted": b"x", "b/c/wanted": b"y"})
    close(monkeypatch, "b")
    assert read(root) == {"a/wanted": (b"x", "")}
    assert folder_faults(root) == {"b": "cannot be read: Permission denied"}
    close(monkeypatch, "top")
    with pytest.raises(UserError, match="top cannot be read: Permission denied"):
        list(members(root, wanted))


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MEMBERS_LIMIT", 2)
    with pytest.raises(UserError, match="more than 2 files"):
        list(members(pack(tmp_path, "x.zip"), wanted))
