"""Reads the pages of the documentation: their code, their tables, what they name."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from langchain_onlysq.testing import LocalOnlySq

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, *sorted(DOCS.glob("*.md"))]

_BLOCK = re.compile(r"(?ms)^```(\w+)\n(.*?)^```$")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_OUTPUT = re.compile(r"(?m)^ *# > ?(.*)$")


@dataclass(frozen=True)
class Snippet:
    """A Python block of a page.

    Attributes:
        place: The page and the line before the block.
        code: The code; what it prints stands in it behind `# >`.
    """

    place: tuple[Path, int]
    code: str

    @property
    def needs_langchain(self) -> bool:
        """Whether it imports langchain, which is more than langchain-core."""
        return re.search(r"(?m)^(from|import) (langchain|langgraph)\b(?!_)", self.code) is not None

    @property
    def shown(self) -> list[str]:
        """The lines that it prints, as the page says."""
        return _OUTPUT.findall(self.code)

    def run(self, namespace: dict[str, Any]) -> list[str]:
        """Run it, and the tests that it defines; return the lines that it prints."""
        page, line = self.place
        known, printed = set(namespace), StringIO()
        with redirect_stdout(printed):
            exec(compile("\n" * line + self.code, page, "exec"), namespace)  # noqa: S102 - its purpose
        for name in set(namespace) - known:
            if name.startswith("test_"):
                with LocalOnlySq() as server:
                    namespace[name](server)
        return [text.rstrip() for text in printed.getvalue().split("\n") if text]


def text_of(page: Path) -> str:
    """Return the text of a page."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """Return the blocks of a page that are in a language."""
    return [code for found, code in _BLOCK.findall(text_of(page)) if found == language]


def prose(page: Path) -> str:
    """Return a page without its blocks."""
    return _BLOCK.sub("", text_of(page))


def snippets(page: Path) -> list[Snippet]:
    """Return the Python blocks of a page."""
    text = text_of(page)
    return [
        Snippet((page, text.count("\n", 0, block.start()) + 1), block[2])
        for block in _BLOCK.finditer(text)
        if block[1] == "python"
    ]


def commands() -> list[tuple[str, str]]:
    """Return the commands of all pages, each without its comment and with what it prints."""
    shown = "\n".join(block for page in PAGES for block in blocks(page, "console"))
    found = [part.partition("\n") for part in re.split(r"(?m)^\$ ", shown) if part]
    return [(re.sub(r"\s+#.*", "", command), output.strip()) for command, _, output in found]


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
    cells = [re.split(r"(?<!\\)\|", line.strip("|")) for line in lines]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in cells]


def anchors(page: Path) -> set[str]:
    """Return what a link may name behind a `#`: the headings of a page."""
    headings = re.findall(r"(?m)^#+ (.*)$", prose(page))
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
