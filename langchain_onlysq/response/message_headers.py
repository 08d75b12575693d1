"""Headers of the messages of gpt-oss, which say what a message is and whom it addresses. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

HEADER_STARTS = ("<|start|>", "<|channel|>")
"""What a header begins with."""
HEADER_END = "<|message|>"
LONGEST_HEADER = 128
"""How many characters may stand before the end of a header."""
MESSAGE_ENDS = ("<|end|>", "<|return|>", "<|call|>")

THOUGHT_CHANNEL = "analysis"
THOUGHT_END = "<|end|>"
"""What ends a message with reasoning, where no header follows instead."""
TEXT_CHANNELS = ("final", "commentary")
"""The channels whose messages are the answer, where they address nobody."""

_HEADER = re.compile(
    r"(?:\s*+(?:<\|(?:start|channel|constrain)\|>|assistant|analysis|commentary|final|json|code"
    r"|to=[\w.:-]++))*+\s*+"
)
_RECIPIENT = re.compile(r"to=(?:functions\.)?([\w.:-]+)")
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)")
_ITSELF = "assistant"
"""Whom a message addresses that addresses nobody."""


class Header(NamedTuple):
    """What a header says.

    Attributes:
        recipient: The function that the message addresses; "" for none.
        channel: The channel of the message; "" for none.
    """

    recipient: str = ""
    channel: str = ""


def parse_header(text: str) -> Header:
    """Read a header without its end; what is not one says nothing."""
    if not _HEADER.fullmatch(text):
        return Header()
    recipients = [name for name in _RECIPIENT.findall(text) if name != _ITSELF]
    channels = _CHANNEL.findall(text)
    return Header(next(iter(recipients), ""), next(reversed(channels), ""))
