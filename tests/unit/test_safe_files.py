from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path

import pytest

from airflow_sm_pipelines.safe_files import UnsafeFilesError, extract_archive, place_below


@pytest.mark.parametrize("name", ["a.py", "inner/a.py", "inner/../a.py", "...", "a b"])
def test_names_inside(tmp_path, name):
    """A name below the directory is its path, whether it is there or not."""
    assert place_below(tmp_path / "in", name) == tmp_path / "in" / name


@pytest.mark.parametrize("name", ["../a", "inner/../../a", "/etc/passwd", "link/a", "loop/a", "a\0b"])
def test_names_outside(tmp_path, name):
    """A name that leads out, is absolute, goes through a link that leads out or nowhere, or that no file can have."""
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    (inside / "loop").symlink_to("loop")
    if name == "loop/a" and not _loops(inside / name):
        pytest.skip("this Python resolves a link to itself")
    with pytest.raises(UnsafeFilesError, match=f"^{re.escape(repr(name))} would be written outside its directory$"):
        place_below(inside, name)


def _loops(path) -> bool:
    try:
        path.resolve()
    except (OSError, RuntimeError):
        return True
    return False


def archive_of(path, *members):
    """An archive of members: (name, content), or (name, link target, type)."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content, *kind in members:
            member = tarfile.TarInfo(name)
            if kind:
                member.type, member.linkname = kind[0], content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def test_an_archive_is_extracted(tmp_path):
    """Files land with their directories, and a link within stays one."""
    made = archive_of(tmp_path / "a.tar.gz", ("inner/a.py", b"a"), ("b.py", "inner/a.py", tarfile.SYMTYPE))
    extract_archive(made, tmp_path / "out")
    assert (tmp_path / "out" / "inner" / "a.py").read_bytes() == b"a"
    assert (tmp_path / "out" / "b.py").readlink() == Path("inner/a.py")


@pytest.mark.parametrize(
    "member",
    [("../out.py", b"a"), ("l", "../..", tarfile.SYMTYPE), ("l", "../x", tarfile.LNKTYPE), ("d", "", tarfile.CHRTYPE)],
    ids=["outside", "link", "hard link", "device"],
)
def test_an_archive_that_is_not_safe(tmp_path, member):
    """What would land outside, leads there, or is a device is refused."""
    made = archive_of(tmp_path / "a.tar.gz", member)
    with pytest.raises(UnsafeFilesError, match=r"^not a tar\.gz archive that can be extracted: "):
        extract_archive(made, tmp_path / "out")
    assert not (tmp_path / "out.py").exists()


def test_what_is_no_archive(tmp_path):
    """Other bytes are refused as well."""
    (tmp_path / "a.tar.gz").write_bytes(b"no archive")
    with pytest.raises(UnsafeFilesError, match=r"^not a tar\.gz archive that can be extracted: "):
        extract_archive(tmp_path / "a.tar.gz", tmp_path / "out")
