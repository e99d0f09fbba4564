"""Hooks of mkdocs: pages that lie elsewhere in the repository, and links that lead out of docs/."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
REPOSITORY = "https://github.com/crm-singer/tap-crm/blob/main/"
BORROWED = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "examples/any_to_any/README.md": "any-to-any-files.md",
}
"""Files of the repository that are pages of the site, and what they are called there."""
SOURCES = {page: source for source, page in BORROWED.items()}
FOREIGN = re.compile(r"<(?:script|img|iframe|link rel=\"?stylesheet)[^>]*(?:src|href)=\"?https?://[^>]*>")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the borrowed pages."""
    for source, page in BORROWED.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Points each link to where its file lies: on this site, else in the repository."""
    here = page.file.src_uri
    folder = dirname(SOURCES.get(here, f"docs/{here}"))
    return LINK.sub(lambda found: f"]({_target(found[1], normpath(join(folder, found[1])), dirname(here))}", markdown)


def on_post_page(output: str, *, page: Page, **_: object) -> str:
    """Lets no page pass that loads something from elsewhere: the site works without the internet, and tells nobody."""
    if found := FOREIGN.search(output):
        raise PluginError(f"{page.file.src_uri} loads from elsewhere: {found[0]}")
    return output


def _target(link: str, path: str, folder: str) -> str:
    """What a link to ``path`` in the repository is on a page in ``folder``; one to nowhere stays as it is."""
    if path.startswith("docs/") or path in BORROWED:
        return relpath(BORROWED.get(path, path.removeprefix("docs/")), folder or ".")
    return REPOSITORY + path if (ROOT / path).exists() else link
