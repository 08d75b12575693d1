"""What can be said of the packaging without building anything; `make test_wheel` says the rest."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

import langchain_onlysq
from tests.environments import (
    MARKER,
    NEED_NEWER,
    ROOT,
    Outcome,
    Project,
    complain,
    find_pythons,
    lower_bound,
    modules_that_import,
    name_of,
    names_in_wheel,
    run_suite,
    strangers_in_wheel,
)

PROJECT = Project.read()
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z_]+):", MAKEFILE, re.MULTILINE))


class TestProject:
    def test_it_needs_three_packages_at_run_time(self) -> None:
        names = {name_of(line) for line in PROJECT.dependencies}
        assert names == {"langchain-core", "httpx", "pydantic"}

    def test_every_requirement_has_a_lower_bound(self) -> None:
        for line in [*PROJECT.of_users(), *PROJECT.of_suite()]:
            assert "==" in lower_bound(line)

    def test_the_version_stands_in_one_place(self) -> None:
        assert "version" in PYPROJECT["project"]["dynamic"]
        assert PYPROJECT["tool"]["hatch"]["version"]["path"] == "langchain_onlysq/_version.py"
        code = [path.read_text(encoding="utf-8") for path in ROOT.glob("langchain_onlysq/**/*.py")]
        assert sum(f'"{langchain_onlysq.__version__}"' in text for text in code) <= 1

    def test_the_installed_version_is_that_of_the_code(self) -> None:
        try:
            installed = metadata.version("langchain-onlysq")
        except metadata.PackageNotFoundError:
            pytest.skip("the package is not installed: these are its sources alone")
        assert installed == langchain_onlysq.__version__

    def test_the_changelog_knows_the_version(self) -> None:
        changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        assert f"## [{langchain_onlysq.__version__}]" in changelog

    def test_supported_pythons_are_the_same_everywhere(self) -> None:
        oldest = ".".join(map(str, min(PROJECT.pythons)))
        assert PYPROJECT["project"]["requires-python"] == f">={oldest}"
        assert PYPROJECT["tool"]["mypy"]["python_version"] == oldest
        assert PYPROJECT["tool"]["pyright"]["pythonVersion"] == oldest
        assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"

    def test_nothing_is_locked(self) -> None:
        locks = ["*.lock", "*lock.json", "*lock.yaml", "*requirements*.txt", "*constraints*.txt"]
        assert [path for pattern in locks for path in ROOT.glob(pattern)] == []


class TestMakefile:
    def test_every_target_is_in_the_help(self) -> None:
        [phony] = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
        assert set(phony.replace("\\\n", " ").split()) == targets()
        result = subprocess.run(
            ["make", "--no-print-directory", "help"],  # noqa: S607 - the make that runs the tests
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        assert set(re.findall(r"^  make (\w+) +\S", result.stdout, re.MULTILINE)) == targets()

    @pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".ci/run"])
    def test_texts_name_targets_that_exist(self, name: str) -> None:
        text = (ROOT / name).read_text(encoding="utf-8")
        named = set(re.findall(r"(?:^|`|\$ )make ([a-z_]+)", text, re.MULTILINE))
        assert named
        assert named <= targets()


class TestHost:
    def test_the_workflow_runs_the_checks_on_every_python(self) -> None:
        [check] = [job for job in jobs() if "python-version" in matrix(job)]
        versions = [tuple(map(int, text.split("."))) for text in matrix(check)["python-version"]]
        assert versions == PROJECT.pythons
        assert ".ci/run" in runs(check)

    def test_the_workflow_runs_what_exists(self) -> None:
        commands = [shlex.split(command) for job in jobs() for command in runs(job)]
        assert {command[0] for command in commands} == {".ci/run", "make"}
        assert {command[1] for command in commands if command[0] == "make"} <= targets()
        assert ["make", "test_lowest"] in commands
        assert ["make", "test_wheel"] in commands

    def test_the_workflow_may_do_little(self) -> None:
        assert yaml.safe_load(WORKFLOW)["permissions"] == {"contents": "read"}
        assert "secrets" not in WORKFLOW
        assert all("permissions" not in job for job in jobs())

    def test_actions_are_those_of_the_host_at_one_major_version(self) -> None:
        used = [step["uses"] for job in jobs() for step in job["steps"] if "uses" in step]
        assert used
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)

    @pytest.mark.parametrize("name", ["bug", "wire_fact", "feature"])
    def test_issue_templates_ask_for_something(self, name: str) -> None:
        path = ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml"
        template = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert template["name"]
        assert template["description"]
        asked = [field for field in template["body"] if field["type"] != "markdown"]
        assert len({field["id"] for field in asked}) == len(asked)
        assert all(field["attributes"]["label"] for field in asked)
        assert any(field.get("validations", {}).get("required") for field in asked)


def jobs() -> list[dict[str, Any]]:
    return list(yaml.safe_load(WORKFLOW)["jobs"].values())


def matrix(job: dict[str, Any]) -> dict[str, Any]:
    return dict(job.get("strategy", {}).get("matrix", {}))


def runs(job: dict[str, Any]) -> list[str]:
    """The commands of a job, with every target of its matrix in them."""
    commands = [step["run"] for step in job["steps"] if "run" in step]
    return [
        command.replace("${{ matrix.target }}", target)
        for command in commands
        for target in matrix(job).get("target", [""])
    ]


class TestEnvironments:
    @pytest.mark.parametrize(
        ("requirement", "pin"),
        [
            ("httpx>=0.26.0", "httpx==0.26.0"),
            ("langchain-core>=1.6.0,<2", "langchain-core==1.6.0"),
            ("a.b_c[extra] <3, >= 1.0rc1", "a.b_c==1.0rc1"),
        ],
    )
    def test_lower_bounds(self, requirement: str, pin: str) -> None:
        assert lower_bound(requirement) == pin

    @pytest.mark.parametrize("requirement", ["httpx", "httpx<1", "httpx>0.26"])
    def test_a_requirement_without_a_lower_bound_is_an_error(self, requirement: str) -> None:
        with pytest.raises(ValueError, match="lower bound"):
            lower_bound(requirement)

    def test_the_oldest_dependencies_are_those_of_every_extra_of_users(self) -> None:
        names = {name_of(line) for line in PROJECT.of_users()}
        assert {"langchain-core", "httpx", "pydantic", "h11"} <= names
        assert "pytest" not in names

    def test_the_suite_needs_no_checkers(self) -> None:
        names = {name_of(line) for line in PROJECT.of_suite(without=NEED_NEWER)}
        assert "pytest" in names
        assert not names & {"mypy", "ruff", "langchain", "langchain-onlysq"}

    def test_modules_that_cannot_be_collected_are_found(self, tmp_path: Path) -> None:
        texts = {
            "test_whole.py": "import langchain.agents",
            "test_part.py": "from langchain_tests.unit_tests import ChatModelUnitTests",
            "test_other.py": "import langchain_core\nfrom langchain_onlysq import ChatOnlySq",
            "test_inside.py": "def test_it():\n    import langchain",
            "helper.py": "import langchain",
        }
        for name, text in texts.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        found = modules_that_import(NEED_NEWER, tmp_path)
        assert [path.name for path in found] == ["test_part.py", "test_whole.py"]

    def test_single_tests_are_left_out_by_a_marker_that_exists(self) -> None:
        markers = PYPROJECT["tool"]["pytest"]["ini_options"]["markers"]
        assert any(marker.startswith(f"{MARKER}:") for marker in markers)

    def test_pythons_are_found_by_running_them(self, tmp_path: Path) -> None:
        one, two = tmp_path / "one", tmp_path / "pyenv" / "versions" / "x" / "bin"
        script(one / "python3.11", "echo 3.11")
        script(one / "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
        script(one / "python3.10", "echo 3.10")
        script(one / "python3.13-config", "echo 3.13")
        script(two / "python3.11", "echo 3.11")
        script(two / "python3.12", "echo 3.12")
        (one / "python3.14").write_text("no program", encoding="utf-8")
        found = find_pythons(f"{one}:{tmp_path / 'nowhere'}", tmp_path / "pyenv", (3, 11))
        assert found == {(3, 11): str(one / "python3.11"), (3, 12): str(two / "python3.12")}

    def test_a_python_that_can_make_environments_is_found(self, tmp_path: Path) -> None:
        path = tmp_path / f"python3.{sys.version_info[1]}"
        path.symlink_to(sys.executable)
        found = find_pythons(str(tmp_path), Path("nowhere"), min(PROJECT.pythons))
        assert found == {sys.version_info[:2]: str(path)}

    def test_strangers_in_a_wheel_are_named(self, tmp_path: Path) -> None:
        ours = [
            "langchain_onlysq/__init__.py",
            "langchain_onlysq/testing/server.py",
            "langchain_onlysq/py.typed",
            "langchain_onlysq-0.1.0.dist-info/METADATA",
            "langchain_onlysq-0.1.0.dist-info/licenses/LICENSE",
        ]
        others = ["tests/__init__.py", "langchain_onlysq/notes.txt", "examples/demo.py"]
        with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
            for name in [*ours, *others]:
                archive.writestr(name, "")
        names = names_in_wheel(tmp_path / "a.whl")
        assert strangers_in_wheel(names) == sorted(others)
        assert strangers_in_wheel(set(ours)) == []
        missing = strangers_in_wheel(set(ours) - {"langchain_onlysq/py.typed"})
        assert missing == ["langchain_onlysq/py.typed (missing)"]

    def test_complaints_end_the_run(self) -> None:
        complain("nothing", [])
        with pytest.raises(SystemExit, match="too much:\n  a\n  b"):
            complain("too much", ["a", "b"])

    @pytest.mark.parametrize(("body", "passed"), [("assert 1", True), ("assert 0", False)])
    def test_a_run_of_the_suite_tells_how_it_ended(
        self, *, body: str, passed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take seconds
        (tmp_path / "test_it.py").write_text(f"def test_it():\n    {body}\n", encoding="utf-8")
        outcome = run_suite(sys.executable, ["-p", "no:cacheprovider"], tmp_path)
        assert isinstance(outcome, Outcome)
        assert outcome.passed is passed
        assert outcome.said.startswith("1 passed" if passed else "1 failed")


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
