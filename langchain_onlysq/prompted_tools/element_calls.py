"""Calls as elements that hold an element for each parameter, in several spellings. Pure."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_onlysq.prompted_tools.json_calls import begins_json
from langchain_onlysq.prompted_tools.json_object import ObjectReader
from langchain_onlysq.prompted_tools.text_source import (
    BLANKS,
    CutOffError,
    FormError,
    Marks,
    Reading,
    TextSource,
)
from langchain_onlysq.prompted_tools.written_call import (
    CUT_OFF,
    TWICE,
    WrittenCall,
    call_with,
    named_call,
)
from langchain_onlysq.response.json_text import parse_json

if TYPE_CHECKING:
    from langchain_onlysq.prompted_tools.bound_tools import BoundTools

NOT_ELEMENTS = "the parameters of the call cannot be told apart"

_TAG = re.compile(
    r"\s*(?:(?:name|key|tool)\s*=\s*)?[\"']?(?P<name>[^\s\"'<>=]+?)[\"']?"
    r"(?P<rest>\s.*?)?(?P<empty>/)?",
    re.DOTALL,
)
_IS_TEXT = re.compile(r"\s(?:string|type)\s*=\s*[\"']?(\w+)")
_CHILD = re.compile(r"[\w.-]+")
_CDATA = Marks(("<![cdata[",))
_CDATA_END = Marks(("]]>",))
_TOOL_NAME, _TOOL_NAME_END = Marks(("<tool_name>",)), Marks(("</tool_name>",))
_CONTAINER, _CONTAINER_END = Marks(("<parameters>",)), Marks(("</parameters>",))
_LONGEST_TAG = 300


class Elements(NamedTuple):
    """A spelling of elements.

    Attributes:
        start: What an opening tag begins with.
        end: What a closing tag begins with.
        close: What every tag ends with.
        call: Name of the element of a call.
        parameters: Names of the element of a parameter.
    """

    start: str
    end: str
    close: str
    call: str
    parameters: tuple[str, ...]

    def read(self, source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
        """Read a call, behind the beginning of its opening tag."""
        return (yield from _Reader(self, source, tools).read(is_named=True))

    def read_unnamed(self, source: TextSource, tools: BoundTools) -> Reading[list[WrittenCall]]:
        """Read a call, behind an opening tag that does not name the tool."""
        return (yield from _Reader(self, source, tools).read(is_named=False))


def tags(prefix: str, call: str) -> Elements:
    """Return the spelling whose tags have a prefix, which those of parameters may lack."""
    names = ("parameter", "param", "argument")
    parameters = dict.fromkeys(f"{one}{name}" for one in (prefix, "") for name in names)
    return Elements("<", "</", ">", f"{prefix}{call}", tuple(parameters))


class _Tags(NamedTuple):
    """The tags of a spelling.

    Attributes:
        close: What ends a tag, and what shows that this is not one.
        closer: The tag that closes a call.
        parameters: What the tag of a parameter begins with, and for each the tags of its value.
        marks: What may stand in a call.
        nesting: These, and the tags that close parameters.
    """

    close: Marks
    closer: str
    parameters: dict[str, Marks]
    marks: Marks
    nesting: Marks


@cache
def _tags_of(spelling: Elements) -> _Tags:
    start, end, close = spelling.start, spelling.end, spelling.close
    closer = f"{end}{spelling.call}{close}"
    closed_by = {
        f"{start}{name}{mark}": f"{end}{name}{close}"
        for name in spelling.parameters
        for mark in (" ", "=")
    }
    return _Tags(
        Marks((close,), (*(("<",) if close == ">" else (start, end)), "\n\n")),
        closer,
        {mark: Marks((mark,), (tag,)) for mark, tag in closed_by.items()},
        Marks(closed_by, (closer,)),
        Marks(closed_by, (closer, *closed_by.values())),
    )


class _Reader:
    """Reads one element."""

    def __init__(self, spelling: Elements, source: TextSource, tools: BoundTools) -> None:
        self._source = source
        self._tools = tools
        self._tags = _tags_of(spelling)
        self._values: dict[str, Any] = {}
        self._name = ""

    def read(self, *, is_named: bool) -> Reading[list[WrittenCall]]:
        """Read the element; return its call, none where it is not one."""
        source, start = self._source, self._source.offset
        if is_named:
            tag = yield from self._read_tag()
            name = tag["name"] if tag else ""
            if tag and tag["empty"]:
                return [call_with(self._tools.resolve(name), {}, self._tools)]
        else:
            yield from source.skip_over(BLANKS)
            name = yield from self._read_name()
        yield from source.skip_over(BLANKS)
        is_json = yield from begins_json(source, "{")
        is_container = yield from source.find_mark(_CONTAINER)
        follows = is_json or is_container or (yield from source.find_mark(self._tags.marks))
        if not name or not follows:
            return []
        self._name = self._tools.resolve(name)
        try:
            if is_json:
                call = yield from self._read_json()
            else:
                yield from self._read_parameters(is_container=bool(is_container))
                call = call_with(self._name, self._values, self._tools)
        except CutOffError:
            call = WrittenCall(self._name, source.since(start).strip(), CUT_OFF)
        except FormError as error:
            yield from self._skip_to_end()
            call = WrittenCall(self._name, source.since(start).strip(), str(error))
        return [call]

    def _read_tag(self) -> Reading[re.Match[str] | None]:
        """Read the rest of an opening tag; return what stands in it."""
        source, start = self._source, self._source.offset
        mark = yield from source.up_to(self._tags.close, _LONGEST_TAG)
        if not mark or mark in self._tags.close.closers:
            return None
        text = source.since(start)
        source.take(len(mark))
        return _TAG.fullmatch(text)

    def _read_name(self) -> Reading[str]:
        """Read the name from an element of its own."""
        source = self._source
        if not (yield from source.find_mark(_TOOL_NAME)):
            return ""
        source.take(len("<tool_name>"))
        start = source.offset
        mark = yield from source.up_to(_TOOL_NAME_END, _LONGEST_TAG)
        name = source.since(start)
        source.take(len(mark))
        return name.strip() if mark else ""

    def _read_json(self) -> Reading[WrittenCall]:
        """Read the arguments as JSON, and the closing tag."""
        source, start = self._source, self._source.offset
        yield from ObjectReader(source).skip()
        text = source.since(start)
        yield from source.skip_over(BLANKS)
        yield from self._read_end()
        return named_call(self._name, text, self._tools)

    def _read_end(self) -> Reading[None]:
        """Read the closing tag, which may be missing where the whole call ends, or another one."""
        source = self._source
        mark = yield from source.find_mark(self._tags.marks)
        if mark == self._tags.closer:
            source.take(len(mark))
        elif not (yield from source.find_mark(source.tags)):
            if not (yield from source.skip_over()):
                raise CutOffError
            raise FormError(NOT_ELEMENTS)

    def _read_parameters(self, *, is_container: bool) -> Reading[None]:
        """Read parameters up to the closing tag."""
        source = self._source
        if is_container:
            source.take(len("<parameters>"))
            yield from self._read_children()
        yield from source.skip_over(BLANKS)
        marks, parameters = self._tags.marks, self._tags.parameters
        while (mark := (yield from source.find_mark(marks))) in parameters:
            source.take(len(mark))
            tag = yield from self._read_tag()
            if not tag or tag["empty"]:
                raise FormError(NOT_ELEMENTS)
            text = yield from self._read_value(parameters[mark])
            self._add(tag["name"], text, tag["rest"] or "")
            yield from source.skip_over(BLANKS)
        yield from self._read_end()

    def _read_children(self) -> Reading[None]:
        """Read parameters that are elements with names of their own."""
        source = self._source
        yield from source.skip_over(BLANKS)
        while not (yield from source.find_mark(_CONTAINER_END)):
            start = source.offset
            yield from self._need("<")
            source.take(1)
            yield from source.skip_over(_CHILD)
            name = source.since(start + 1)
            yield from self._need(">")
            source.take(1)
            text = yield from self._read_value(
                Marks((f"<{name}>".lower(),), (f"</{name}>".lower(),))
            )
            self._add(name, text, "")
            yield from source.skip_over(BLANKS)
        source.take(len("</parameters>"))

    def _need(self, char: str) -> Reading[None]:
        found = yield from self._source.skip_over()
        if found != char:
            raise FormError(NOT_ELEMENTS) if found else CutOffError

    def _read_value(self, marks: Marks) -> Reading[str]:
        """Read up to the tag that closes a value; what is opened in it is closed in it."""
        source, start, depth = self._source, self._source.offset, 1
        yield from source.skip_over(BLANKS)
        if mark := (yield from source.find_mark(_CDATA)):
            source.take(len(mark))
            start = source.offset
            if not (yield from source.up_to(_CDATA_END)):
                raise CutOffError
            text = source.since(start)
            source.take(len("]]>"))
            yield from source.skip_over(BLANKS)
            mark = yield from source.find_mark(marks)
            if mark not in marks.closers:
                raise FormError(NOT_ELEMENTS)
            source.take(len(mark))
            return text
        source.go_to(start)
        while depth:
            if not (mark := (yield from source.up_to(marks))):
                raise CutOffError
            end = source.offset
            source.take(len(mark))
            depth += -1 if mark in marks.closers else 1
        return without_line_ends(source.since(start, end))

    def _add(self, key: str, text: str, attributes: str) -> None:
        if key in self._values:
            raise FormError(TWICE)
        found = _IS_TEXT.search(attributes)
        kind = found[1] if found else ""
        if kind in ("true", "string"):
            self._values[key] = text
        elif kind:
            value = parse_json(text)
            is_null = value is None and text.strip() == "null"
            self._values[key] = self._typed(key, text) if value is None and not is_null else value
        else:
            self._values[key] = self._typed(key, text)

    def _typed(self, key: str, text: str) -> Any:
        return self._tools.typed(self._name, key, text)

    def _skip_to_end(self) -> Reading[None]:
        """Pass over the rest of a broken element; values in it hide what closes it."""
        source, depth = self._source, 0
        while mark := (yield from source.up_to(self._tags.nesting)):
            source.take(len(mark))
            if mark in self._tags.parameters:
                depth += 1
            elif mark != self._tags.closer:
                depth = max(depth - 1, 0)
            elif not depth:
                return


def without_line_ends(text: str) -> str:
    """Drop the line ends that belong to the tags around a value, where it stands on its own."""
    for end in ("\r\n", "\n"):
        if text.startswith(end):
            text = text.removeprefix(end)
            return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    return text
