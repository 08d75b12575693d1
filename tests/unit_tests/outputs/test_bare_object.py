"""What stands around the object of an answer is dropped, however the answer is cut."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from langchain_onlysq.outputs.bare_object import BareObjectFilter
from langchain_onlysq.response.deltas import TextFilter

FENCE = "```"
SCHEMA = {
    "title": "City",
    "type": "object",
    "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
    "required": ["name", "size"],
}
CITY = {"name": 'Lis"b}on\\', "size": 5}
TEXT = json.dumps(CITY)
OTHER = '{"name": "Rome", "size": 9}'

BARE = {
    "bare": (TEXT, TEXT),
    "pretty": (json.dumps(CITY, indent=2), json.dumps(CITY, indent=2)),
    "in a fence": (f"{FENCE}json\n{TEXT}\n{FENCE}\n", TEXT),
    "among prose": (f"Sure, here it is: {TEXT} Anything else?", TEXT),
    "after braces of prose": (f"In {{python}}: {TEXT}", TEXT),
    "said twice": (f"{TEXT}\nAgain: {TEXT}", TEXT),
    "before another object": (f'{TEXT} {{"note": 1}} [1]', TEXT),
    "a list of one": (f"[{TEXT}]", TEXT),
    "in one key": (json.dumps({"city": CITY}), TEXT),
    "in one key, in a fence": (f"{FENCE}\n{json.dumps({'city': CITY})}\n{FENCE}", TEXT),
    "another case of a key": (TEXT.replace("name", "Name"), TEXT),
    "doubled braces": (f"{{{TEXT}}}", TEXT),
    "single quotes": (repr(CITY), TEXT),
    "a single quote further on": ("""{"name": 'a"b', 'size': 5}""", '{"name": "a\\"b", "size": 5}'),
    "a trailing comma": (f"{TEXT[:-1]},\n}}", f"{TEXT[:-1]}\n}}"),
    "a trailing comma before a comment": (f"{TEXT[:-1]}, // end\n}}", f"{TEXT[:-1]}  }}"),
    "comments": (
        '{"name": "a", # b\n "size": /* c */ 5}// d',
        '{"name": "a",   "size":   5}',
    ),
    "keys without quotes": ('{"name": "a", size: 5}', '{"name": "a", "size": 5}'),
    "grouped digits": ('{"name": "a", "size": 5_000}', '{"name": "a", "size": 5000}'),
    "literals": (
        '{"name": "a", "size": 5, "x": [True, False, None, true]}',
        '{"name": "a", "size": 5, "x": [true, false, null, true]}',
    ),
    "an escape in the first key": (
        '{"n\\u0061me": "a", "size": 5}',
        '{"n\\u0061me": "a", "size": 5}',
    ),
    "an object inside": (
        '{"name": "a", "size": 5, "x": {"y": [{}]}}.',
        '{"name": "a", "size": 5, "x": {"y": [{}]}}',
    ),
}
KEPT = {
    "prose": "I know no city.",
    "nothing": "",
    "braces of prose": "Use {name} and {size}.",
    "an object that does not fit": '{"city": {"name": "a"}}',
    "two objects": f"{TEXT} or {OTHER}",
    "two objects, of which one is in one key": f'{TEXT} or {{"city": {OTHER}}}',
    "a list of two": f'{{"all": [{TEXT}, {OTHER}]}}',
    "an object and half of another": f"{TEXT} or {OTHER[:-3]}",
    "cut off in the first key": '{"na',
    "cut off in an escape": '{"name": "a\\',
    "cut off after a comma": '{"name": "a", ',
    "cut off in a word": '{"name": "a", "size": tr',
    "cut off in a comment": '{"name": "a" /* never',
    "a broken escape between single quotes": """{"name": 'a\\x', "size": 5}""",
    "a slash": '{"name": "a", "size": 1/2}',
    "a key that is not a name": '{"name": "a", 1st: 5}',
    "a broken first key": '{"\\x": "a", "size": 5}',
    "a first key without an end": '{"' + "a" * 2_000,
    "two values": '{"name": "a" "b", "size": 5}',
}


def passed(text: str, sizes: Any, schema: dict[str, Any] = SCHEMA) -> str:
    text_filter: TextFilter = BareObjectFilter(schema)
    deltas: list[Any] = []
    at = 0
    while at < len(text):
        size = sizes()
        deltas += text_filter.feed(text[at : at + size])
        at += size
    assert not text_filter.done
    deltas += text_filter.close(whole=True)
    return "".join(deltas)


def in_all_cuts(text: str, schema: dict[str, Any] = SCHEMA) -> str:
    whole = passed(text, lambda: len(text), schema)
    rng = random.Random(7)  # noqa: S311 - not a secret
    for sizes in (lambda: 1, lambda: 3, lambda: 7, lambda: rng.randint(1, 9)):
        assert passed(text, sizes, schema) == whole
    for cut in range(1, len(text)):
        given = iter([cut, len(text)])
        assert passed(text, lambda given=given: next(given), schema) == whole
    return whole


@pytest.mark.parametrize("name", BARE)
def test_the_object_is_all_that_is_left(name: str) -> None:
    text, expected = BARE[name]
    left = in_all_cuts(text)
    assert left == expected
    assert isinstance(json.loads(left), dict)


@pytest.mark.parametrize("name", KEPT)
def test_nothing_is_dropped_where_the_object_is_in_doubt(name: str) -> None:
    left = in_all_cuts(KEPT[name])
    assert left == KEPT[name]


def test_any_object_will_do_where_there_is_no_schema() -> None:
    text = f'Sure: {FENCE}json\n{{"x": 1}}\n{FENCE}'
    assert in_all_cuts(text, {"type": "object"}) == '{"x": 1}'


def test_the_object_streams() -> None:
    text_filter = BareObjectFilter(SCHEMA)
    assert text_filter.feed("Sure:\n```json\n{") == []
    assert text_filter.feed('"name": "Li') == ['{"name": "Li']
    assert text_filter.feed("sbon") == ["sbon"]
    assert text_filter.feed('", ') == ['"']
    assert text_filter.feed('"size": 5') == [', "size": ']
    assert text_filter.feed("}\n``") == ["5}"]
    assert text_filter.feed("`\nBye.") == []
    assert text_filter.close(whole=True) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"name": ' + "/*" * 100_000,
        '{"name": ' + "'" + "\\'" * 100_000,
        '{"name": ' + "a" * 200_000,
        '{"name": "' + "\\" * 200_000,
        "{" * 200_000,
        "[" * 200_000,
        '{"name"' + " " * 200_000,
        "{a:/*}" * 40_000,
        "```a\n" * 40_000,
        "".join(f"```\n[{number}]\n```\n" for number in range(20_000)),
        "{a:'}" * 40_000,
        '{"name": 1}' * 20_000,
        f"{'{x} ' * 40_000}{TEXT}",
    ],
    ids=lambda text: text[:14],
)
def test_hostile_text_comes_to_an_end(text: str) -> None:
    left = passed(text, lambda: 5)
    assert len(left) <= len(text)
    assert left == TEXT or left.startswith(text[:9])
