"""The package as a whole: its names, its imports, its manners."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import langchain_onlysq
from langchain_onlysq import pytest_plugin, testing
from langchain_onlysq.testing import LocalOnlySq
from tests.support.paths import PACKAGE, ROOT


def test_public_names() -> None:
    assert sorted(langchain_onlysq.__all__) == langchain_onlysq.__all__
    for name in langchain_onlysq.__all__:
        assert getattr(langchain_onlysq, name) is not None
    assert re.fullmatch(r"\d+\.\d+\.\d+", langchain_onlysq.__version__)


def test_every_error_is_public() -> None:
    from langchain_onlysq import errors

    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, langchain_onlysq.OnlySqError)
    }
    assert classes <= set(langchain_onlysq.__all__)


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    result = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
    return set(result.stdout.split())


def test_importing_loads_nothing_beyond_the_package() -> None:
    base = modules_after("import langchain_core.language_models.chat_models, httpx")
    ours = modules_after("from langchain_onlysq import *")
    extra = {name for name in ours - base if not name.startswith("langchain_onlysq")}
    assert extra == set()
    assert not any("testing" in name for name in ours - base)


def test_importing_opens_no_file_and_no_socket() -> None:
    code = """
import langchain_core.language_models.chat_models, httpx, sys
def audit(event, args):
    if event.startswith("socket.") or (
        event == "open" and "langchain_onlysq" not in str(args[0])
    ):
        raise AssertionError((event, args))
sys.addaudithook(audit)
import langchain_onlysq
langchain_onlysq.ChatOnlySq
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)  # noqa: S603


def names_of_modules_with(pattern: str) -> set[str]:
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(pattern, path.read_text(encoding="utf-8"))
    }


def test_lines_are_never_split_where_json_may_go_on() -> None:
    assert names_of_modules_with(r"\bsplitlines\(|iter_lines\(") == set()


def test_only_the_transport_does_io() -> None:
    names = names_of_modules_with(r"\.send\(request|\bsleep\(|\bhttpx2?\.(Async)?Client\(")
    # The command line keeps one client for a whole conversation.
    assert {name.partition("/")[0] for name in names} <= {"transport", "testing", "cli"}


def test_pytest_finds_the_fixture_without_loading_langchain() -> None:
    loaded = modules_after("import langchain_onlysq.pytest_plugin")
    assert not any(name.startswith(("langchain_core", "httpx", "h11")) for name in loaded)


def test_the_fixture_serves_a_test_of_a_user(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        """
from langchain_onlysq import ChatOnlySq

def test_mine(local_onlysq):
    local_onlysq.reply("Hello!")
    llm = ChatOnlySq(model="m", base_url=local_onlysq.base_url)
    assert llm.invoke("Hi").content == "Hello!"
""",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "langchain_onlysq.pytest_plugin"]
    result = subprocess.run(  # noqa: S603
        [*command, "-p", "no:langchain_onlysq", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert "1 passed" in result.stdout, result.stdout + result.stderr


def test_the_fixture_is_also_a_name_of_the_testing_module(local_onlysq: LocalOnlySq) -> None:
    assert pytest_plugin.local_onlysq is testing.local_onlysq
    llm = langchain_onlysq.ChatOnlySq(model="m", base_url=local_onlysq.base_url)
    assert llm.invoke("Hi").content == "You said: Hi"


def test_names_that_do_not_exist_are_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="ChatOnlySquare"):
        _ = langchain_onlysq.ChatOnlySquare
