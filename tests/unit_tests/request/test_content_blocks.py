"""The content of a message becomes text and image parts, or an error that names the block."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from langchain_onlysq.errors import OnlySqInvalidRequestError
from langchain_onlysq.request.content_blocks import (
    REASONING_BLOCKS,
    TOOL_CALL_BLOCKS,
    images_of,
    text_of,
    to_content,
    to_parts,
)

PNG = "iVBORw0KGgo="
PNG_URI = f"data:image/png;base64,{PNG}"
URL = "https://example.org/a.png"
WHERE = "Message 3 (human)"


def text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def image_part(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("", []),
        ("Hi", [text_part("Hi")]),
        ([], []),
        (["Hi"], [text_part("Hi")]),
        (["", "Hi", ""], [text_part("Hi")]),
        (["a", {"type": "text", "text": "b"}], [text_part("a"), text_part("b")]),
        ([{"type": "text", "text": ""}], []),
        ([{"type": "text", "text": None}], []),
        ([{"text": "without a type"}], [text_part("without a type")]),
        ([{"type": "text", "text": "x", "cache_control": {}, "index": 0}], [text_part("x")]),
        ([{"type": "input_text", "text": "x"}], [text_part("x")]),
        ([{"type": "output_text", "text": "x", "annotations": []}], [text_part("x")]),
        ([{"type": "text-plain", "text": "x", "mime_type": "text/plain"}], [text_part("x")]),
        ([{"type": "refusal", "refusal": "no"}], [text_part("no")]),
        ([{"answer": 7, "ключ": "ё"}], [text_part('{"answer": 7, "ключ": "ё"}')]),
    ],
)
def test_text_in_every_form_is_text(content: Any, parts: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(content)
    assert to_parts(content, WHERE) == parts
    assert content == before


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "image_url", "image_url": {"url": PNG_URI}}, image_part(PNG_URI)),
        ({"type": "image_url", "image_url": PNG_URI}, image_part(PNG_URI)),
        (
            {"type": "image_url", "image_url": {"url": PNG_URI, "detail": "low"}},
            image_part(PNG_URI, detail="low"),
        ),
        ({"type": "image_url", "image_url": {"url": PNG_URI, "detail": None}}, image_part(PNG_URI)),
        ({"type": "image_url", "image_url": {"url": URL}}, image_part(URL)),
        ({"type": "input_image", "image_url": PNG_URI}, image_part(PNG_URI)),
        ({"type": "image", "base64": PNG, "mime_type": "image/png"}, image_part(PNG_URI)),
        (
            {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"},
            image_part(PNG_URI),
        ),
        ({"type": "image", "source_type": "url", "url": URL}, image_part(URL)),
        ({"type": "image", "url": URL}, image_part(URL)),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            image_part(PNG_URI),
        ),
        ({"type": "image", "source": {"type": "url", "url": URL}}, image_part(URL)),
        ({"type": "image", "base64": PNG_URI}, image_part(PNG_URI)),
        ({"type": "image", "base64": PNG}, image_part(PNG_URI)),
        ({"type": "image", "base64": "/9j/4A"}, image_part("data:image/jpeg;base64,/9j/4A")),
        ({"type": "image", "base64": "R0lGODlh"}, image_part("data:image/gif;base64,R0lGODlh")),
        ({"type": "image", "base64": "UklGRg"}, image_part("data:image/webp;base64,UklGRg")),
        (
            {"type": "image", "base64": "AAAA", "mime_type": "image/avif"},
            image_part("data:image/avif;base64,AAAA"),
        ),
    ],
)
def test_images_in_every_form_are_images(block: dict[str, Any], part: dict[str, Any]) -> None:
    before = copy.deepcopy(block)
    assert to_parts(["a", block], WHERE) == [text_part("a"), part]
    assert block == before


@pytest.mark.parametrize("kind", sorted(REASONING_BLOCKS | TOOL_CALL_BLOCKS))
def test_what_has_another_place_is_left_out(kind: str) -> None:
    block = {"type": kind, kind: "hm", "text": "hm"}
    assert to_parts([block, "Yes"], WHERE) == [text_part("Yes")]


@pytest.mark.parametrize(
    "kind", ["audio", "input_audio", "file", "video", "document", "media", "server_tool_call", "x"]
)
def test_what_cannot_be_sent_is_refused_by_name(kind: str) -> None:
    with pytest.raises(OnlySqInvalidRequestError) as caught:
        to_parts([{"type": kind, "data": "AAAA"}], WHERE)
    assert WHERE in str(caught.value)
    assert repr(kind) in str(caught.value)
    assert "AAAA" not in str(caught.value)


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ({"type": "text"}, "'text' is missing"),
        ({"type": "text", "text": 7}, "int"),
        ({"type": "text", "text": ["x"]}, "list"),
        ({"type": "refusal"}, "'refusal' is missing"),
        ({"type": "text-plain", "file_id": "x"}, "'text' is missing"),
        ({"type": "image_url"}, "'image_url' is missing"),
        ({"type": "image_url", "image_url": {}}, "'url' is missing"),
        ({"type": "image_url", "image_url": {"url": ""}}, "url"),
        ({"type": "image_url", "image_url": {"url": 7}}, "url"),
        ({"type": "image_url", "image_url": {"url": None}}, "url"),
        ({"type": "image_url", "image_url": None}, ""),
        ({"type": "image_url", "image_url": [PNG_URI]}, ""),
        ({"type": "input_image", "file_id": "x"}, "'image_url' is missing"),
        ({"type": "image"}, "base64"),
        ({"type": "image", "file_id": "x"}, "base64"),
        ({"type": "image", "source": {"type": "file", "file_id": "x"}}, "base64"),
        ({"type": "image", "base64": b"\x89PNG", "mime_type": "image/png"}, "base64 string"),
        ({"type": "image", "url": 7}, "url"),
        ({"type": "image", "base64": "AAAA"}, "'mime_type' is missing"),
    ],
)
def test_what_is_broken_is_refused_with_the_reason(block: dict[str, Any], reason: str) -> None:
    with pytest.raises(OnlySqInvalidRequestError) as caught:
        to_parts([block], WHERE)
    message = str(caught.value)
    assert message.startswith(f"{WHERE} holds a content block of type {block['type']!r}")
    assert reason in message
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("refusal", [None, 7, ["no"]])
def test_a_refusal_that_is_not_text_does_not_crash(refusal: Any) -> None:
    try:
        content = to_content(to_parts([{"type": "refusal", "refusal": refusal}, "a"], WHERE))
    except OnlySqInvalidRequestError:
        return
    assert isinstance(content, str)


def test_text_alone_is_one_string() -> None:
    assert to_content([]) == ""
    assert to_content([text_part("a"), text_part("b")]) == "ab"


def test_with_an_image_it_is_a_list_of_parts() -> None:
    parts = [text_part("a"), image_part(PNG_URI)]
    assert to_content(parts) == parts
    assert json.loads(json.dumps(to_content(parts))) == parts


def test_text_and_images_are_told_apart() -> None:
    parts = [text_part("a"), image_part(PNG_URI), text_part("b")]
    assert text_of(parts) == "ab"
    assert images_of(parts) == [image_part(PNG_URI)]
    assert (text_of([]), images_of([])) == ("", [])


@pytest.mark.parametrize("kind", [["text"], 7, {"a": 1}])
def test_a_type_that_is_not_text_is_refused(kind: Any) -> None:
    with pytest.raises(OnlySqInvalidRequestError, match="Message 0 holds"):
        to_parts([{"type": kind}], "Message 0")


def test_a_block_of_our_own_answers_is_what_it_wraps() -> None:
    block = {"type": "non_standard", "value": {"type": "text", "text": "Hi"}}
    assert to_parts([block], WHERE) == [text_part("Hi")]
