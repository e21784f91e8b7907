"""File formats: one module each, and tables of them (``outlets`` for motion, ``label_files`` for labels)."""

from mocap.io.outlets import OUTLETS, READERS, Outlet, Reader, Recording, outlet_for

__all__ = ["OUTLETS", "READERS", "Outlet", "Reader", "Recording", "outlet_for"]
