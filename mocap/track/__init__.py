"""People over time: detect, follow, estimate where the movement needs it, and how the camera moved."""
