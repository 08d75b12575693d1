"""Reads the pages of the documentation: their snippets, their tables, what they name."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, *sorted(DOCS.glob("*.md"))]

_BLOCK = re.compile(r"(?ms)^```(\w+)\n(.*?)^```$")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")


@dataclass(frozen=True)
class Snippet:
    """A Python block of a page.

    Attributes:
        name: The page, and which of its blocks this is.
        code: The code.
        before: What it goes on from: the first block of the page.
    """

    name: str
    code: str
    before: str = ""

    @property
    def needs_langchain(self) -> bool:
        """Whether it imports langchain, which is more than langchain-core."""
        return re.search(r"(?m)^\s*(from|import) langchain\b(?!_)", self.code) is not None

    @property
    def is_test(self) -> bool:
        """Whether it is a test of a user."""
        return re.search(r"(?m)^def test_", self.code) is not None

    def run(self, folder: Path) -> None:
        """Run it; the services that it asks are those of the environment."""
        if self.is_test:
            self._run_test(folder)
            return
        namespace: dict[str, Any] = {"__name__": "__main__"}
        for code in filter(None, (self.before, self.code)):
            exec(compile(code, self.name, "exec"), namespace)  # noqa: S102 - its purpose

    def _run_test(self, folder: Path) -> None:
        (folder / "test_snippet.py").write_text(self.code, encoding="utf-8")
        plugin = ["-p", "langchain_onlysq.pytest_plugin", "-p", "no:langchain_onlysq"]
        result = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "pytest", "-q", *plugin, str(folder)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert "1 passed" in result.stdout, result.stdout + result.stderr


def text_of(page: Path) -> str:
    """Return the text of a page."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """Return the blocks of a page that are in a language."""
    return [code for found, code in _BLOCK.findall(text_of(page)) if found == language]


def prose(page: Path) -> str:
    """Return a page without its blocks."""
    return _BLOCK.sub("", text_of(page))


def snippets() -> list[Snippet]:
    """Return the Python blocks of all pages."""
    found: list[Snippet] = []
    for page in PAGES:
        first, *others = blocks(page, "python") or [""]
        start = Snippet(f"{page.name}-0", first)
        before = "" if start.is_test else first
        found += [start] if first else []
        found += [
            Snippet(f"{page.name}-{number}", code, before) for number, code in enumerate(others, 1)
        ]
    return found


def commands() -> list[str]:
    """Return the commands in the console blocks of all pages, without the comments behind them."""
    found = [block for page in PAGES for block in blocks(page, "console")]
    lines = [line for block in found for line in block.split("\n")]
    return [re.sub(r"\s+#.*", "", line).removeprefix("$ ") for line in lines if line]


def spans(text: str) -> list[str]:
    """Return what stands in inline code."""
    return [_plain(code) for _, code in _SPAN.findall(text)]


def _plain(code: str) -> str:
    return code[1:-1] if code.startswith(" ") and code.endswith(" ") else code


def table(page: Path, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    below = re.split(rf"(?m)^#+ {re.escape(heading)}$", text_of(page))[1]
    rows = re.search(r"(?m)^\|.*\n\|[-|]+\n((?:\|.*\n)+)", below)
    assert rows, heading
    lines = rows[1].strip().split("\n")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
