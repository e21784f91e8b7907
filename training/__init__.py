"""Making and training networks: run from the repository's root, never imported by ``mocap``."""
