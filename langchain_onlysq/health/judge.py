"""What an answer, or an error, says of the service. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from langchain_onlysq.errors import (
    OnlySqAPIError,
    OnlySqAuthenticationError,
    OnlySqError,
    OnlySqPermissionDeniedError,
    OnlySqRateLimitError,
    OnlySqResponseError,
)
from langchain_onlysq.health.report import CheckResult
from langchain_onlysq.settings.service import KEY_VARIABLE, PUBLIC_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.messages.ai import UsageMetadata
    from pydantic import SecretStr

    from langchain_onlysq.health.recording import Recording
    from langchain_onlysq.models.entries import OnlySqModel

    Quote = Callable[[str], str]

_PROXY_WANTS_PASSWORD = 407
_WORKING = "work"


def unchecked(name: str, reason: str) -> CheckResult:
    """Say why something was not checked."""
    return CheckResult(name=name, status="unchecked", detail=reason)


def failure(name: str, error: OnlySqError) -> CheckResult:
    """Say what went wrong; too many requests say nothing of what was to be checked."""
    kind, status, advice = type(error).__name__, error.status_code, ""
    data = {"error": kind, "status_code": status, "code": error.code, "body": error.body}
    if isinstance(error, OnlySqRateLimitError):
        return CheckResult(
            name=name,
            status="unchecked",
            detail=f"busy: OnlySq answered {status}, too many requests",
            advice="Check again in a minute, or another model.",
            data=data,
        )
    if status == _PROXY_WANTS_PASSWORD:
        advice = "The proxy wants a password: http://user:password@host:port in HTTPS_PROXY."
    return CheckResult(name=name, status="failed", detail=str(error), advice=advice, data=data)


def catalogue(models: Sequence[OnlySqModel]) -> CheckResult:
    """Say how many models are on offer."""
    working = sum(model.status == _WORKING for model in models)
    return CheckResult(
        name="catalogue",
        status="ok",
        detail=f"{counted(len(models), 'model')}, {working} of them marked as working",
        data={"models": len(models), "working": working},
    )


def listed(model: str, models: Sequence[OnlySqModel], near: Sequence[str]) -> CheckResult:
    """Say what the catalogue says of a model."""
    entry = next((entry for entry in models if entry.id == model), None)
    if entry is None:
        meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        return CheckResult(
            name="model",
            status="unclear",
            detail=f"{model!r} is not in the catalogue{meant}",
            advice="Choose one that is.",
        )
    known = {
        "status": entry.status,
        "modality": entry.modality,
        "tier": entry.tier,
        "streaming": entry.can_stream,
        "tools": entry.can_tools,
        "limits": entry.limits,
    }
    said = ", ".join(f"{name} {json.dumps(value)}" for name, value in known.items())
    works = entry.status in {_WORKING, None}
    return CheckResult(
        name="model",
        status="ok" if works else "unclear",
        detail=f"{model!r} is in the catalogue: {said}",
        advice="" if works else "The catalogue does not call it working: choose another one.",
        data=entry.model_dump(mode="json"),
    )


def key(key: SecretStr, found: CheckResult | None, failed: OnlySqError | None) -> CheckResult:
    """Say what the plain answer, or its failure, says of the key."""
    secret = key.get_secret_value()
    is_public = secret == PUBLIC_KEY
    whose = "the public key" if is_public else f"a key of your own ({len(secret)} characters)"
    advice, status = "", "unchecked"
    if found is not None:
        status, said = "ok", "accepted"
    elif isinstance(failed, OnlySqAuthenticationError):
        status, said = "failed", "not accepted"
        advice = f"Check {KEY_VARIABLE}: was the key copied whole, and is it still valid?"
    elif isinstance(failed, OnlySqPermissionDeniedError):
        status, said = "unclear", "refused for this model"
        advice = "Try another model, or a key of an account with a higher level."
    elif isinstance(failed, OnlySqAPIError) and not isinstance(failed, OnlySqResponseError):
        status, said = "unclear", "not known: the service failed"
        advice = (
            "Try again later."
            if is_public
            else "It fails for a dead key, too: try the public key, 'openai', or try again later."
        )
    else:
        said = "not known, since there is no answer"
    return CheckResult.model_validate(
        {"name": "key", "status": status, "detail": f"{whose}, {said}", "advice": advice}
    )


def whole(message: AIMessage, model: str, recording: Recording, quote: Quote) -> CheckResult:
    """Judge a plain answer."""
    served = message.response_metadata.get("model_name")
    doubts = []
    if message.usage_metadata is None:
        doubts.append("Token usage is not sent: usage_metadata will be None.")
    if served != model:
        doubts.append("Another model answered than the one that was asked.")
    took = recording.marks.get("seconds")
    return CheckResult(
        name="whole answer",
        status="unclear" if doubts else "ok",
        detail=(
            f"{quote(message.text)} in {took} s, {_usage(message.usage_metadata)}, from {served!r}"
        ),
        advice=" ".join(doubts),
        data={
            "seconds": took,
            "usage": message.usage_metadata,
            "model": served,
            "finish_reason": message.response_metadata.get("finish_reason"),
        },
    )


def streamed(chunks: Sequence[AIMessageChunk], recording: Recording) -> CheckResult:
    """Judge a stream by its chunks and by its bytes."""
    texts = [chunk.text for chunk in chunks if chunk.text]
    usage = next((chunk.usage_metadata for chunk in chunks if chunk.usage_metadata), None)
    finish = next((f for c in chunks if (f := c.response_metadata.get("finish_reason"))), None)
    is_stream = re.search(r"(?m)^data:", recording.text) is not None
    marks = [f"finish_reason {finish!r}"] if finish else []
    marks += ["[DONE]"] if re.search(r"(?m)^data: *\[DONE\]", recording.text) else []
    doubts = []
    if not is_stream:
        doubts.append("The answer came whole although a stream was asked for; it can be used.")
    if usage is None:
        doubts.append("Token usage is not sent: ask for it with stream_usage=True.")
    data = {
        "seconds_to_first_piece": recording.marks.get("seconds_to_body"),
        "seconds": recording.marks.get("seconds"),
        "pieces": len(texts),
        "end": marks,
        "usage": usage,
        "is_stream": is_stream,
    }
    first, took = data["seconds_to_first_piece"], data["seconds"]
    return CheckResult(
        name="streamed answer",
        status="unclear" if doubts else "ok",
        detail=(
            f"first piece after {first} s, {counted(len(texts), 'piece')} in {took} s, "
            f"ended by {' and '.join(marks) or 'the end of the body'}, {_usage(usage)}"
        ),
        advice=" ".join(doubts),
        data=data,
    )


def system(message: AIMessage, word: str, quote: Quote) -> CheckResult:
    """Judge whether a system message was followed."""
    obeyed = word in message.text.lower()
    return CheckResult(
        name="system message",
        status="ok" if obeyed else "unclear",
        detail=f"{'followed' if obeyed else 'not followed'}: {quote(message.text)}",
        advice="" if obeyed else "Put instructions into the question, or ask another model.",
    )


def tool_call(name: str, message: AIMessage, quote: Quote) -> CheckResult:
    """Judge the call of a tool."""
    called = [(call["name"], call["args"]) for call in message.tool_calls]
    shown = ", ".join(f"{tool}({json.dumps(args)})" for tool, args in called)
    if any(tool == "get_weather" and args.get("city") for tool, args in called):
        return CheckResult(name=name, status="ok", detail=f"called {shown}")
    broken = [call["args"] for call in message.invalid_tool_calls]
    said = (
        f"called {shown}, which is not what was asked for"
        if called
        else f"a call that cannot be read: {quote(str(broken[0]))}"
        if broken
        else f"answered without a call: {quote(message.text)}"
    )
    other = {"tool call, native": "tool_calling='prompted'", "tool call, prompted": "'native'"}
    return CheckResult(
        name=name,
        status="unclear",
        detail=said,
        advice=f"Ask another model, or try {other[name]}.",
    )


def structured(answer: dict[str, Any], quote: Quote) -> CheckResult:
    """Judge an answer that was to be an object of a schema."""
    parsed, error = answer["parsed"], answer["parsing_error"]
    if error is None:
        detail = f"an object of the schema: {json.dumps(parsed, ensure_ascii=False)}"
        return CheckResult(name="JSON", status="ok", detail=detail)
    return CheckResult(
        name="JSON",
        status="unclear",
        detail=f"no object of the schema: {quote(answer['raw'].text)}",
        advice="Ask another model, or try method='function_calling'.",
    )


def image(message: AIMessage, word: str, quote: Quote) -> CheckResult:
    """Judge whether an image was seen."""
    seen = word in re.findall(r"\w+", message.text.lower())
    return CheckResult(
        name="image",
        status="ok" if seen else "unclear",
        detail=f"a {word} square was {'seen' if seen else 'not seen'}: {quote(message.text)}",
        advice="" if seen else "The model may not see images: ask another one.",
    )


def counted(number: int, word: str) -> str:
    """Return a number with what is counted."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _usage(usage: UsageMetadata | None) -> str:
    if usage is None:
        return "usage not sent"
    return f"{usage['input_tokens']} tokens in, {usage['output_tokens']} out"
