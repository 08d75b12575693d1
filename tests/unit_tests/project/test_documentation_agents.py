"""The snippets of the documentation that import langchain."""

from __future__ import annotations

from pathlib import Path

import langchain
import pytest

from tests.support.documentation import Snippet, snippets
from tests.support.providers import table
from tests.unit_tests.project.test_documentation import _surroundings

# LangChain's providers are the same before and after each test.
__all__ = ["_surroundings", "table"]

SNIPPETS = [snippet for snippet in snippets() if snippet.needs_langchain]


@pytest.mark.usefixtures("_surroundings")
@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda s: s.name)
def test_python(snippet: Snippet, tmp_path: Path) -> None:
    assert langchain.__version__
    snippet.run(tmp_path)


def test_agents_are_shown_on_three_pages() -> None:
    pages = {s.name.partition("-")[0] for s in SNIPPETS if "create_agent(" in s.code}
    assert pages == {"README.md", "langchain.md", "testing.md"}
