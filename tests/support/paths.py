"""Where things lie."""

from __future__ import annotations

from pathlib import Path

import langchain_onlysq

ROOT = Path(__file__).parents[2]
PACKAGE = Path(langchain_onlysq.__file__).parent
