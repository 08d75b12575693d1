"""What hatchling asks for the README as a package index shows it: without the other files."""
# ruff: noqa: INP001 - it is loaded by its path

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class ReadmeHook(MetadataHookInterface):
    """Turns links to other files into their names, as pyproject.toml says."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the README to the metadata of the project."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = re.sub(self.config["link"], self.config["name"], text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
