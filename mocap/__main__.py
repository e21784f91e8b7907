"""``python -m mocap``: the command line."""

from mocap.cli.main import main

main()
