"""Images of folders and frames of clips: which they are, in what order, and exactly that frame."""

from __future__ import annotations

import random
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
from clips import Clip, number_of
from sittings import write_folder, write_image

from mocap.app.annotate.images import Stills, open_images
from mocap.app.annotate.session import open_session
from mocap.model.errors import MocapError
from mocap.source import FrameReader, Video


def test_images_are_sorted_as_people_count(tmp_path):
    folder = write_folder(tmp_path / "set", 11)
    write_image(folder / "deep" / "a.png")
    (folder / "notes.txt").write_text("no image")
    assert Stills(folder).names == ["deep/a.png", *(f"im{n}.jpg" for n in range(1, 12))]


def test_a_folder_without_images_says_what_they_are(tmp_path):
    with pytest.raises(MocapError, match=r"no images in it; their suffix must be one of: \.jpg"):
        open_images(tmp_path)
    with pytest.raises(MocapError, match="no such file"):
        open_images(tmp_path / "none.jpg")


def test_one_image_is_a_set_of_one(tmp_path):
    images = open_images(write_image(tmp_path / "set" / "one.png", (30, 20)))
    assert (images.names, images.size(0)) == (["one.png"], (30, 20))
    assert images.encoded(0).media_type == "image/png"


def test_frames_are_exact_in_any_order(tmp_path):
    clip = Clip(count=90, options={"g": "25", "bf": "2", "crf": "28", "preset": "veryfast"}).write(tmp_path / "c.mp4")
    reader = FrameReader(clip)
    order = list(range(90))
    random.Random(1).shuffle(order)
    assert [number_of(reader.frame(number)) for number in order] == order
    reader.close()


def test_a_frame_by_number_is_the_one_of_the_whole_clip_for_any_rate_and_start(tmp_path):
    from fractions import Fraction

    times = [Fraction(n, 30) + (Fraction(1, 300) if n % 3 else 0) + (n // 10) * Fraction(1, 15) for n in range(40)]
    clip = Clip(count=40, times_s=times).write(tmp_path / "variable.mp4")
    whole = [number_of(image) for image in Video(clip, start_s=0.2)]
    reader = FrameReader(clip, start_s=0.2)
    assert len(reader) == len(whole)
    for number in (20, 3, len(whole) - 1, 0, 11):
        assert number_of(reader.frame(number)) == whole[number]
    with pytest.raises(ValueError, match="not among"):
        reader.frame(len(whole))


def test_several_threads_get_their_own_frames(tmp_path):
    reader = FrameReader(Clip(count=60).write(tmp_path / "c.mp4"))
    found: dict[int, int] = {}

    def read(numbers):
        for number in numbers:
            found[number] = number_of(reader.frame(number))

    threads = [Thread(target=read, args=(range(start, 60, 3),)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: number for number in range(60)}


def test_decoded_frames_take_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("mocap.source.seeking.CACHE_BYTES", 5 * 160 * 96 * 3)
    reader = FrameReader(Clip(count=40).write(tmp_path / "c.mp4"))
    for number in range(40):
        reader.frame(number)
    assert len(reader._kept) == 5


def test_frames_between_have_points_between(tmp_path):
    session = open_session(Clip(count=5, size=(320, 240)).write(tmp_path / "c.mp4"), None)
    for index, place in ((0, 10.0), (4, 50.0)):
        points = [[place, 2 * place, 2]] * 13 + [[None, None, 0]]
        session.save(index, {"revision": 0, "state": "done", "size": [320, 240], "points": points})
    assert session.interpolate(0, 4) == [1, 2, 3]
    assert session.sample(1)["points"][0] == [20.0, 40.0, 2]
    assert session.sample(1)["points"][13] == [None, None, 0]
    with pytest.raises(MocapError, match="label both images first"):
        open_session(write_folder(tmp_path / "set", 3), None).interpolate(0, 2)


def test_the_network_is_named_and_known(tmp_path):
    from mocap.app.annotate.estimate import Guesser

    with pytest.raises(MocapError, match="unknown estimator 'nobody'; choose one of"):
        Guesser("nobody", "cpu")
    session = open_session(write_folder(tmp_path / "set", 1), None)
    with pytest.raises(MocapError, match="no network was given"):
        session.guess(0)


def test_a_guess_outside_of_the_image_is_none(tmp_path):
    places = np.array([[319.5, 0.0]] + [[5.0, -1.0], [321.0, 5.0], [np.nan, np.nan]] * 4 + [[-900.0, 5.0]])
    guesser = SimpleNamespace(guess=lambda images, index: places)
    session = open_session(write_folder(tmp_path / "set", 1), None, guesser=guesser)
    assert session.guess(0) == [[319.5, 0.0], *[None] * 13]
    places[0] = np.nan
    with pytest.raises(MocapError, match="detects nobody here"):
        session.guess(0)


@pytest.mark.slow
def test_a_network_guesses_the_example_and_sees_nobody_in_noise(tmp_path):
    import cv2
    from footage import example_pictures

    from mocap.app.annotate.estimate import Guesser

    (tmp_path / "set").mkdir()
    (image,) = example_pictures(1, 40)
    cv2.imwrite(str(tmp_path / "set" / "a.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    write_image(tmp_path / "set" / "noise.png")
    session = open_session(tmp_path / "set", None, guesser=Guesser("blazepose-lite", "cpu"))
    places = np.array(session.guess(0))
    assert places.shape == (14, 2)  # head above neck above hips above ankles:
    assert places[13, 1] < places[12, 1] < places[[2, 3], 1].mean() < places[[0, 5], 1].mean()
    with pytest.raises(MocapError, match="detects nobody here"):
        session.guess(1)
