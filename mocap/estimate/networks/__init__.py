"""Network architectures, named as a card names them: "module:function". Only building one imports torch.

BlazePose's are here. Those of the research part are in its own package, ``training.networks``, imported by name.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mocap.model.errors import MocapError

if TYPE_CHECKING:
    from torch import nn

PREFIXES = ("mocap.estimate.", "training.")  # of what a card may name: importing a module runs its code
INSTALL_TRAINING = "pip install ./training (in a checkout)"


def build_network(reference: str, **options: int) -> nn.Module:
    """The untrained torch module that a card names.

    Parameters
    ----------
    reference
        "module:function", as in ``mocap.estimate.networks.blazepose:landmarks_lite``.
    options
        Of the architecture.

    Returns
    -------
    torch.nn.Module
        With random weights, on the CPU.

    Raises
    ------
    MocapError
        When nothing has that name, or its package is not installed.
    """
    module, function = _module_and_function(reference)
    factory = getattr(import_module(module), function, None)
    if factory is None:
        raise _unknown(reference)
    return factory(**options)  # type: ignore[no-any-return]


def source_files(reference: str) -> list[Path]:
    """The files that define an architecture, sorted: what is derived from them is stale when they change.

    Parameters
    ----------
    reference
        "module:function". Its whole folder counts, and this one, whose blocks others use.

    Returns
    -------
    list of pathlib.Path
        Python files. Torch is not imported.

    Raises
    ------
    MocapError
        As in ``build_network``.
    """
    spec = find_spec(_module_and_function(reference)[0])
    if spec is None or spec.origin is None:
        raise _unknown(reference)
    folders = {Path(spec.origin).parent, Path(__file__).parent}
    return sorted(path for folder in folders for path in folder.glob("*.py"))


def _module_and_function(reference: str) -> tuple[str, str]:
    """Both names, once it is known that the module is there."""
    module, _, function = reference.partition(":")
    if not function or not module.startswith(PREFIXES):
        raise _unknown(reference)
    package = module.partition(".")[0]
    if find_spec(package) is None:
        raise MocapError(f"{reference} needs opentake-{package}, which is not installed: {INSTALL_TRAINING}")
    if find_spec(module) is None:
        raise _unknown(reference)
    return module, function


def _unknown(reference: str) -> MocapError:
    return MocapError(f"there is no network '{reference}'; a card names it as module:function, in mocap or training")
