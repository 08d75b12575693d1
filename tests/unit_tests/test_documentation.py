"""Every snippet of the documentation runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from langchain_onlysq.testing import LocalOnlySq
from tests.unit_tests.test_package import ROOT

SNIPPETS = [
    pytest.param(code, id=f"{path.name}-{position}")
    for path in [ROOT / "README.md"]
    for position, code in enumerate(
        re.findall(r"(?ms)^```python\n(.*?)^```", path.read_text(encoding="utf-8"))
    )
]


@pytest.mark.parametrize("code", SNIPPETS)
def test_snippet(
    code: str, server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ONLYSQ_API_BASE", server.base_url)
    monkeypatch.chdir(tmp_path)
    Path("cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    exec(compile(code, "snippet", "exec"), {"__name__": "__main__"})  # noqa: S102 - its purpose


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) >= 7


def test_demo_runs_and_says_what_happened() -> None:
    result = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "error", str(ROOT / "examples" / "demo.py")],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    assert result.stderr == ""
    for said in ("piece by piece", "'total_tokens'", "Two plus two?", "62.6", "got 9 requests"):
        assert said in result.stdout


def test_the_cost_of_tools_in_the_readme_is_the_measured_one() -> None:
    result = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, str(ROOT / "examples" / "prompt_cost.py")],
        capture_output=True,
        text=True,
        check=True,
    )
    measured = dict(line.split() for line in result.stdout.split("\n")[1:] if line)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for count in ("1", "10", "30"):
        assert f"| {count} | {measured[count]} |" in readme
