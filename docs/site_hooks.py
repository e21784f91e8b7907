"""Hooks of MkDocs for the site of these pages (`make docs`)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)#\s]+)[^)]*\)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Links to files outside docs/, which the site does not have, become their text."""

    def replaced(link: re.Match[str]) -> str:
        return link[1] if _leaves(PurePosixPath(page.file.src_uri).parent, link[2]) else link[0]

    return _LINK.sub(replaced, markdown)


def _leaves(folder: PurePosixPath, target: str) -> bool:
    depth = len(folder.parts)
    for part in PurePosixPath(target).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False
