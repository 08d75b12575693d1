"""Fresh environments that the suite runs in: old and new dependencies, every Python, the wheel.

nox --session lowest | all_pythons | prerelease | wheel [-- arguments of pytest]
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

import nox
from packaging.requirements import Requirement

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
FOR_USERS = [*PYPROJECT["project"]["dependencies"], *EXTRAS["cli"], *EXTRAS["testing"]]

NEED_NEWER = {"langchain", "langchain-tests"}
"""What cannot be installed beside our lowest langchain-core and httpx."""

MARKER = "needs_langchain"
"""Marks single tests that need one of those."""

# The commands that pyenv puts on the path do not run every Python that it has.
_PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
_FOLDERS = [str(bin_) for python in PYTHONS for bin_ in _PYENV.glob(f"versions/{python}.*/bin")]
os.environ["PATH"] = os.pathsep.join([*_FOLDERS, os.environ["PATH"]])


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run the suite with the oldest dependencies on the oldest Python."""
    pins = [_lower_bound(Requirement(line)) for line in FOR_USERS]
    suite = [line for line in EXTRAS["dev"] if Requirement(line).name not in NEED_NEWER]
    session.install("--editable", ".", *suite, *pins)
    imports = re.compile(r"(?m)^(from|import) langchain(_tests)?\b")
    left_out = [
        str(path)
        for path in sorted(Path("tests").rglob("test_*.py"))
        if imports.search(path.read_text(encoding="utf-8"))
    ]
    session.log(f"Oldest dependencies: {', '.join(pins)}.")
    session.log(f"LEFT OUT, since {' and '.join(sorted(NEED_NEWER))} need newer ones:")
    for name in (*left_out, f"tests marked {MARKER} (they are counted as deselected)"):
        session.log(f"  {name}")
    ignored = [f"--ignore={path}" for path in left_out]
    session.run("pytest", "-q", "-m", f"not {MARKER}", *ignored, *session.posargs)


def _lower_bound(requirement: Requirement) -> str:
    [version] = [bound.version for bound in requirement.specifier if bound.operator == ">="]
    return f"{requirement.name}=={version}"


@nox.session(python=PYTHONS)
def all_pythons(session: nox.Session) -> None:
    """Run the suite with the newest dependencies on every Python that the machine has."""
    session.install("--editable", ".[dev]")
    session.run("pytest", "-q", *session.posargs)


@nox.session
def prerelease(session: nox.Session) -> None:
    """Run the suite with the newest pre-release of langchain-core."""
    session.install("--editable", ".[dev]")
    session.install("--upgrade", "--pre", "langchain-core")
    session.run("pytest", "-q", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Run the tests of the sdist on the installed wheel, where no source of it can be imported."""
    [built], [sdist] = Path("dist").glob("*.whl"), Path("dist").glob("*.tar.gz")
    ours = re.compile(r"langchain_onlysq/(.*\.py|py\.typed)|langchain_onlysq-[^/]+\.dist-info/.*")
    with zipfile.ZipFile(built) as archive:
        _complain(session, "in the wheel", {n for n in archive.namelist() if not ours.fullmatch(n)})
    with tarfile.open(sdist) as archive:
        packed = {member.name.partition("/")[2] for member in archive}
    # Outside of a clone there is nothing to compare with.
    git = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=False)
    _complain(session, "not in the sdist", {*git.stdout.split("\n")} - {""} - packed)
    session.install(f"{built}[dev]")
    with tempfile.TemporaryDirectory() as unpacked:
        shutil.unpack_archive(sdist, unpacked)
        [folder] = Path(unpacked).iterdir()
        shutil.rmtree(folder / "langchain_onlysq")
        with session.chdir(folder):
            session.run("mypy", "tests/typing")
            session.run("python", "-m", "pytest", "-q", *session.posargs)


def _complain(session: nox.Session, where: str, names: set[str]) -> None:
    if names:
        session.error(f"{where}: {', '.join(sorted(names))}")
