"""Which files of a folder are clips, and what their takes are called."""

from __future__ import annotations

import pytest

from mocap.app.batch.clips import find_clips
from mocap.model.errors import MocapError


def tree(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def takes(root, output="takes", **options):
    return {clip.name: clip.take.as_posix() for clip in find_clips(root, root / output, **options)}


def test_videos_are_found_by_their_suffix_in_any_case(tmp_path):
    tree(tmp_path, "a.mp4", "b.MOV", "notes.txt", "mocap.toml", ".hidden.mp4", "deep/c.mkv")
    assert takes(tmp_path) == {"a.mp4": "a", "b.MOV": "b"}


def test_recursive_keeps_the_tree_and_leaves_out_hidden_folders_and_the_takes(tmp_path):
    tree(tmp_path, "a.mp4", "deep/er/a.mp4", ".trash/b.mp4", "takes/a_preview.mp4")
    assert takes(tmp_path, recursive=True) == {"a.mp4": "a", "deep/er/a.mp4": "deep/er/a"}


def test_a_pattern_chooses_names_of_any_suffix(tmp_path):
    tree(tmp_path, "walk_1.raw", "walk_2.mp4", "run_1.mp4")
    assert set(takes(tmp_path, pattern="walk_?.*")) == {"walk_1.raw", "walk_2.mp4"}


def test_two_clips_of_one_name_keep_their_suffixes_in_the_takes(tmp_path):
    tree(tmp_path, "walk.mp4", "Walk.mov", "run.mp4")
    assert takes(tmp_path) == {"walk.mp4": "walk.mp4", "Walk.mov": "Walk.mov", "run.mp4": "run"}


def test_the_takes_need_a_folder_of_their_own(tmp_path):
    with pytest.raises(MocapError, match="another folder"):
        takes(tree(tmp_path, "a.mp4"), output=".")


@pytest.mark.parametrize(("names", "words"), [((), "no videos"), (("deep/a.mp4",), "--recursive")])
def test_a_folder_without_clips_is_an_error_that_says_what_to_do(tmp_path, names, words):
    with pytest.raises(MocapError, match=words):
        takes(tree(tmp_path, *names))
