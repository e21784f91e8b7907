"""The command line: parse, call, print. ``main`` is its entry."""
