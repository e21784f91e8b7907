"""What a network is asked for: how its output becomes joints, and how far from the labels that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn import functional as F

from mocap.model.errors import unknown_name
from mocap.model.keypoints import LSP_14
from training.networks import create_network

JOINTS = len(LSP_14)
SPREAD_CELLS = 1.5  # standard deviation of the bell that a heatmap should show
State = dict[str, Tensor]


class Outcome(NamedTuple):
    """Of a batch: loss (14,) by joint and joints (B, 14, 2) in units of the crop; NaN of joints that are not learnt."""

    loss: Tensor
    joints: Tensor


class Task(nn.Module):
    """A network with its question. ``units`` is the number of networks it holds: each keeps its own best epoch."""

    units = 1
    image_size: int

    def forward(self, images: Tensor) -> Tensor:
        """Joints (B, 14, 2) in units of the crop, of images (B, 3, S, S) in 0..1."""
        raise NotImplementedError

    def judged(self, images: Tensor, joints: Tensor, labelled: Tensor) -> Outcome:
        """The outcome for labels (B, 14, 2), 0 where ``labelled`` (B, 14) is False."""
        raise NotImplementedError

    def weights(self) -> State:
        """The trained tensors by name, as they are stored."""
        return self.state_dict()

    def put(self, state: State) -> None:
        """Takes stored tensors over."""
        self.load_state_dict(state)

    def networks(self) -> Iterator[nn.Module]:
        """What runs: the modules whose way of working can be set."""
        yield self


def mean_by_joint(errors: Tensor, labelled: Tensor) -> Tensor:
    """Mean (14,) over the labelled of a batch of errors (B, 14)."""
    return (errors * labelled).sum(0) / labelled.sum(0).clamp(min=1)


def coordinate_errors(points: Tensor, joints: Tensor, kind: str) -> Tensor:
    """Errors (B, 14): the mean over x and y of squares ("l2") or of magnitudes ("l1")."""
    difference = points.float() - joints
    return (difference.square() if kind == "l2" else difference.abs()).mean(-1)


class JointsTask(Task):
    """One network that regresses all joints at once."""

    def __init__(self, network: str, loss: str, joints: int = JOINTS) -> None:
        super().__init__()
        self.network, self._loss = create_network(network, outputs=2 * joints), loss
        self.image_size = int(self.network.image_size)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images).unflatten(-1, (-1, 2))  # type: ignore[no-any-return]

    def judged(self, images: Tensor, joints: Tensor, labelled: Tensor) -> Outcome:
        """See Task."""
        points = self(images)
        return Outcome(mean_by_joint(coordinate_errors(points, joints, self._loss), labelled), points.detach())

    def weights(self) -> State:
        """The network's own names."""
        return self.network.state_dict()

    def put(self, state: State) -> None:
        """See Task."""
        self.network.load_state_dict(state)


class JointTask(JointsTask):
    """One network that regresses one joint: a sample of a set. The others, and their losses, are NaN."""

    def __init__(self, network: str, loss: str, joint: str) -> None:
        super().__init__(network, loss, joints=1)
        self._place = LSP_14.index(joint)

    def forward(self, images: Tensor) -> Tensor:
        after = JOINTS - 1 - self._place
        return F.pad(super().forward(images), (0, 0, self._place, after), value=torch.nan)


class SetTask(Task):
    """A network for each joint, all of one architecture, trained together: the mathematics of training each alone.

    Their tensors are stacked along a first axis of 14, and one call runs them all (torch.func). Nothing couples them:
    the loss is a sum, and Adam works number by number.
    """

    units = JOINTS

    def __init__(self, network: str, loss: str, joints: int = JOINTS) -> None:
        super().__init__()
        members = [create_network(network, outputs=2) for _ in range(joints)]
        self.image_size, self._loss, self.units = int(members[0].image_size), loss, joints  # type: ignore[arg-type]
        parameters, buffers = stack_module_state(members)
        self._template = (members[0].to("meta"),)  # in a tuple: its tensors are none of this module's
        for name, value in parameters.items():
            self.register_parameter(_attribute(name), nn.Parameter(value.detach()))
        for name, value in buffers.items():
            self.register_buffer(_attribute(name), value)
        self._parameters_of = tuple(parameters)
        self._buffers_of = tuple(buffers)

    def forward(self, images: Tensor) -> Tensor:
        template = self._template[0].train(self.training)
        parameters, buffers = (
            {name: getattr(self, _attribute(name)) for name in names}
            for names in (self._parameters_of, self._buffers_of)
        )

        def one(weights: State, statistics: State) -> Tensor:
            return functional_call(template, (weights, statistics), (images,))  # type: ignore[no-any-return]

        if better_at_once(images):
            points = torch.vmap(one, randomness="different")(parameters, buffers)  # statistics change in place
        else:
            points = torch.stack([one(*lot) for lot in zip(_unbound(parameters), _unbound(buffers))])
        return points.transpose(0, 1)  # type: ignore[no-any-return]

    def judged(self, images: Tensor, joints: Tensor, labelled: Tensor) -> Outcome:
        """See Task."""
        points = self(images)
        return Outcome(mean_by_joint(coordinate_errors(points, joints, self._loss), labelled), points.detach())

    def networks(self) -> Iterator[nn.Module]:
        """The one that all of them are run by."""
        yield self._template[0]

    def weights(self) -> State:
        """Tensors by the names of one network, with a first axis of the networks."""
        return {name: getattr(self, _attribute(name)).detach() for name in (*self._parameters_of, *self._buffers_of)}

    def put(self, state: State) -> None:
        """See Task."""
        self.load_state_dict({_attribute(name): value for name, value in state.items()})


def better_at_once(images: Tensor) -> bool:
    """Whether one call of all networks is faster than one after another: not on processors, in grouped convolutions."""
    return images.is_cuda


def _unbound(stacked: State) -> list[State]:
    """What each network has of tensors with a first axis of networks, as views."""
    return [dict(zip(stacked, lot)) for lot in zip(*(value.unbind() for value in stacked.values()))]


def _attribute(name: str) -> str:
    return name.replace(".", "__")


class HeatmapsTask(Task):
    """A network of heatmaps (B, 14, H, W), or of several that are each to show the same (a list; the last counts)."""

    def __init__(self, network: str, loss: str) -> None:
        super().__init__()
        self.network = create_network(network)
        self.image_size = int(self.network.image_size)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        return centres_of_mass(as_list(self.network(images))[-1])

    def judged(self, images: Tensor, joints: Tensor, labelled: Tensor) -> Outcome:
        """The cross entropy of each cell with the bell's height there, so that few cells do not drown in many."""
        maps = as_list(self.network(images))
        bells = bells_at(joints, maps[-1].shape[-1]).to(maps[-1].dtype)
        errors = [F.binary_cross_entropy_with_logits(m, bells, reduction="none").sum((-1, -2)) for m in maps]
        loss = sum(mean_by_joint(error.float(), labelled) for error in errors)
        return Outcome(loss, centres_of_mass(maps[-1].detach()))  # type: ignore[arg-type]

    def weights(self) -> State:
        """The network's own names."""
        return self.network.state_dict()

    def put(self, state: State) -> None:
        """See Task."""
        self.network.load_state_dict(state)


def as_list(maps: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    """The maps of a network that may give several."""
    return [maps] if isinstance(maps, Tensor) else list(maps)


def bells_at(joints: Tensor, cells: int) -> Tensor:
    """Maps (B, K, cells, cells) with a bell of height 1 at each joint (B, K, 2) in units of the crop.

    Convention: cell (row, column) is the square whose middle is at ((column + 0.5), (row + 0.5)) / cells.
    """
    middles = (torch.arange(cells, device=joints.device) + 0.5) / cells
    squares = (joints[..., None] - middles).square() * cells**2  # (B, K, 2, cells)
    x, y = torch.exp(-squares / (2 * SPREAD_CELLS**2)).unbind(2)
    return y[..., :, None] * x[..., None, :]


def centres_of_mass(maps: Tensor, reach: int = 2) -> Tensor:
    """Joints (B, K, 2) in units of the crop: the mean place around the highest cell of logits (B, K, H, W)."""
    height, width = maps.shape[-2:]
    probability = torch.sigmoid(maps.float())
    best = probability.flatten(2).argmax(-1)
    rows, columns = best // width, best % width
    y = torch.arange(height, device=maps.device)
    x = torch.arange(width, device=maps.device)
    near = ((y - rows[..., None]).abs() <= reach)[..., :, None] & ((x - columns[..., None]).abs() <= reach)[
        ..., None, :
    ]
    weights = probability * near
    total = weights.sum((-1, -2)).clamp(min=1e-12)
    centre_x = (weights.sum(-2) * (x + 0.5)).sum(-1) / total / width
    centre_y = (weights.sum(-1) * (y + 0.5)).sum(-1) / total / height
    return torch.stack([centre_x, centre_y], -1)


TASKS: dict[str, Callable[[str, str], Task]] = {
    "joints": JointsTask,
    "set": SetTask,
    "heatmaps": HeatmapsTask,
    **{joint: partial(JointTask, joint=joint) for joint in LSP_14.names},
}


def create_task(task: str, network: str, loss: str) -> Task:
    """The task of a name with an untrained network. MocapError lists the names."""
    if task not in TASKS:
        raise unknown_name("task", task, sorted(TASKS))
    return TASKS[task](network, loss)
