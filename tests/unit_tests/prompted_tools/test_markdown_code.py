"""Where code stands in Markdown: fences, inline code, starts of lines."""

from __future__ import annotations

import pytest

from langchain_onlysq.prompted_tools.markdown_code import CodeTracker
from langchain_onlysq.prompted_tools.text_source import TextSource


def after(text: str) -> CodeTracker:
    """Read a text in one piece, and see that any pieces do."""
    code, other = CodeTracker(), CodeTracker()
    code.read(text)
    for char in text:
        other.read(char)
    code.settle()
    other.settle()
    assert vars(code) == vars(other)
    return code


@pytest.mark.parametrize(
    ("text", "fence"),
    [
        ("```", "```"),
        ("````json\nx ```\n```\n", "````"),
        ("~~~ ` \n", "~~~"),
        ("> ```\n", "```"),
        ("- ```\n", "```"),
        ("10. ~~~~", "~~~~"),
        ("2) ```", "```"),
        ("```\n``` x\n", "```"),
        ("```\n```\n", ""),
        ("```\n~~~\n", "```"),
        ("```\n> ```` \t\n", ""),
        ("```\nx\n- ```\n", "```"),
        ("```a`\n", ""),
        ("``\n", ""),
        ("x ```\n", ""),
        ("1 ```\n", ""),
        ("--- ```\n", "```"),
        ("-x ```\n", ""),
    ],
)
def test_fences(text: str, fence: str) -> None:
    assert after(text).fence == fence


@pytest.mark.parametrize(
    ("text", "is_quoted"),
    [
        ("a `<t>{`", True),
        ("a `b` `<t>{`", True),
        ("a `` ` <t>{ ` ``", True),
        ("```x` <t>{ ```", True),
        ("a `<t>{ ``\n`", True),
        ("a `b` <t>{`", False),
        ("a <t>{`", False),
        ("a `\n<t>{`", True),
        ("a ``\nb\n<t>{` ``", True),
        ("a `\n\nb <t>{`", False),
        ("a `<t>\n\n{`", False),
        ("a `<t>{ ``\n \n`", False),
        ("a `<t>{ ``", False),
    ],
)
def test_inline_code(text: str, is_quoted: bool) -> None:  # noqa: FBT001
    before, _, _ = text.partition("<")
    source = TextSource(text)
    source.end(whole=True)
    source.take(text.index("{"))
    reading = after(before).is_quoted(source, len(before))
    with pytest.raises(StopIteration) as end:
        next(reading)
    assert end.value.value == is_quoted


def test_a_call_is_part_of_the_line_and_ends_inline_code() -> None:
    code = after("a `")
    code.skip_call()
    source = TextSource("<t>{`")
    with pytest.raises(StopIteration, match="False"):
        next(code.is_quoted(source, 0))
    assert not code.at_start
    code.read("\n")
    assert code.at_start
    code.read("`")
    assert not code.at_start
