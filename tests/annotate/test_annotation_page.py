"""The annotation page in a browser: what hands do on it is what the table of labels holds."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from clips import Clip
from sittings import FIRST, sitting, write_folder, write_image

from mocap.model.keypoints import LSP_14
from mocap.model.labels import ABSENT, OCCLUDED, OPEN, VISIBLE

EXACT = 0.1  # of an image's pixel
LIMBS = [
    f"{side}_{part}" for side in ("right", "left") for part in ["shoulder", "elbow", "wrist", "hip", "knee", "ankle"]
]
ORDER = ["head_top", "neck", *LIMBS]
KEYS = dict(zip(ORDER, "12qazedcwsxrfv"))
BODY = {name: (60.0 + 14 * i, 30.0 + 13 * (i % 7) + 4 * i) for i, name in enumerate(ORDER)}


def assert_at(sample, name, place):
    np.testing.assert_allclose(sample.xy[LSP_14.index(name)], place, atol=EXACT)


def test_an_image_is_labelled_with_the_mouse_alone(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 2)) as desk:
        hit = {}
        for name in ORDER:
            assert desk.active() == name.replace("_", " ")
            hit[name] = desk.click(*BODY[name])
        desk.next("Done, next")
        sample = desk.samples()["im1.jpg", 0]
    assert sample.state == "done"
    assert sample.size == (320, 240)
    assert (sample.visibility == VISIBLE).all()
    for name in ORDER:
        assert_at(sample, name, hit[name])
    assert desk.complaints == []


def test_an_image_is_labelled_with_the_keyboard_alone(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 2)) as desk:
        keyboard = desk.page.keyboard
        place = np.array([160.0, 120.0])  # the cross begins in the middle, then at the keypoint before
        expected = {}
        for i, name in enumerate(ORDER):
            keyboard.press(KEYS[name])
            for _ in range(1 + i % 3):
                keyboard.press("Shift+ArrowLeft" if i % 2 else "ArrowDown")
                place += (-10, 0) if i % 2 else (0, 1)
            keyboard.press("Alt+ArrowRight")
            place += (0.1, 0)
            keyboard.press(" ")
            expected[name] = place.copy()
        keyboard.press("q")
        keyboard.press("o")
        keyboard.press("Tab")
        assert desk.active() == "right elbow"
        keyboard.press("Shift+Tab")
        assert desk.active() == "right shoulder"
        keyboard.press("v")
        keyboard.press("ArrowUp")
        expected["left_ankle"] = expected["left_ankle"] - (0, 1)
        keyboard.press("Enter")
        desk.until("document.querySelector('#number').value === '1'")
        sample = desk.samples()["im1.jpg", 0]
    assert sample.state == "done"
    for name in ORDER:
        assert_at(sample, name, expected[name])
    assert sample.visibility[LSP_14.index("right_shoulder")] == OCCLUDED
    assert np.sum(sample.visibility == VISIBLE) == 13


@pytest.mark.parametrize("turns", [0, 2, 8, 14])
def test_what_is_placed_is_kept_to_a_tenth_of_a_pixel_at_any_zoom(browser, tmp_path, turns):
    with sitting(browser, write_folder(tmp_path / "set", 1)) as desk:
        desk.page.mouse.move(*desk.at(200, 100))
        under = desk.place_of(desk.at(200, 100))
        for _ in range(turns):
            desk.page.mouse.wheel(0, -100)
        desk.page.wait_for_timeout(100)
        scale = desk.image_box()[2]
        np.testing.assert_allclose(desk.at(*under), desk.at(200, 100), atol=1.0 + scale)
        desk.page.mouse.move(400, 400)
        desk.page.mouse.down(button="middle")
        desk.page.mouse.move(433, 389, steps=3)
        desk.page.mouse.up(button="middle")
        hit = desk.click(203.3, 101.7)
        moved = desk.drag(hit, (hit[0] + 40 / scale, hit[1] - 55 / scale))
        sample = desk.samples()["im1.jpg", 0]
    np.testing.assert_allclose(sample.xy[FIRST], np.add(hit, moved), atol=EXACT)
    assert scale > 1.2**turns


def test_the_wheel_zooms_at_the_cursor(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 1)) as desk:
        cursor = desk.at(250, 60)
        before, scale = desk.place_of(cursor), desk.image_box()[2]
        desk.page.mouse.move(*cursor)
        desk.page.mouse.wheel(0, -400)
        desk.until(f"document.querySelector('.image').getBoundingClientRect().width > {320 * scale * 1.5}")
        np.testing.assert_allclose(desk.place_of(cursor), before, atol=0.01)
        desk.tool("Whole image")
        assert desk.image_box()[2] == pytest.approx(scale)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_places_in_a_rotated_clip_are_those_of_its_upright_frames(browser, tmp_path, rotation):
    clip = Clip(count=12, size=(144, 240), rotation=rotation).write(tmp_path / "clip.mp4")
    with sitting(browser, clip) as desk:
        desk.go(7)
        corner = desk.page.evaluate(RED_CORNER)  # 24 by 24 pixels, lower left when upright
        scale = desk.image_box()[2]
        np.testing.assert_allclose(corner, (24, 240 - 24), atol=3.0)  # colours are coded at half the resolution
        hit = desk.click(24, 240 - 24)
        sample = desk.samples()["clip.mp4", 7]
    assert sample.size == (144, 240)
    np.testing.assert_allclose(sample.xy[FIRST], hit, atol=EXACT)
    np.testing.assert_allclose(hit, (24, 216), atol=0.6 / scale)


RED_CORNER = """(() => { const image = document.querySelector('.image'), canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext('2d'); context.drawImage(image, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    let right = 0, top = height;
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) { const i = 4 * (y * width + x);
        if (data[i] > 170 && data[i + 1] < 80) { right = Math.max(right, x + 1); top = Math.min(top, y); } }
    return [right, top]; })()"""


@pytest.mark.parametrize("orientation", [1, 3, 6, 8, 2, 5])
def test_places_in_a_photo_follow_its_orientation_tag(browser, tmp_path, orientation):
    """The browser and this program turn a photo alike: a red corner is where the browser shows it."""
    import cv2

    upright = np.full((90, 60, 3), 128, np.uint8)
    upright[60:, :20] = (0, 0, 255)
    undo = {1: lambda i: i, 3: lambda i: i[::-1, ::-1], 6: lambda i: np.rot90(i, 1), 8: lambda i: np.rot90(i, -1),
            2: lambda i: i[:, ::-1], 5: lambda i: i.swapaxes(0, 1)}[orientation]  # fmt: skip
    content = cv2.imencode(".jpg", np.ascontiguousarray(undo(upright)), [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    tag = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([orientation]) + b"\0\0\0\0\0\0"
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "photo.jpg").write_bytes(
        content[:2] + b"\xff\xe1" + (len(tag) + 2).to_bytes(2, "big") + tag + content[2:]
    )
    with sitting(browser, tmp_path / "set") as desk:
        np.testing.assert_allclose(desk.page.evaluate(RED_CORNER), (20, 60), atol=1)
        hit = desk.click(20, 60)
        sample = desk.samples()["photo.jpg", 0]
    assert sample.size == (60, 90)
    np.testing.assert_allclose(sample.xy[FIRST], hit, atol=EXACT)


def test_undo_and_redo_go_through_placing_dragging_and_marking(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 1)) as desk:
        first = desk.click(100, 50)
        desk.drag(first, (150, 90))
        desk.page.keyboard.press("o")
        assert desk.samples()["im1.jpg", 0].visibility[FIRST] == OCCLUDED
        desk.page.keyboard.press("Control+z")
        dragged = desk.samples()["im1.jpg", 0]
        assert dragged.visibility[FIRST] == VISIBLE
        np.testing.assert_allclose(dragged.xy[FIRST], (150, 90), atol=1)
        desk.tool("Undo")
        assert_at(desk.samples()["im1.jpg", 0], "head_top", first)
        desk.tool("Undo")
        assert desk.samples() == {}
        for _ in range(3):
            desk.page.keyboard.press("Control+Shift+Z")
        assert desk.samples()["im1.jpg", 0].visibility[FIRST] == OCCLUDED


def test_keypoints_are_occluded_absent_or_taken_away(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 1)) as desk:
        for name in ORDER[:4]:
            desk.click(*BODY[name])
        for name, key in (("head_top", "o"), ("neck", "n"), ("right_shoulder", "Delete")):
            desk.page.keyboard.press(KEYS[name])
            desk.page.keyboard.press(key)
        sample = desk.samples()["im1.jpg", 0]
    seen = {name: sample.visibility[LSP_14.index(name)] for name in ORDER[:5]}
    assert list(seen.values()) == [OCCLUDED, ABSENT, OPEN, VISIBLE, OPEN]


def test_sides_are_swapped(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 1)) as desk:
        hit = {name: desk.click(*BODY[name]) for name in ORDER}
        desk.tool("Swap sides")
        sample = desk.samples()["im1.jpg", 0]
    for name in ORDER:
        other = name.replace("left", "?").replace("right", "left").replace("?", "right")
        assert_at(sample, name, hit[other])


def test_the_previous_image_is_copied(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 2)) as desk:
        hit = {name: desk.click(*BODY[name]) for name in ORDER[:5]}
        desk.next()
        desk.tool("Copy from the previous")
        sample = desk.samples()["im2.jpg", 0]
    for name in ORDER[:5]:
        assert_at(sample, name, hit[name])


def test_frames_between_two_key_frames_are_interpolated_and_doubtful(browser, tmp_path):
    clip = Clip(count=9, size=(320, 240)).write(tmp_path / "clip.mp4")
    with sitting(browser, clip) as desk:
        start = {name: desk.click(*BODY[name]) for name in ORDER}
        desk.next("Done, next")
        desk.go(8)
        end = {name: desk.click(BODY[name][0] + 40, BODY[name][1] - 16) for name in ORDER}
        desk.page.keyboard.press("i")
        desk.until("document.querySelector('#count').textContent.includes('7 doubtful')")
        samples = desk.samples()
        desk.go(2)
        desk.page.locator("#joints button").first.wait_for()
        assert desk.page.locator("#state [aria-pressed=true]").inner_text() == "Doubtful"
    for frame in range(1, 8):
        sample = samples["clip.mp4", frame]
        assert sample.state == "doubtful"
        for name in ORDER:
            assert_at(sample, name, (1 - frame / 8) * np.array(start[name]) + frame / 8 * np.array(end[name]))


def test_the_page_asks_for_what_the_network_did_not_find(browser, tmp_path):
    places = np.array([BODY[name] for name in LSP_14.names])
    missing = [LSP_14.index(name) for name in ("right_hip", "left_ankle")]
    places[missing] = np.nan
    guesser = SimpleNamespace(guess=lambda images, index: places)
    with sitting(browser, write_folder(tmp_path / "set", 1), guesser=guesser, size=(390, 844)) as desk:
        desk.until("document.querySelector('#hint').textContent === 'estimated in part; click: right hip  (E)'")
        box = desk.page.locator("#joints [aria-pressed=true]").bounding_box()
        assert 0 <= box["x"] <= 390 - box["width"]  # in sight, though the list is wider than a phone
        assert desk.samples() == {}
        desk.click(*BODY["right_hip"])
        assert desk.active() == "left ankle"
        desk.click(*BODY["left_ankle"])
        sample = desk.samples()["im1.jpg", 0]
    assert sample.is_placed.all()


def test_the_filter_goes_through_what_is_doubtful(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 6)) as desk:
        for number in (1, 4):
            desk.go(number)
            desk.page.keyboard.press("k")
            desk.ready()
        desk.page.locator("#filter").select_option("1")
        desk.until("document.querySelector('#number').value === '4'")
        desk.next("Previous image")
        assert desk.number() == 1
        assert desk.page.locator("#count").inner_text() == "0 of 6 done, 2 doubtful"


def test_two_windows_do_not_overwrite_each_other(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 1)) as desk:
        with desk.page.expect_popup() as opened:
            desk.page.evaluate("window.open(location.href)")
        other = opened.value
        other.wait_for_selector(".image", state="attached")
        hit = desk.click(*BODY["head_top"])
        desk.ready()
        other.wait_for_selector("#joints .set")  # it follows at once
        desk.page.bring_to_front()
        second = desk.click(*BODY["neck"])
        sample = desk.samples()["im1.jpg", 0]
        assert_at(sample, "head_top", hit)
        assert_at(sample, "neck", second)


def test_a_window_that_is_behind_shows_what_the_other_one_wrote(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 1)) as desk:
        hit = desk.click(*BODY["head_top"])
        desk.ready()
        written = desk.page.evaluate(  # as another browser would
            "fetch('api/samples/0').then(r => r.json()).then(s => fetch('api/samples/0', {method: 'PUT', body: "
            "JSON.stringify({...s, state: 'doubtful'})})).then(r => r.status)"
        )
        assert written == 200
        desk.click(*BODY["neck"])
        desk.until("document.querySelector('#saved').textContent.includes('another window')")
        assert desk.page.locator("#state [aria-pressed=true]").inner_text() == "Doubtful"
        desk.page.keyboard.press("Control+z")
        sample = desk.samples()["im1.jpg", 0]
    assert_at(sample, "head_top", hit)
    assert sample.is_placed.sum() == 2  # ours came back with undo


def test_fingers_place_drag_and_pinch(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 1), size=(390, 844)) as desk:
        touch = desk.page.context.new_cdp_session(desk.page)
        touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

        def send(kind, *points):
            places = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

        finger = desk.at(100, 80)
        send("touchStart", finger)
        send("touchEnd")
        assert_at(desk.samples()["im1.jpg", 0], "head_top", desk.place_of(finger))
        off = (finger[0] + 14, finger[1] + 9)  # a thumb is wide: near is enough, and the marker keeps its distance
        send("touchStart", off)
        for step in range(1, 6):
            send("touchMove", (off[0] + 8 * step, off[1] + 5 * step))
        assert desk.page.locator("#loupe").is_visible()
        send("touchEnd")
        assert not desk.page.locator("#loupe").is_visible()
        goal = desk.place_of((finger[0] + 40, finger[1] + 25))
        assert_at(desk.samples()["im1.jpg", 0], "head_top", goal)
        scale = desk.image_box()[2]
        middle = desk.at(200, 200)
        for kind, span in (("touchStart", 20), ("touchMove", 30), ("touchMove", 60)):
            send(kind, (middle[0] - span, middle[1]), (middle[0] + span, middle[1]))
        send("touchEnd")
        assert desk.image_box()[2] == pytest.approx(3 * scale, rel=0.02)
        np.testing.assert_allclose(desk.samples()["im1.jpg", 0].xy[FIRST], goal, atol=EXACT)


def test_an_image_that_cannot_be_read_is_told_and_passed_by(browser, tmp_path):
    folder = write_folder(tmp_path / "set", 3)
    (folder / "im2.jpg").write_bytes(b"no image")
    with sitting(browser, folder) as desk:
        desk.page.keyboard.press("PageDown")
        desk.until("document.querySelector('#message').textContent.includes('im2.jpg')")
        desk.page.keyboard.press("PageDown")
        desk.page.keyboard.press("PageDown")
        desk.until("document.querySelector('#name').textContent === 'im3.jpg'")


def test_brightness_changes_the_image_and_not_the_labels(browser, tmp_path):
    with sitting(browser, write_image(tmp_path / "set" / "one.png").parent) as desk:
        desk.page.locator("#brightness").fill("250")
        assert "brightness(250%)" in desk.page.evaluate("document.querySelector('.image').style.filter")
        assert desk.samples() == {}
