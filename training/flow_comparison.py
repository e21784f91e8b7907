"""What flow pooling gains and costs on clips with truth: PCK of wrists with it and without, as a table.

    python -m training.flow_comparison pose2sim_s00 --network blazepose-lite -o runs/flow

The folder holds clips, calibration.toml and reference.trc, whose markers are projected into each view. Heatmaps come
from the named network in one crop that stays for the whole clip. Learnt pooling is fitted on the other view.
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from mocap.estimate.modules import load_module
from mocap.estimate.networks.blazepose import LandmarkNetwork
from mocap.estimate.regions import cut_out
from mocap.evaluate import metrics
from mocap.io.files import atomic_path
from mocap.io.trc import read_trc
from mocap.model.errors import unknown_name
from mocap.model.keypoints import BLAZEPOSE_33, LSP_14
from mocap.model.rotation import Array
from training.flow import POOLINGS, Maps, neighbours
from training.networks.spatialnet import FlowPooling

VIEWS = {"cam01": "cam_01", "cam03": "cam_03"}  # clip and its camera in calibration.toml
LIMBS = tuple(name for name in LSP_14.names if name not in ("neck", "head_top"))
WRISTS = tuple(LIMBS.index(f"{side}_wrist") for side in ("left", "right"))
MARGIN = 1.35  # of the crop's side to what the joints take over the whole clip
CROP = 256
STEPS, RATE = 60, 0.05  # of fitting the pooling
SPREAD_CELLS = 1.5


@dataclass(frozen=True, eq=False)
class View:
    """A clip in one crop: pictures (T) of 256 × 256, maps (T) of (12, H, W), truth (T, 12, 2) in units of the crop."""

    name: str
    pictures: list[Any]
    maps: list[Maps]
    truth: Array
    ms_of_maps: float


def projected(folder: Path, camera: str) -> Array:
    """Pixels (T, 12, 2) of the reference's limb joints in a camera; a pixel's centre lies at half integers."""
    markers = read_trc(folder / "reference.trc")
    names = [f"{name[0].upper()}{name.partition('_')[2].capitalize()}" for name in LIMBS]  # right_ankle: RAnkle
    xyz = markers.xyz[:, [markers.names.index(name) for name in names]][..., [2, 0, 1]]  # the calibration's axes
    with (folder / "calibration.toml").open("rb") as stream:
        settings = tomllib.load(stream)[camera]
    rotation, translation, matrix, bent = (
        np.array(settings[key], dtype=np.float64) for key in ("rotation", "translation", "matrix", "distortions")
    )
    pixels, _ = cv2.projectPoints(xyz.reshape(-1, 1, 3), rotation, translation, matrix, bent)
    return np.asarray(pixels.reshape(len(xyz), len(LIMBS), 2) + 0.5)


def heatmap_function(network: str) -> Callable[[Any], Maps]:
    """Maps (12, H, W) in 0..1 of a crop, by a landmark network of BlazePose or a trained heatmap network."""
    module = load_module(network)
    layout = BLAZEPOSE_33 if isinstance(module, LandmarkNetwork) else LSP_14
    if isinstance(module, LandmarkNetwork):
        module.with_mask = False
    size = int(module.image_size)  # type: ignore[arg-type]
    chosen = [layout.index(name) for name in LIMBS]

    @torch.inference_mode()
    def run(crop: Any) -> Maps:
        image = crop if size == CROP else cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
        outputs = module(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)
        maps = getattr(outputs, "heatmaps", getattr(outputs, "fused", outputs))
        return np.asarray(torch.sigmoid(maps[0, chosen]).numpy())

    return run


def read_view(folder: Path, name: str, run: Callable[[Any], Maps]) -> View:
    """The frames of a view that the reference knows, with their heatmaps."""
    from mocap.source import Video

    truth = projected(folder, VIEWS[name])
    low, high = np.nanmin(truth, axis=(0, 1)), np.nanmax(truth, axis=(0, 1))
    side = MARGIN * float((high - low).max())
    region = np.array([*(0.5 * (low + high)), side, 0.0])
    pictures = [cut_out(frame, region, CROP) for frame, _ in zip(Video(folder / f"{name}.mp4"), truth)]
    begin = time.perf_counter()
    maps = [run(picture) for picture in pictures]
    ms = 1000 * (time.perf_counter() - begin) / len(pictures)
    return View(name, pictures, maps, ((truth - region[:2]) / side + 0.5)[: len(pictures)], ms)


def gathered(view: View, reach: int) -> tuple[Array, float]:
    """Maps (T, 2n + 1, 12, H, W) warped to each frame, and the milliseconds that a frame took."""
    begin = time.perf_counter()
    all_maps = np.stack([neighbours(view.pictures, view.maps, at, reach) for at in range(len(view.maps))])
    return all_maps, 1000 * (time.perf_counter() - begin) / len(view.maps)


def fit_pooling(maps: Array, truth: Array, reach: int) -> FlowPooling:
    """The pooling whose maps come nearest to bells at the truth, by squared error."""
    pooling = FlowPooling(len(LIMBS), reach)
    stacked = torch.from_numpy(maps.astype(np.float32))
    goal = torch.from_numpy(bells(truth, maps.shape[-1])).float()
    seen = torch.isfinite(goal).all(-1).all(-1)
    optimiser = torch.optim.Adam(pooling.parameters(), lr=RATE)
    for _ in range(STEPS):
        loss = (pooling(stacked)[seen] - goal[seen]).square().sum((-1, -2)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return pooling


def bells(truth: Array, cells: int) -> Array:
    """Maps (T, K, cells, cells) with a bell of height 1 at each point (T, K, 2) in units of the crop."""
    middles = (np.arange(cells) + 0.5) / cells
    x, y = (np.exp(-(((truth[..., i, None] - middles) * cells) ** 2) / (2 * SPREAD_CELLS**2)) for i in (0, 1))
    return np.asarray(y[..., :, None] * x[..., None, :])


def highest(maps: Array) -> Array:
    """Points (T, K, 2) in units of the crop: the centre of mass of the five by five cells around the highest."""
    height, width = maps.shape[-2:]
    best = maps.reshape(*maps.shape[:2], -1).argmax(-1)
    rows, columns = np.arange(height), np.arange(width)
    near_y = np.abs(rows - (best // width)[..., None]) <= 2
    near_x = np.abs(columns - (best % width)[..., None]) <= 2
    weights = np.maximum(maps, 0) * near_y[..., :, None] * near_x[..., None, :]
    total = np.maximum(weights.sum((-1, -2)), 1e-9)
    x = (weights.sum(-2) * (columns + 0.5)).sum(-1) / total / width
    y = (weights.sum(-1) * (rows + 0.5)).sum(-1) / total / height
    return np.stack([x, y], axis=-1)


def scores(points: Array, truth: Array) -> dict[str, float]:
    """PCK at 0.2, 0.1 and 0.05 of the torso for wrists, and the mean error in percent of it; PCK@0.1 of all limbs."""
    torsos = np.fmax(*(_diagonal(truth, a, b) for a, b in (("left", "right"), ("right", "left"))))
    errors = metrics.errors_in_torsos(points, truth, torsos)
    wrists = errors[:, WRISTS]
    values = {f"wrist_pck_{t:g}": float(np.nanmean(metrics.pck(wrists, t))) for t in (0.2, 0.1, 0.05)}
    values["wrist_error_percent"] = float(100 * np.nanmean(wrists))
    values["limbs_pck_0.1"] = float(np.nanmean(metrics.pck(errors, 0.1)))
    return values


def _diagonal(truth: Array, a: str, b: str) -> Array:
    shoulder, hip = LIMBS.index(f"{a}_shoulder"), LIMBS.index(f"{b}_hip")
    return np.asarray(np.linalg.norm(truth[:, shoulder] - truth[:, hip], axis=-1))


def compare(views: dict[str, View], reaches: Iterable[int]) -> list[dict[str, Any]]:
    """A row for each way of pooling, the mean of both views; the first is without flow."""
    plain = [scores(highest(np.stack(view.maps)), view.truth) for view in views.values()]
    rows: list[dict[str, Any]] = [{"pooling": "none", "n": 0, "ms_of_flow": 0.0, **_mean(plain)}]
    for reach in reaches:
        maps, times = {}, []
        for name, view in views.items():
            maps[name], ms = gathered(view, reach)
            times.append(ms)
        for pooling, pool in POOLINGS.items():
            figures = [scores(highest(np.stack([pool(m) for m in maps[n]])), v.truth) for n, v in views.items()]
            rows.append({"pooling": pooling, "n": reach, "ms_of_flow": float(np.mean(times)), **_mean(figures)})
        figures = []
        for name, view in views.items():
            (other,) = (n for n in views if n != name)
            fitted = fit_pooling(maps[other], views[other].truth, reach)
            with torch.no_grad():
                pooled = fitted(torch.from_numpy(maps[name].astype(np.float32))).numpy()
            figures.append(scores(highest(pooled), view.truth))
        rows.append({"pooling": "learnt", "n": reach, "ms_of_flow": float(np.mean(times)), **_mean(figures)})
    return rows


def _mean(figures: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([figure[name] for figure in figures])) for name in figures[0]}


def main() -> None:
    """Reads the command line, measures and writes flow.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="clips with truth")
    parser.add_argument("--network", default="blazepose-heavy", help="whose heatmaps")
    parser.add_argument("--reach", type=int, nargs="+", default=[1, 3, 7], help="frames before and after (n)")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    if not (options.folder / "reference.trc").is_file():
        raise unknown_name("folder of clips with truth", str(options.folder), ["pose2sim_s00"])
    run = heatmap_function(options.network)
    views = {name: read_view(options.folder, name, run) for name in VIEWS}
    rows = compare(views, options.reach)
    values = {
        "network": options.network,
        "frames": sum(len(view.maps) for view in views.values()),
        "ms_of_heatmaps": float(np.mean([view.ms_of_maps for view in views.values()])),
        "rows": rows,
    }
    options.output.mkdir(parents=True, exist_ok=True)
    with atomic_path(options.output / "flow.json") as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        print("  ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
