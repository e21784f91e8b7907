"""What is trained, on what and how: one value, and the named ones that the comparison is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mocap.model.errors import unknown_name


@dataclass(frozen=True)
class Settings:
    """How a network is trained; stored in every checkpoint.

    task: one of training.tasks.TASKS; a joint's name is a network of that joint alone. network: of that task. data: of
    "lsp", "lspet". split: of splits.SPLITS. crop: of crops.CROPS. side: pixels of the crop, 0 = the network's own.
    changes: how far crops are changed in learning, in parts of training.augment's; 0: not at all, nor mirrored. loss:
    "l2" or "l1", of coordinates. validation: training images that judge the epochs; with none the last epoch is kept.
    patience: epochs without a gain before the end. matrix_rate: Muon's, of the kernels between the first and the last
    layer; 0: AdamW for all. start: "" or what weights to begin with (training.starts).
    """

    task: str = "joints"
    network: str = "deeppose"
    data: tuple[str, ...] = ("lsp",)
    split: str = "official"
    crop: str = "square"
    side: int = 0
    changes: float = 1.0
    loss: str = "l2"
    epochs: int = 100
    batch: int = 64
    learning_rate: float = 3e-4
    matrix_rate: float = 0.0
    weight_decay: float = 0.0
    warm_epochs: float = 0.5
    validation: int = 100
    patience: int = 30
    seed: int = 1
    start: str = ""


# The founding report's protocol: whole pictures stretched, no changes, 100 epochs, squared error.
_REPORT = Settings(task="set", crop="stretched", changes=0, batch=32, learning_rate=1e-4, validation=0, patience=0)
# What the same networks give with more data, proportions kept and pictures changed, a little: after two epochs deeppose
# held 31 % PCK@0.2 of what was not changed, and 22 % of what was changed in full.
_ALL = Settings(
    data=("lsp", "lspet"), loss="l1", epochs=120, batch=32, learning_rate=3e-4, weight_decay=1e-2, changes=0.25
)
# Muon: after 2.5 minutes of one core the small network held 50 % PCK@0.2 with it, and 44 % with AdamW for all weights.
_HEATMAPS = replace(_ALL, task="heatmaps", changes=1.0, epochs=140, batch=128, learning_rate=2e-3, matrix_rate=0.02)
_SMALL = replace(_HEATMAPS, network="heatmap-small", batch=32, side=96)  # a step on these costs half of one on 128

REGRESSORS = ("deeppose", "alexnet", "resnet34")
SAMPLE = "right_knee"  # of a set: what one of its networks learns
PRESETS: dict[str, Settings] = {
    **{
        f"{name}-set-{split}": replace(_REPORT, network=name, split=split)
        for name in REGRESSORS
        for split in ("random", "official")
    },
    **{
        f"{name}-report-{split}": replace(_REPORT, task="joints", network=name, split=split)
        for name in REGRESSORS
        for split in ("random", "official")
    },
    **{f"{name}-knee-official": replace(_REPORT, task=SAMPLE, network=name) for name in REGRESSORS},
    **{name: replace(_ALL, network=name) for name in REGRESSORS},
    "cascade-1": replace(_ALL, network="deeppose-stage", loss="l2", epochs=80),  # training.cascade goes on
    "heatmap": replace(_HEATMAPS, network="heatmap"),
    "heatmap-small-96": _SMALL,
    "heatmap-small": replace(_SMALL, side=0, epochs=40, learning_rate=1e-3, matrix_rate=0.01, start="heatmap-small-96"),
    "spatialnet": replace(_ALL, task="heatmaps", network="spatialnet", epochs=60, learning_rate=1e-4),
}


def preset(name: str) -> Settings:
    """The settings of a name. MocapError lists the names."""
    if name not in PRESETS:
        raise unknown_name("preset", name, sorted(PRESETS))
    return PRESETS[name]
