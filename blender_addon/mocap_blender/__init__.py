# SPDX-License-Identifier: GPL-3.0-or-later
"""Mocap takes on your own characters: import, map, retarget, mend.

Needs nothing but Blender, opens no network connection, and imports Blender only when it is registered: what lies in
``pure`` can be used without.
"""

from __future__ import annotations

MODULES = (
    "settings",
    "import_operator",
    "preview",
    "map_operators",
    "markers",
    "process_operator",
    "background",
    "cleanup",
    "relock",
    "panel",
)


def _modules() -> list:
    from importlib import import_module
    from importlib.util import find_spec

    return [import_module(f".{name}", __package__) for name in MODULES if find_spec(f".{name}", __package__)]


def register() -> None:
    """Makes the classes of all modules known to Blender."""
    import bpy

    for module in _modules():
        for cls in module.CLASSES:
            bpy.utils.register_class(cls)
        if hasattr(module, "register"):
            module.register()


def unregister() -> None:
    """Takes everything back."""
    import bpy

    for module in reversed(_modules()):
        if hasattr(module, "unregister"):
            module.unregister()
        for cls in reversed(module.CLASSES):
            bpy.utils.unregister_class(cls)
