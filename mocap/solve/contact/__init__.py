"""Which parts of the body touch the ground, where the ground is, and the body held there."""
