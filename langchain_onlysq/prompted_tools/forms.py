"""The forms in which models write calls: the marks around them, and what stands between. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

from langchain_onlysq.prompted_tools.bound_tools import BoundTools
from langchain_onlysq.prompted_tools.element_calls import Elements, tags
from langchain_onlysq.prompted_tools.json_calls import read_json
from langchain_onlysq.prompted_tools.python_calls import read_python
from langchain_onlysq.prompted_tools.text_calls import (
    TOOL_SEPARATORS,
    read_gemma,
    read_named,
    read_named_line,
    read_pairs,
)
from langchain_onlysq.prompted_tools.text_source import Marks, Reading, TextSource
from langchain_onlysq.prompted_tools.written_call import WrittenCall
from langchain_onlysq.response.message_headers import HEADER_STARTS, MESSAGE_ENDS

Body = Callable[[TextSource, BoundTools], Reading[list[WrittenCall]]]
"""Reads the calls behind a mark: none where its form does not follow, a broken one alone."""

OWN = "<tool_call>"
"""The mark of the form that models are asked for."""


class Form(NamedTuple):
    """A form in which models write calls.

    Attributes:
        bodies: What may stand behind the opening mark, the first one that fits counts.
        closers: The marks that may follow the calls.
        holds_others: Whether calls with marks of their own may stand in it.
        is_line_start: Whether the mark counts only where a line starts.
    """

    bodies: tuple[Body, ...] = ()
    closers: tuple[str, ...] = ()
    holds_others: bool = False
    is_line_start: bool = False


def _section(name: str, *bodies: Body) -> Form:
    """Return the form of an element that holds calls."""
    return Form(bodies, (f"</{name}>",), holds_others=True)


def _element(prefix: str, name: str) -> Form:
    """Return the form of an element that is a call."""
    return Form((tags(prefix, name).read,), (f"</{prefix}{name}>",))


_KIMI = Elements("<|open|>", "<|close|>", "<|sep|>", "call", ("argument", "parameter"))
_SECTIONS = ("tool_calls", "minimax:tool_call", "seed:tool_call", "xai:tool_call", "toolcall")
_JSON_TAGS = ("tool", "tools", "function_call", "response", "json", "xml")
_PREFIXES = ("", "minimax:", "steptml:", "antml:", "｜dsml｜")
_DEEPSEEK = ("calls▁begin", "calls", "call▁begin", "call▁end", "calls▁end", "sep")

FORMS: dict[str, Form] = {
    OWN: _section("tool_call", read_json, read_pairs, read_named),
    "<longcat_tool_call>": _section("longcat_tool_call", read_json, read_pairs),
    "<function_calls>": _section("function_calls", read_json, read_python),
    **{f"<{name}>": _section(name, read_json) for name in _SECTIONS},
    **{f"<{name}>": Form((read_json,), (f"</{name}>",)) for name in _JSON_TAGS},
    "<tool_code>": Form((read_python,), ("</tool_code>",)),
    **{f"<{prefix}invoke ": _element(prefix, "invoke") for prefix in _PREFIXES},
    "<invoke>": Form((tags("", "invoke").read_unnamed,), ("</invoke>",)),
    "<function=": _element("", "function"),
    "<function ": _element("", "function"),
    "<xai:function_call ": _element("xai:", "function_call"),
    "<｜dsml｜function_calls>": _section("｜dsml｜function_calls"),
    "<｜dsml｜tool_calls>": _section("｜dsml｜tool_calls"),
    "<|open|>call ": Form((_KIMI.read,), ("<|close|>call<|sep|>",)),
    "<|open|>tools<|sep|>": Form((), ("<|close|>tools<|sep|>",), holds_others=True),
    "<|open|>tool_calls<|sep|>": Form((), ("<|close|>tool_calls<|sep|>",), holds_others=True),
    "<|tool_call|>": Form((read_json, read_named), ("<|/tool_call|>",)),
    "<|action_start|>": Form((read_json,), ("<|action_end|>",), holds_others=True),
    "<|plugin|>": Form((read_json,), ("<|action_end|>",)),
    "<|start_action|>": Form((read_json,), ("<|end_action|>",)),
    "<|function_call|>": Form((read_json,)),
    "<|message_sep|>": Form(holds_others=True),
    "function call<|role_sep|>": Form((read_json,), is_line_start=True),
    "<|tools_prefix|>": Form((read_json,), ("<|tools_suffix|>",)),
    "<|python_tag|>": Form((read_json, read_python)),
    "<|python_start|>": Form((read_python, read_json), ("<|python_end|>",)),
    "<|tool_call_start|>": Form((read_json, read_python), ("<|tool_call_end|>",)),
    "<|tool_calls_section_begin|>": Form(
        (read_named,), ("<|tool_calls_section_end|>",), holds_others=True
    ),
    "<|tool_call>": Form((read_gemma,), ("<tool_call|>",)),
    "<start_function_call>": Form((read_gemma,), ("<end_function_call>",)),
    "[tool_calls]": Form((read_json, read_named), ("[/tool_calls]",)),
    "[tool_request]": Form((read_json, read_named), ("[end_tool_request]", "[tool_request_end]")),
    ">>>": Form((read_named_line,), is_line_start=True),
    "functools": Form((read_json,), is_line_start=True),
    "action:": Form((read_json,), is_line_start=True),
}
for _bar, _blank in product("｜|", "▁_"):
    # One of these spellings of the mark of a call is Kimi's.
    _begin, _calls, _call, _end, _ends, _sep = (
        f"<{_bar}tool▁{name}{_bar}>".replace("▁", _blank) for name in _DEEPSEEK
    )
    FORMS[_begin] = FORMS[_calls] = Form((read_named,), (_ends, _end), holds_others=True)
    FORMS[_call] = Form((read_named, read_json), (_end,), holds_others=True)
    FORMS[f"function{_sep}"] = Form(holds_others=True, is_line_start=True)

HEADERS = HEADER_STARTS
"""What a message of gpt-oss begins with."""
HEADER_CLOSERS = frozenset(MESSAGE_ENDS)
RESPONSES = {"<|start_response|>": "<|end_response|>", "<|start_text|>": "<|end_text|>"}
"""Marks around text that is the answer, where they stand at its start."""
TEXT_LINES = Marks((">>>all\n",))
"""What stands before text where what stands before a call looks alike."""
TAILS = frozenset(
    (
        *("<｜end▁of▁sentence｜>", "<|end▁of▁sentence|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>"),
        *("</s>", "<end_of_turn>", "<turn|>", "<|end_of_turn_token|>", "<|user|>"),
        *("<|observation|>", "<|endoftext|>", "<|end_of_text|>", *HEADER_CLOSERS),
        *TOOL_SEPARATORS,
    )
)
"""Marks of the end, and those between calls, which belong to a call that they follow."""

QUOTES = {
    "<!--": "-->",
    "<![cdata[": "]]>",
    "[think]": "[/think]",
    "<|start_thinking|>": "<|end_thinking|>",
    "<|inner_prefix|>": "<|inner_suffix|>",
    "<|channel>thought": "<channel|>",
}
"""What opens something in which nothing is a call, without being a tag, and what closes it."""

CLOSERS = frozenset(closer for form in FORMS.values() for closer in form.closers)
"""Marks that close calls; what they close may have been left out."""
MARKS = Marks(
    (*FORMS, *HEADERS, *RESPONSES, *QUOTES, "[/think]"),
    {*CLOSERS, *TAILS, *RESPONSES.values()},
)
"""All marks; those that close something, and those that end an answer, are the closing ones."""


def _beginnings(word: str) -> str:
    """Return the pattern of a word, or of what the end of the text has of it."""
    pattern = ""
    for char in reversed(word):
        pattern = f"{re.escape(char)}(?:{pattern}|\\Z)" if pattern else re.escape(char)
    return pattern


_LINE_STARTS = [mark for mark, form in FORMS.items() if form.is_line_start]
WORDS = re.compile(rf"[^\S\n]*(?P<word>(?ai:{'|'.join(map(_beginnings, _LINE_STARTS))}))")
"""What may begin calls where a line starts, and the blanks before it."""
SIGNS = re.compile(r"[<\[{`]")
"""What all begins with that stands anywhere."""
# Alternatives that begin with one certain character each are searched for fast.
STARTS = re.compile(rf"<|\[|{{|`|\n{WORDS.pattern}")
"""What may begin calls, or something in which there are none: a character, or a word where a line
starts in the text that is searched."""
