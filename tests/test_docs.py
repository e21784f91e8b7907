"""The pages of the project: their links lead somewhere, and the site has them all."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
LEFT_OUT = {"site", "dist", "build", "demo", "node_modules"}  # and environments, .venv and the like


def is_ours(page: Path) -> bool:
    return not any(part in LEFT_OUT or part.startswith(".venv") for part in page.relative_to(REPOSITORY).parts)


PAGES = sorted(filter(is_ours, REPOSITORY.rglob("*.md")))
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]+)?\)")


def names(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def without_code(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The headings of a page as they are named in links."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> list[str]:
    """The links of a page, to files and their headings, that lead nowhere."""
    found = []
    for target, anchor in LINK.findall(without_code(page)):
        file = page.parent / target
        if not file.exists() or (anchor and file.suffix == ".md" and anchor[1:] not in anchors(file)):
            found.append(target + anchor)
    return found


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_link_between_files_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Some heading\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text("[a](none.md) [b](other.md#some-heading) [c](other.md#none) [d](other.md)\n", encoding="utf-8")
    assert broken(page) == ["none.md", "other.md#none"]


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_pages_that_are_named_in_the_text_exist(page: Path) -> None:
    named = set(re.findall(r"(?<![\w/.])docs/[\w/-]+\.md", without_code(page)))
    allowed = {"docs/solutions/pose.md"}  # a page of MediaPipe's
    assert [name for name in named - allowed if not (REPOSITORY / name).is_file()] == []


def test_every_page_is_in_the_menu_of_the_site() -> None:
    menu = re.findall(r": ([\w/-]+\.md)$", (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert set(menu) == {page for page in pages if not re.match(r"dev/decisions/\d", page)}


def test_the_site_is_built_from_these_pages_and_loads_nothing_from_elsewhere() -> None:
    config = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"))
    assert (config["docs_dir"], config["theme"]["highlightjs"]) == ("docs", False)


def test_links_out_of_the_docs_become_text_on_the_site() -> None:
    spec = importlib.util.spec_from_file_location("site_hooks", DOCS / "site_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    page = SimpleNamespace(file=SimpleNamespace(src_uri="user/cluster.md"))
    text = (
        "[out](../../benchmarks/README.md) [in](../dev/format.md#a) [web](https://example.org) ![p](../pictures/a.png)"
    )
    assert hooks.on_page_markdown(text, page=page) == text.replace("[out](../../benchmarks/README.md)", "out")
