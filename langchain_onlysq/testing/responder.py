"""The built-in model: a pure function from a request to an answer that suits it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_onlysq.testing import prompted
from langchain_onlysq.testing.answers import Answer, Call
from langchain_onlysq.testing.bodies import cut_to_tokens
from langchain_onlysq.testing.requests import Request, text_of
from langchain_onlysq.testing.schemas import fill

_WORD = re.compile(r"[^\W_]{3,}")
_JSON_KEY = re.compile(r"""['"`](\w+)['"`]""")
_COMMON_WORDS = frozenset(
    _WORD.findall(
        "the and for you are with what how who why when where which this that from can could "
        "please use using tool tools call value name get set give tell make does into about your "
        "its hello has have was not all any but"
    )
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME_WEIGHT = 3

Message = Mapping[str, Any]


@dataclass(frozen=True)
class _Task:
    """What a request asks of the model, read from either form.

    Attributes:
        question: What the user said last.
        results: The results of tools that came after it.
        called: The names of the tools that were called after it.
        tools: The offered tools: name, description, parameters.
        choice: ``"none"``, ``"auto"``, ``"required"``, or the name of a forced tool.
        schema: The schema of the wanted JSON; None where text is wanted.
        parallel: Whether several calls may be made at once.
    """

    question: str
    results: Sequence[str]
    called: Sequence[str]
    tools: Sequence[Mapping[str, Any]]
    choice: str
    schema: Mapping[str, Any] | None
    parallel: bool = True


def respond(request: Request, *, ignores_stop: bool = False) -> Answer:
    """Answer a request as a plain, obedient model would.

    A tool that is forced, or that fits what the user said, is called; its results are repeated
    in text; wanted JSON fits its schema; anything else is repeated: ``You said: …``.

    Args:
        request: The request.
        ignores_stop: Whether the answer goes on after a stop sequence.

    Returns:
        The answer.
    """
    task = _read_native(request) if request.chat.get("tools") else _read_prompted(request)
    if calls := _calls(task):
        return Answer(calls=calls)
    answer = Answer(_text(task, _count_images(request)))
    return _limited(answer, request, ignores_stop=ignores_stop)


def _limited(answer: Answer, request: Request, *, ignores_stop: bool) -> Answer:
    """Keep to ``stop`` and ``max_tokens``."""
    stop = request.chat.get("stop")
    sequences = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    text = answer.text
    if not ignores_stop:
        for sequence in sequences:
            text = text.partition(sequence)[0]
    max_tokens = request.chat.get("max_tokens")
    if isinstance(max_tokens, int) and (short := cut_to_tokens(text, max_tokens)) != text:
        return replace(answer, text=short, finish_reason="length")
    return replace(answer, text=text)


# --- reading the request


def _read_native(request: Request) -> _Task:
    question, since = _split(request, lambda message: message.get("role") == "user")
    return _Task(
        question=question,
        results=[text_of(m.get("content")) for m in since if m.get("role") == "tool"],
        called=[call["function"]["name"] for m in since for call in m.get("tool_calls") or ()],
        tools=[tool["function"] for tool in request.chat["tools"]],
        choice=_native_choice(request.chat.get("tool_choice", "none")),
        schema=_wanted_schema(request, question),
        parallel=request.chat.get("parallel_tool_calls") is not False,
    )


def _native_choice(choice: Any) -> str:
    return str(choice["function"]["name"]) if isinstance(choice, dict) else str(choice)


def _read_prompted(request: Request) -> _Task:
    question, since = _split(request, _asks)
    texts = [text_of(message.get("content")) for message in since]
    return _Task(
        question=question,
        results=[result for text in texts for result in prompted.read_results(text)],
        called=[name for text in texts for name in prompted.read_calls(text)],
        tools=prompted.read_tools(_system(request)),
        choice=prompted.read_choice(_system(request)),
        schema=_wanted_schema(request, question),
    )


def _asks(message: Message) -> bool:
    """Whether a user says something, and does not only pass on the results of tools."""
    text = text_of(message.get("content"))
    only_results = prompted.read_results(text) and not prompted.without_results(text)
    return message.get("role") == "user" and not only_results


def _split(
    request: Request, is_question: Callable[[Message], bool]
) -> tuple[str, Sequence[Message]]:
    """The last question of the user, and the messages after it."""
    messages = request.messages
    for index in range(len(messages) - 1, -1, -1):
        if is_question(messages[index]):
            text = text_of(messages[index].get("content"))
            return prompted.without_results(text), messages[index + 1 :]
    return "", messages


def _system(request: Request) -> str:
    systems = (m for m in request.messages if m.get("role") == "system")
    return "\n".join(text_of(message.get("content")) for message in systems)


def _wanted_schema(request: Request, question: str) -> Mapping[str, Any] | None:
    """The schema of the wanted JSON; plain JSON mode names its keys in the question."""
    wanted = request.chat.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return dict(wanted["json_schema"]["schema"])
    if schema := prompted.read_schema(_system(request)):
        return schema
    keys = _JSON_KEY.findall(question) if "JSON" in question else []
    if not keys and wanted.get("type") == "json_object":
        keys = ["answer"]
    return {"properties": {key: {"type": "string"} for key in keys}} if keys else None


def _count_images(request: Request) -> int:
    contents = (message.get("content") for message in request.messages)
    parts = (part for content in contents if isinstance(content, list) for part in content)
    return sum(isinstance(part, dict) and part.get("type") == "image_url" for part in parts)


# --- answering


def _calls(task: _Task) -> list[Call]:
    return [(str(tool["name"]), _arguments(tool, task.question)) for tool in _chosen(task)]


def _arguments(tool: Mapping[str, Any], question: str) -> dict[str, Any]:
    schema = {"type": "object"} | dict(tool.get("parameters") or {})
    return dict(fill(schema, question))


def _chosen(task: _Task) -> list[Mapping[str, Any]]:
    """The tools to call now; a tool that was called since the question is not called again."""
    fresh = [tool for tool in task.tools if tool["name"] not in task.called]
    if task.choice == "none" or not fresh:
        return []
    if task.choice not in ("auto", "required"):
        return [tool for tool in fresh if tool["name"] == task.choice]
    if task.choice == "auto" and task.results:
        return []
    named = [tool for tool in fresh if _is_named(tool, task.question)]
    if named:
        return named if task.parallel else named[:1]
    best = max(fresh, key=lambda tool: _fitness(tool, task.question))
    return [best] if task.choice == "required" or _fitness(best, task.question) else []


def _is_named(tool: Mapping[str, Any], question: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(tool['name'])}(?!\w)", question) is not None


def _fitness(tool: Mapping[str, Any], question: str) -> int:
    """How many telling words the question shares with the tool; those of its name weigh more."""
    said = _telling_words(question)
    in_name = said & _telling_words(_HUMP.sub(" ", tool["name"]))
    in_description = said & _telling_words(tool.get("description") or "")
    return _NAME_WEIGHT * len(in_name) + len(in_description)


def _telling_words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)} - _COMMON_WORDS


def _text(task: _Task, images: int) -> str:
    if task.schema is not None:
        return json.dumps(fill(task.schema, task.question), ensure_ascii=False)
    if task.results:
        return f"The tools say: {'; '.join(task.results)}"
    seen = f"I see {images} image{'' if images == 1 else 's'}. " if images else ""
    return f"{seen}You said: {task.question}"
