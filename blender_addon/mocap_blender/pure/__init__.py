# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs no Blender: readers, rig tables, retargeting. Plain Python and numpy."""
