# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, in one line for the user."""


class AddonError(Exception):
    """Any of them; the message goes to Blender's report area as it is."""


class TakeError(AddonError):
    """A file that is no take, is damaged, or is newer than this add-on."""


class RetargetError(AddonError):
    """An armature that cannot take the motion."""


class CommandError(AddonError):
    """The mocap program is missing, too old, or failed."""
