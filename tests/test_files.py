"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mocap.io.files import atomic_path
from mocap.model.errors import MocapError


def test_the_file_appears_under_its_name_with_what_was_written(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "take.bvh") as temporary:
        temporary.write_text("HIERARCHY")
    assert (tmp_path / "take.bvh").read_text() == "HIERARCHY"
    assert [file.name for file in tmp_path.iterdir()] == ["take.bvh"]


def test_the_temporary_file_has_the_suffix_of_the_target_and_lies_beside_it(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "overlay.mp4") as temporary:
        assert temporary.suffix == ".mp4"
        assert temporary.parent == tmp_path


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError, SystemExit])
def test_an_interrupted_write_leaves_the_older_file_and_nothing_else(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    target = tmp_path / "take.bvh"
    target.write_text("older")

    def write_and_stop() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise interruption

    with pytest.raises(interruption):
        write_and_stop()
    assert target.read_text() == "older"
    assert [file.name for file in tmp_path.iterdir()] == ["take.bvh"]


def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.bvh").write_text("older")
    (tmp_path / "link.bvh").symlink_to(tmp_path / "real.bvh")
    with atomic_path(tmp_path / "link.bvh") as temporary:
        temporary.write_text("newer")
    assert (tmp_path / "link.bvh").is_symlink()
    assert (tmp_path / "real.bvh").read_text() == "newer"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (".", "it is a folder"),
        ("missing/take.bvh", "does not exist; make it first"),
        ("x" * 300 + ".bvh", "name is too long"),
        ("a\0b.bvh", "cannot write"),
    ],
)
def test_a_place_that_cannot_hold_the_file_is_refused_in_one_line(tmp_path: Path, name: str, expected: str) -> None:
    with pytest.raises(MocapError, match=expected) as caught, atomic_path(tmp_path / name):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs /dev/null")
def test_a_device_is_never_replaced_by_a_file() -> None:
    with pytest.raises(MocapError, match="not a regular file"), atomic_path("/dev/null"):
        pass


def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path) -> None:
    def fill_the_disk() -> None:
        with atomic_path(tmp_path / "take.bvh"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(MocapError, match=r"take\.bvh: No space left on device; the disk is full"):
        fill_the_disk()
    assert not list(tmp_path.iterdir())


def test_an_error_about_another_file_is_not_mistaken_for_a_failed_write(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "take.bvh"):
        (tmp_path / "video.mp4").read_bytes()
