"""What a model is asked, one short question for each thing that it may be able to do."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

PLAIN: list[BaseMessage] = [HumanMessage("Reply with the one word: hello")]

STREAMED: list[BaseMessage] = [HumanMessage("Count from one to ten, in words.")]

SYSTEM: list[BaseMessage] = [
    SystemMessage("Whatever the user says, reply with the one word: pineapple"),
    HumanMessage("Which day comes after Monday?"),
]
SYSTEM_WORD = "pineapple"

WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "Tell the weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
TOOL: list[BaseMessage] = [HumanMessage("What is the weather in Paris? Use the tool get_weather.")]

CITY: dict[str, Any] = {
    "title": "City",
    "description": "A city and its country.",
    "type": "object",
    "properties": {"name": {"type": "string"}, "country": {"type": "string"}},
    "required": ["name", "country"],
}
OBJECT: list[BaseMessage] = [HumanMessage("Which city is the capital of France?")]

_RED_SQUARE = (
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAJ0lEQVR42u3NsQkAAAjAsP7/tF7hIASyp6lTCQQC"
    "gUAgEAgEgi/BAjLD/C5w/SM9AAAAAElFTkSuQmCC"
)
IMAGE: list[BaseMessage] = [
    HumanMessage(
        [
            {"type": "text", "text": "Which colour fills this image? Reply with one word."},
            {"type": "image", "base64": _RED_SQUARE, "mime_type": "image/png"},
        ]
    )
]
IMAGE_WORD = "red"
