"""What an answer, or an error, says of the service. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from langchain_core.messages.ai import add_ai_message_chunks

from langchain_onlysq.errors import (
    OnlySqAPIError,
    OnlySqAuthenticationError,
    OnlySqError,
    OnlySqPermissionDeniedError,
    OnlySqRateLimitError,
    OnlySqResponseError,
)
from langchain_onlysq.errors.near_ids import did_you_mean
from langchain_onlysq.errors.wording import duration, without_settings
from langchain_onlysq.health.report import CheckResult, Status, counted
from langchain_onlysq.response.refusals import why_no_text
from langchain_onlysq.settings.service import HOME_PAGE, KEY_VARIABLE, PUBLIC_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.messages.ai import UsageMetadata
    from pydantic import SecretStr

    from langchain_onlysq.health.recording import Recording
    from langchain_onlysq.models.entries import OnlySqModel

    Quote = Callable[[str], str]

_WORKING = "work"


def unchecked(name: str, reason: str) -> CheckResult:
    """Say why something was not checked."""
    return CheckResult(name=name, status="unchecked", detail=reason)


def failure(name: str, error: OnlySqError, *, again: bool = False) -> CheckResult:
    """Say what went wrong; too many requests say nothing of what was to be checked.

    Args:
        name: What was to be checked.
        error: What went wrong.
        again: Whether it was told of something else already.
    """
    kind, status = type(error).__name__, error.status_code
    data = {"error": kind, "status_code": status, "code": error.code, "body": error.body}
    if isinstance(error, OnlySqRateLimitError):
        later = duration(error.retry_after) if error.retry_after else "a minute"
        return CheckResult(
            name=name,
            status="unchecked",
            detail=f"busy: OnlySq answered {status}, too many requests",
            advice=f"Check again in {later}, or another model.",
            data=data,
        )
    detail = without_settings(str(error))
    # In place of the advice that was taken out.
    advice = "Check again later, or another model." if detail != str(error) else ""
    if again:
        detail = f"the same as above ({kind}{f' {status}' if status else ''})"
    return CheckResult(name=name, status="failed", detail=detail, advice=advice, data=data)


def catalogue(models: Sequence[OnlySqModel]) -> CheckResult:
    """Say how many models are on offer."""
    working = sum(model.status == _WORKING for model in models)
    return CheckResult(
        name="catalogue",
        status="ok",
        detail=f"{counted(len(models), 'model')}, {working} of them marked as working",
        data={"models": len(models), "working": working},
    )


def listed(model: str, models: Sequence[OnlySqModel], base_url: str, sent: Any) -> CheckResult:
    """Say what the catalogue says of a model.

    Args:
        model: Model id.
        models: The catalogue.
        base_url: Whose catalogue it is.
        sent: The entry of the model, as it was sent.
    """
    entry = next((entry for entry in models if entry.id == model), None)
    if entry is None:
        return CheckResult(
            name="model",
            status="unclear",
            detail=f"{model!r} is not in the catalogue",
            advice=f"Choose one that is.{did_you_mean(base_url, model)}",
        )
    # What cannot be read as what it should be is kept as it came.
    known = {key.replace("-", "_"): value for key, value in entry.extra.items()}
    known |= {key: value for key, value in entry if value is not None}
    said = [f"{name} {json.dumps(known[key])}" for key, name in _LISTED.items() if key in known]
    works = entry.status in {_WORKING, None}
    return CheckResult(
        name="model",
        status="ok" if works else "unclear",
        detail=": ".join([f"{model!r} is in the catalogue", *([", ".join(said)] if said else [])]),
        advice="" if works else "The catalogue does not call it working: choose another one.",
        data={**entry.model_dump(mode="json"), "as_sent": sent},
    )


_LISTED = {
    "status": "status",
    "modality": "modality",
    "tier": "tier",
    "can_stream": "streaming",
    "can_tools": "tools",
    "limits": "limits",
}
"""Fields of an entry -> what they are called in the line about it."""


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
        if is_public:
            advice = f"Get a key of your own from {HOME_PAGE}, and set it as {KEY_VARIABLE}."
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
    # Where an answer does not say who wrote it, its metadata have the model that was asked.
    is_told = any(value.get("model") for value in recording.values)
    served = message.response_metadata.get("model_name") if is_told else None
    usage, took = message.usage_metadata, recording.marks.get("seconds")
    doubts = []
    if usage is None:
        doubts.append("Token usage is not sent, so nobody can tell it.")
    if served not in {model, None}:
        doubts.append("Another model answered than the one that was asked.")
    said = [f"{quote(message.text)} in {took} s", _usage(usage)]
    said += [f"from {served!r}"] if served else []
    data = {
        "seconds": took,
        "usage": usage,
        "model": served,
        "finish_reason": message.response_metadata.get("finish_reason"),
    }
    return _answered("whole answer", ", ".join(said), doubts, data, why_no_text(message, quote))


def streamed(chunks: Sequence[AIMessageChunk], recording: Recording, quote: Quote) -> CheckResult:
    """Judge a stream by its chunks and by its bytes."""
    message = add_ai_message_chunks(*chunks)
    pieces = sum(bool(chunk.text) for chunk in chunks)
    usage, finish = message.usage_metadata, message.response_metadata.get("finish_reason")
    is_stream = re.search(r"(?m)^data:", recording.text) is not None
    marks = [f"finish_reason {finish!r}"] if finish else []
    marks += ["[DONE]"] if re.search(r"(?m)^data: *\[DONE\]", recording.text) else []
    doubts = []
    if not is_stream:
        doubts.append("The answer came whole although a stream was asked for; it can be used.")
    if usage is None:
        doubts.append("Token usage is not sent: ask for it with stream_usage=True.")
    first, took = recording.marks.get("seconds_to_text"), recording.marks.get("seconds")
    said = (
        f"first piece after {first} s, {counted(pieces, 'piece')} in {took} s, "
        f"ended by {' and '.join(marks) or 'the end of the body'}, {_usage(usage)}"
    )
    data = {
        "seconds_to_text": first,
        "seconds": took,
        "pieces": pieces,
        "end": marks,
        "usage": usage,
        "is_stream": is_stream,
    }
    return _answered("streamed answer", said, doubts, data, why_no_text(message, quote))


def _answered(
    name: str, said: str, doubts: Sequence[str], data: dict[str, Any], missing: str | None
) -> CheckResult:
    """Return the result of an answer, which has failed where it has no text."""
    if missing is not None:
        advice = "Check again, or another model."
        return CheckResult(name=name, status="failed", detail=missing, advice=advice, data=data)
    status: Status = "unclear" if doubts else "ok"
    return CheckResult(name=name, status=status, detail=said, advice=" ".join(doubts), data=data)


def system(message: AIMessage, word: str, quote: Quote) -> CheckResult:
    """Judge whether a system message was followed."""
    obeyed = word in message.text.lower()
    return CheckResult(
        name="system message",
        status="ok" if obeyed else "unclear",
        detail=f"{'followed' if obeyed else 'not followed'}: {_shown(message, quote)}",
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
        else f"answered without a call: {_shown(message, quote)}"
    )
    other = "described in the prompt" if name.endswith("native") else "sent natively"
    advice = f"Ask another model, or have the tools {other}."
    return CheckResult(name=name, status="unclear", detail=said, advice=advice)


def structured(answer: dict[str, Any], quote: Quote) -> CheckResult:
    """Judge an answer that was to be an object of a schema."""
    parsed, error = answer["parsed"], answer["parsing_error"]
    if error is None:
        detail = f"an object of the schema: {json.dumps(parsed, ensure_ascii=False)}"
        return CheckResult(name="JSON", status="ok", detail=detail)
    return CheckResult(
        name="JSON",
        status="unclear",
        detail=f"no object of the schema: {_shown(answer['raw'], quote)}",
        advice="Ask another model, or ask for the object as the call of a tool.",
    )


def image(message: AIMessage, word: str, quote: Quote) -> CheckResult:
    """Judge whether an image was seen."""
    seen = word in re.findall(r"\w+", message.text.lower())
    return CheckResult(
        name="image",
        status="ok" if seen else "unclear",
        detail=f"a {word} square was {'seen' if seen else 'not seen'}: {_shown(message, quote)}",
        advice="" if seen else "The model may not see images: ask another one.",
    )


def _shown(message: AIMessage, quote: Quote) -> str:
    """Quote an answer, or say what it has in place of text."""
    return why_no_text(message, quote) or quote(message.text)


def _usage(usage: UsageMetadata | None) -> str:
    if usage is None:
        return "usage not sent"
    return f"{usage['input_tokens']} tokens in, {usage['output_tokens']} out"
