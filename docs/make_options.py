"""Write what is made from the declared options: the table in README.md and the list that the Blender add-on carries.

    python docs/make_options.py

A test compares both with the declarations (tests/test_settings.py).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mocap.app.settings import take_options
from mocap.cli.listing import json_text, markdown
from mocap.cli.options import OUTPUT, PROGRESS

REPOSITORY = Path(__file__).resolve().parents[1]
README = REPOSITORY / "README.md"
ADDON = REPOSITORY / "blender_addon" / "mocap_blender" / "pure" / "options.json"
BEGIN, END = "<!-- options: written by docs/make_options.py -->", "<!-- end of options -->"


def readme() -> str:
    """README.md with the table of options between its two marks."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{markdown([OUTPUT, *take_options().values(), PROGRESS])}\n{END}{after}"


def addon() -> str:
    """The options of ``mocap process`` as the add-on reads them."""
    listed = [one for one in take_options().values() if "process" in one.commands]
    return json_text(listed) + "\n"


GENERATED: dict[Path, Callable[[], str]] = {README: readme, ADDON: addon}


def main() -> None:
    """Write both files."""
    for path, made in GENERATED.items():
        path.write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main()
