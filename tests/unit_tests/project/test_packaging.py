"""What can be said of the packaging without building anything; `make test_wheel` says the rest."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from importlib import metadata
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from packaging.requirements import Requirement

import langchain_onlysq
from tests.support.paths import PACKAGE, ROOT

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
PYTHONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z_]+):", MAKEFILE, re.MULTILINE))


class TestProject:
    def test_it_needs_three_packages_at_run_time(self) -> None:
        names = {Requirement(line).name for line in PROJECT["dependencies"]}
        assert names == {"langchain-core", "httpx", "pydantic"}

    def test_every_requirement_has_one_lower_bound(self) -> None:
        extras = PROJECT["optional-dependencies"].values()
        for requirement in map(Requirement, sum(extras, PROJECT["dependencies"])):
            operators = [bound.operator for bound in requirement.specifier]
            assert operators.count(">=") == (requirement.name != PROJECT["name"])

    def test_the_version_stands_in_one_place(self) -> None:
        assert "version" in PROJECT["dynamic"]
        assert PYPROJECT["tool"]["hatch"]["version"]["path"] == "langchain_onlysq/_version.py"
        code = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
        assert sum(f'"{langchain_onlysq.__version__}"' in text for text in code) <= 1

    def test_the_installed_version_is_that_of_the_code(self) -> None:
        try:
            installed = metadata.version("langchain-onlysq")
        except metadata.PackageNotFoundError:
            # `make test` installs it; a plain checkout on the path has no version to compare.
            pytest.skip("the package is not installed: these are its sources alone")
        assert installed == langchain_onlysq.__version__

    def test_the_changelog_knows_the_version(self) -> None:
        changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        assert f"## [{langchain_onlysq.__version__}]" in changelog

    def test_supported_pythons_are_the_same_everywhere(self) -> None:
        oldest = PYTHONS[0]
        assert PROJECT["requires-python"] == f">={oldest}"
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

    @pytest.mark.parametrize("target", ["lowest", "all_pythons", "prerelease", "wheel"])
    def test_environments_of_their_own_are_made_by_nox(self, target: str) -> None:
        [recipe] = re.findall(rf"(?m)^test_{target}:.*\n((?:\t.*\n)+)", MAKEFILE)
        assert f"--session {target} -- $(ARGS)" in recipe
        assert "pip install --" not in recipe
        assert f"def {target}(session" in (ROOT / "noxfile.py").read_text(encoding="utf-8")

    @pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".ci/run"])
    def test_texts_name_targets_that_exist(self, name: str) -> None:
        text = (ROOT / name).read_text(encoding="utf-8")
        named = set(re.findall(r"(?:^|`|\$ )make ([a-z_]+)", text, re.MULTILINE))
        assert named
        assert named <= targets()


class TestHost:
    def test_the_workflow_runs_the_checks_on_every_python(self) -> None:
        [check] = [job for job in jobs() if "python-version" in matrix(job)]
        assert matrix(check)["python-version"] == PYTHONS
        assert ".ci/run" in runs(check)

    def test_the_workflow_runs_what_exists(self) -> None:
        commands = [shlex.split(command) for job in jobs() for command in runs(job)]
        assert {command[0] for command in commands} == {".ci/run", "make"}
        assert {command[1] for command in commands if command[0] == "make"} <= targets()
        assert ["make", "test_lowest"] in commands
        assert ["make", "test_wheel"] in commands

    def test_the_next_langchain_core_is_tried_and_may_fail(self) -> None:
        may_fail = [job for job in jobs() if job.get("continue-on-error")]
        assert [runs(job) for job in may_fail] == [["make test_prerelease"]]

    @pytest.mark.parametrize("name", [".github/ISSUE_TEMPLATE/wire_fact.yml", "CONTRIBUTING.md"])
    def test_facts_about_the_wire_come_with_a_check(self, name: str) -> None:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "langchain-onlysq --check --json" in text
        assert "curl -i -N" in text

    def test_the_workflow_may_do_little(self) -> None:
        assert yaml.safe_load(WORKFLOW)["permissions"] == {"contents": "read"}
        assert "secrets" not in WORKFLOW
        assert all("permissions" not in job for job in jobs())

    def test_actions_are_those_of_the_host_at_one_major_version(self) -> None:
        used = [step["uses"] for job in jobs() for step in job["steps"] if "uses" in step]
        assert used
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)


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
