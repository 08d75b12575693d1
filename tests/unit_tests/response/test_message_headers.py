"""What the header of a message says, in every order and spacing that models write."""

from __future__ import annotations

import pytest

from langchain_onlysq.response.message_headers import parse_header


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("<|channel|>final", ("", "final")),
        ("<|start|>assistant<|channel|>analysis", ("", "analysis")),
        ("<|start|>\n<|channel|>analysis\n", ("", "analysis")),
        ("<|start|>assistant to=functions.w<|channel|>commentary json", ("w", "commentary")),
        ("<|channel|>commentary to=w <|constrain|>json", ("w", "commentary")),
        (" to=functions.w:0<|channel|>analysis <|constrain|>json", ("w:0", "analysis")),
        ("<|channel|>commentary to=assistant<|channel|>final", ("", "final")),
        ("<|channel|>commentary to=assistant to=w", ("w", "commentary")),
        ("to=w", ("w", "")),
        ("<|channel|>", ("", "")),
        ("<|channel|>final words", ("", "")),
        ("<|start|>user<|channel|>final", ("", "")),
        ("to=" + "json" * 30 + "!", ("", "")),
        ("", ("", "")),
    ],
)
def test_a_header_says_whom_it_addresses_and_its_channel(
    text: str, header: tuple[str, str]
) -> None:
    assert parse_header(text) == header
