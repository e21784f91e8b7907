# SPDX-License-Identifier: GPL-3.0-or-later
"""Mocap takes on your own characters: import, map, retarget, mend."""
