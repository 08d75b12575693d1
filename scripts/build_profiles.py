"""Rebuild langchain_onlysq/models/profile_table.py, the table of well-known models.

Its facts are those of models.dev:

    python scripts/build_profiles.py               # download them
    python scripts/build_profiles.py api.json      # read a copy of its api.json
    python scripts/build_profiles.py --langchain   # read the copies inside LangChain's packages

The last needs some of LANGCHAIN_PACKAGES to be installed (`pip install --no-deps` is enough).
"""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import runpy
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from langchain_onlysq.models.profiles import REASONING_EFFORTS, plain_name, undated


class Row(NamedTuple):
    """What the table says of a model."""

    most_input: int
    most_output: int
    words: str
    name: str


URL = "https://models.dev/api.json"
TABLE = Path(__file__).parents[1] / "langchain_onlysq" / "models" / "profile_table.py"

FAMILIES = {
    "openai": r"gpt-|o\d",
    "anthropic": r"claude-",
    "google": r"gemini-|gemma-",
    "deepseek": r"deepseek-",
    "xai": r"grok-",
    "perplexity": r"sonar",
    "mistral": r"\w*stral-|open-mi[sx]tral-",
    # For open weights: of other models, this one names the largest limits that anybody offers.
    "openrouter": r"(?:deepseek/deepseek|qwen/q|meta-llama/llama|moonshotai/kimi|z-ai/glm"
    r"|minimax/minimax|openai/gpt-oss|openai/gpt-[\d.]+-chat)",
}
"""Provider of models.dev -> how the ids start that are taken from it; the first one counts."""

NO_CHAT = re.compile(r"embed|guard|live|realtime|computer-use|customtools|:")

OTHER_NAMES = {
    "openrouter/deepseek/deepseek-chat": "deepseek-v3",
    "openrouter/deepseek/deepseek-chat-v3-0324": "deepseek-v3-0324",
    "openrouter/deepseek/deepseek-chat-v3.1": "deepseek-v3.1",
}
"""Where a provider has a name of its own for a model: the name that everybody else has."""

LANGCHAIN_PACKAGES = {
    "openai": "langchain-openai",
    "anthropic": "langchain-anthropic",
    "google": "langchain-google-genai",
    "deepseek": "langchain-deepseek",
    "xai": "langchain-xai",
    "perplexity": "langchain-perplexity",
    "mistral": "langchain-mistralai",
    "openrouter": "langchain-openrouter",
}
"""Provider of models.dev -> the package of LangChain whose `data/_profiles.py` is made of it."""

HEADER = '''\
"""What is known of well-known models. Made by scripts/build_profiles.py: do not edit.

The facts are those of models.dev (https://github.com/sst/models.dev), read on
{date} from {source}.
models.dev is under the MIT License, Copyright (c) 2025 spin.dev.
"""

TABLE = """\\
{rows}"""  # noqa: E501 - a model a line
"""Id, most input tokens, most output tokens, what the model can and is; and what it is called."""
'''


def main() -> None:
    """Read the facts, and write the table."""
    parser = argparse.ArgumentParser(description="Rebuild the table of model profiles.")
    parser.add_argument("file", nargs="?", type=Path, help="a copy of models.dev's api.json")
    parser.add_argument("--langchain", action="store_true", help="use LangChain's packages")
    parser.add_argument("--output", type=Path, default=TABLE, help="the table's file")
    arguments = parser.parse_args()
    if arguments.langchain:
        providers, source = read_langchain()
    elif arguments.file:
        providers = json.loads(arguments.file.read_text(encoding="utf-8"))
        source = "a copy of its api.json"
    else:
        providers, source = download(), URL
    rows = build(providers)
    if not rows:
        sys.exit("There is no known model in it: the table stays as it is.")
    date = datetime.now(UTC).date().isoformat()
    arguments.output.write_text(render(rows, date, source), encoding="utf-8")
    sys.stdout.write(f"{len(rows)} models in {arguments.output}\n")


def download() -> Any:
    """Fetch api.json."""
    try:
        return httpx.get(URL, timeout=60).raise_for_status().json()
    except httpx.HTTPError as error:
        sys.exit(f"{URL} cannot be had ({error}): name a copy of it, or use --langchain.")


def read_langchain() -> tuple[dict[str, Any], str]:
    """Read the installed packages; return them in the form of api.json, and their versions."""
    providers, versions = {}, []
    for provider, package in LANGCHAIN_PACKAGES.items():
        spec = importlib.util.find_spec(package.replace("-", "_"))
        if spec is None or spec.origin is None:
            continue
        profiles = runpy.run_path(str(Path(spec.origin).parent / "data" / "_profiles.py"))
        models = {name: as_listed(profile) for name, profile in profiles["_PROFILES"].items()}
        providers[provider] = {"models": models}
        versions.append(f"{package} {version(package)}")
    return providers, "the copies in\n" + ",\n".join(versions)


def as_listed(profile: dict[str, Any]) -> dict[str, Any]:
    """Turn a profile of LangChain back into the entry of models.dev that it was made of."""
    kinds = ("text", "image", "audio", "video")
    return {
        "limit": {
            "context": profile.get("max_input_tokens"),
            "output": profile.get("max_output_tokens"),
        },
        "modalities": {
            "input": [kind for kind in kinds if profile.get(f"{kind}_inputs")],
            "output": [kind for kind in kinds if profile.get(f"{kind}_outputs")],
        },
        "name": profile.get("name"),
        "status": profile.get("status"),
        "temperature": profile.get("temperature"),
        "reasoning": profile.get("reasoning_output"),
        "reasoning_options": [
            {"type": "effort", "values": profile.get("reasoning_effort_levels") or []}
        ],
        "tool_call": profile.get("tool_calling"),
        "structured_output": profile.get("structured_output"),
    }


def build(providers: dict[str, Any]) -> dict[str, Row]:
    """Choose the well-known chat models, and name them as `plain_name` does."""
    rows: dict[str, Row] = {}
    for provider, start in FAMILIES.items():
        for name, entry in providers.get(provider, {}).get("models", {}).items():
            row = row_of(entry)
            if row and re.match(start, name) and not NO_CHAT.search(name):
                known_as = OTHER_NAMES.get(f"{provider}/{name}", name)
                rows.setdefault(plain_name(known_as), row)
    for name in list(rows):
        family = rows.get(undated(name))
        if undated(name) != name and family and family[:2] == rows[name][:2]:
            del rows[name]
    for name, row in list(rows.items()):
        # Elsewhere such models go by the name that they are to have.
        called = row._replace(name=row.name.removesuffix(" Preview"))
        rows.setdefault(name.removesuffix("-preview"), called)
    return rows


def row_of(entry: dict[str, Any]) -> Row | None:
    """Return what the table says of a model; None if it does not answer in text alone.

    LangChain's own tool takes the whole context for the input. Where the input has a limit of its
    own, that is the one that a request runs into.
    """
    limit = entry.get("limit") or {}
    modalities = entry.get("modalities") or {}
    most_input, most_output = limit.get("input") or limit.get("context"), limit.get("output")
    if not most_input or not most_output or modalities.get("output") != ["text"]:
        return None
    words = {
        "image": "image" in (modalities.get("input") or ()),
        "reasoning": entry.get("reasoning"),
        "structured": entry.get("structured_output"),
        "temperature": entry.get("temperature"),
        "tools": entry.get("tool_call"),
        **dict.fromkeys(efforts_of(entry), True),
        entry.get("status"): entry.get("status"),
    }
    # That a name is the latest one is what an id without a date says.
    name = re.sub(r" \(latest\)$", "", entry.get("name") or "")
    said = " ".join(word for word, holds in words.items() if holds)
    return Row(most_input, most_output, said, name)


def efforts_of(entry: dict[str, Any]) -> list[str]:
    """Return the efforts that a model is named to have, of those that OnlySq's clients send."""
    options = entry.get("reasoning_options") or ()
    named = [effort for option in options for effort in option.get("values") or ()]
    return [effort for effort in REASONING_EFFORTS if effort in named]


def render(rows: dict[str, Row], date: str, source: str) -> str:
    """Write the table as Python, one model a line, sorted by id."""
    lines = [
        " ".join(filter(None, (model, f"{row.most_input}", f"{row.most_output}", row.words)))
        + f"; {row.name}\n"
        for model, row in sorted(rows.items())
    ]
    return HEADER.format(date=date, source=source, rows="".join(lines))


if __name__ == "__main__":
    main()
