"""Many clips: found, done once each on local or distributed workers, and kept account of.

Nothing here loads a network or numpy but ``job``, which runs in the workers.
"""
