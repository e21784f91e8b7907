"""Batch processing of many clips by local or distributed workers, with an account of what was done.

Only ``job``, which runs in the workers, loads networks or numpy.
"""
