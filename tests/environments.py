"""Fresh environments that the suite runs in: the oldest dependencies, every Python, the wheel.

    python -m tests.environments lowest|all_pythons|wheel [arguments of pytest]

It needs the standard library alone. What it makes lies in build/ and is made anew each time.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"

CHECKERS = {"mypy", "ruff"}
"""What `make lint` and `make type` need, and the suite does not."""

NEED_NEWER = {"langchain", "langchain-tests"}
"""What cannot be installed beside our lowest langchain-core and httpx."""

MARKER = "needs_langchain"
"""Marks single tests that need one of those."""

PROBE = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"

Version = tuple[int, int]


class Project(NamedTuple):
    """What pyproject.toml says."""

    name: str
    dependencies: list[str]
    extras: dict[str, list[str]]
    pythons: list[Version]

    @classmethod
    def read(cls) -> Project:
        """Read it."""
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        project: Mapping[str, Any] = tomllib.loads(text)["project"]
        classifiers = "\n".join(project["classifiers"])
        return cls(
            project["name"],
            project["dependencies"],
            project["optional-dependencies"],
            [version_of(named) for named in re.findall(r"Python :: (\d+\.\d+)", classifiers)],
        )

    def of_users(self) -> list[str]:
        """Return the requirements that an installation can have, every extra but `dev` included."""
        extras = [self.extras[name] for name in self.extras if name != "dev"]
        return [line for lines in (self.dependencies, *extras) for line in lines]

    def of_suite(self, *, without: Iterable[str] = ()) -> list[str]:
        """Return the requirements of the suite itself."""
        left_out = {self.name, *CHECKERS, *without}
        return [line for line in self.extras["dev"] if name_of(line) not in left_out]


def version_of(text: str) -> Version:
    """Read `3.11`."""
    major, minor = text.split(".")
    return int(major), int(minor)


def name_of(requirement: str) -> str:
    """Return the name of the package that is required."""
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def lower_bound(requirement: str) -> str:
    """Turn `name>=1.2,<2` into `name==1.2`.

    Raises:
        ValueError: If the requirement has no lower bound.
    """
    bound = re.search(r">=\s*([\w.]+)", requirement)
    if bound is None:
        msg = f"{requirement!r} has no lower bound"
        raise ValueError(msg)
    return f"{name_of(requirement)}=={bound[1]}"


def modules_that_import(packages: Iterable[str], folder: Path) -> list[Path]:
    """Return the test modules that cannot be collected without one of these packages."""
    names = {package.replace("-", "_") for package in packages}
    return [
        path
        for path in sorted(folder.rglob("test_*.py"))
        if names & set(_imports(ast.parse(path.read_text(encoding="utf-8"))))
    ]


def _imports(module: ast.Module) -> Iterator[str]:
    for node in module.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def find_pythons(path: str, pyenv: Path, oldest: Version) -> dict[Version, str]:
    """Find the Pythons that can make environments: those on the path first, then those of pyenv."""
    folders = [*map(Path, path.split(os.pathsep)), *sorted(pyenv.glob("versions/*/bin"))]
    found: dict[Version, str] = {}
    for file in (file for folder in folders for file in folder.glob("python3.*")):
        if re.fullmatch(r"python3\.\d+", file.name) and (version := _probe(file)):
            found.setdefault(version, str(file))
    return {version: found[version] for version in sorted(found) if version >= oldest}


def _probe(python: Path) -> Version | None:
    """Run it, since pyenv leaves commands on the path that only say what to install."""
    try:
        result = _run([str(python), "-c", PROBE], check=False, timeout=30, capture_output=True)
    except OSError:
        return None
    return version_of(result.stdout) if result.returncode == 0 else None


def pythons_here(project: Project) -> dict[Version, str]:
    """Find the Pythons of this machine; the one that runs here is among them."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = find_pythons(os.environ.get("PATH", ""), pyenv, min(project.pythons))
    return dict(sorted({sys.version_info[:2]: sys.executable, **found}.items()))


def _run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"check": True, "text": True, "cwd": ROOT, "env": _environ(), **options}
    return subprocess.run(command, **options)  # noqa: PLW1510 - it is in the options


def _environ() -> dict[str, str]:
    """Leave out what lets an environment import things that are not installed in it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def make_environment(
    name: str, python: str, requirements: list[str], pins: Iterable[str] = ()
) -> str:
    """Make an environment in build/ and return its Python."""
    home = BUILD / name
    print(f"Making {home.relative_to(ROOT)} with {python}; a minute or two …", flush=True)
    _run([python, "-m", "venv", "--clear", str(home)])
    constraints = home / "constraints.txt"
    constraints.write_text("\n".join(pins), encoding="utf-8")
    own = str(home / "bin" / "python")
    install = [own, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    result = _run([*install, "--constraint", str(constraints), *requirements], check=False)
    complain("pip could not install", requirements if result.returncode else [])
    return own


class Outcome(NamedTuple):
    """How a run of the suite ended, and what pytest said at its end."""

    passed: bool
    said: str


def run_suite(python: str, arguments: list[str], folder: Path = ROOT) -> Outcome:
    """Run the suite, with its progress shown."""
    command = [python, "-m", "pytest", "-q", *arguments]
    said = ""
    with subprocess.Popen(
        command, cwd=folder, env=_environ(), stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            said = line.strip(" =\n") or said
    return Outcome(process.returncode == 0, said)


# The three commands


def lowest(arguments: list[str]) -> bool:
    """Run the suite with the oldest dependencies on the oldest Python."""
    project = Project.read()
    python = next(iter(pythons_here(project).values()))
    pins = [lower_bound(line) for line in project.of_users()]
    requirements = [*pins, *project.of_suite(without=NEED_NEWER)]
    own = make_environment("lowest", python, ["--editable", ".", *requirements], pins)
    ignored = [str(path.relative_to(ROOT)) for path in left_out_of_lowest()]
    print(f"Oldest dependencies: {', '.join(pins)}.")
    print(f"LEFT OUT, since {' and '.join(sorted(NEED_NEWER))} need newer ones:")
    print("\n".join(f"  {path}" for path in ignored))
    print(f"  tests marked {MARKER} (they are counted as deselected)", flush=True)
    options = [f"--ignore={path}" for path in ignored]
    return run_suite(own, [*options, "-m", f"not {MARKER}", *arguments]).passed


def left_out_of_lowest() -> list[Path]:
    """Return the modules that `lowest` does not run."""
    return modules_that_import(NEED_NEWER, ROOT / "tests")


def all_pythons(arguments: list[str]) -> bool:
    """Run the suite with the newest dependencies on every Python that the machine has."""
    project = Project.read()
    found = pythons_here(project)
    outcomes: dict[Version, Outcome] = {}
    for position, (version, python) in enumerate(found.items(), 1):
        name = f"python{_dotted(version)}"
        print(f"[{position}/{len(found)}] {name}; some minutes", flush=True)
        own = make_environment(name, python, ["--editable", ".", *suite_and_extras(project)])
        outcomes[version] = run_suite(own, arguments)
    print("\nPython  outcome")
    for version in sorted({*project.pythons, *outcomes}):
        outcome = outcomes.get(version)
        said = outcome.said if outcome else "NOT FOUND on this machine, not tested"
        print(f"{_dotted(version):7} {said}")
    return bool(outcomes) and all(outcome.passed for outcome in outcomes.values())


def suite_and_extras(project: Project) -> list[str]:
    """Return what the suite needs beside the package."""
    return [*project.of_users(), *project.of_suite()]


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def wheel(arguments: list[str]) -> bool:
    """Run the tests of the sdist on the installed wheel, where no source of it can be imported."""
    project = Project.read()
    [built] = (ROOT / "dist").glob("*.whl")
    [sdist] = (ROOT / "dist").glob("*.tar.gz")
    complain("in the wheel and not the package's", strangers_in_wheel(names_in_wheel(built)))
    complain("tracked by git and not in the sdist", sorted(tracked() - names_in_sdist(sdist)))
    folder = BUILD / "suite"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.unpack_archive(sdist, folder)
    [folder] = folder.iterdir()
    shutil.rmtree(folder / "langchain_onlysq")
    mypy = [line for line in project.extras["dev"] if name_of(line) == "mypy"]
    requirements = [str(built), *suite_and_extras(project), *mypy]
    own = make_environment("wheel", sys.executable, requirements)
    code = "import langchain_onlysq; print(langchain_onlysq.__file__)"
    where = _run([own, "-c", code], cwd=folder, capture_output=True).stdout.strip()
    complain("not in site-packages", [] if "site-packages" in Path(where).parts else [where])
    print(f"Testing {where}", flush=True)
    _run([own, "-m", "mypy", "tests/typing"], cwd=folder)
    return run_suite(own, arguments, folder).passed


def names_in_wheel(path: Path) -> set[str]:
    """Return the names of the files in a wheel."""
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def strangers_in_wheel(names: set[str]) -> list[str]:
    """Return what does not belong into the wheel, and what is missing in it."""
    ours = re.compile(r"langchain_onlysq/.*\.py|langchain_onlysq-[^/]+\.dist-info/.*")
    typed = "langchain_onlysq/py.typed"
    missing = [f"{typed} (missing)"] if typed not in names else []
    return sorted(name for name in names - {typed} if not ours.fullmatch(name)) + missing


def names_in_sdist(path: Path) -> set[str]:
    """Return the names of the files in an sdist, below its one folder."""
    with tarfile.open(path) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


def tracked() -> set[str]:
    """Return the files that git tracks; none where there is no clone, as in an unpacked sdist."""
    if not (ROOT / ".git").exists():
        return set()
    return set(_run(["git", "ls-files"], capture_output=True).stdout.split("\n")) - {""}


def complain(what: str, names: list[str]) -> None:
    """Stop if there is something to complain of.

    Raises:
        SystemExit: If there are names.
    """
    if names:
        sys.exit("\n  ".join([f"{what}:", *names]))


if __name__ == "__main__":
    command = {"lowest": lowest, "all_pythons": all_pythons, "wheel": wheel}[sys.argv[1]]
    sys.exit(not command(sys.argv[2:]))
