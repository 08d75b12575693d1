"""What a caller says of tools -> what a request says of them, natively or in the prompt. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool

from langchain_onlysq.errors import OnlySqInvalidRequestError
from langchain_onlysq.errors.wording import reason_of
from langchain_onlysq.outputs.object_judge import JUDGE_KEYWORD, ObjectJudge
from langchain_onlysq.request.typed_dicts import is_typed_dict, schema_of_typed_dict
from langchain_onlysq.settings.loading import loading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_core.tools import BaseTool

    ToolLike = Mapping[str, Any] | type | Callable[..., Any] | BaseTool

Choice = str | dict[str, Any]
"""`"auto"`, `"none"`, `"required"`, or OpenAI's object that names one tool."""

_WORDS = {
    None: "auto",
    False: "auto",
    "auto": "auto",
    "none": "none",
    True: "required",
    "any": "required",
    "required": "required",
}


class ToolRequest(NamedTuple):
    """The tools of one call, and the form its answer is to have.

    Attributes:
        tools: In OpenAI's shape.
        choice: Which of them may or must be called.
        response_format: In OpenAI's shape; None for free text.
        native: Further keys, which only a native request has a place for.
        judge: What says whether an answer holds the object that was asked for; None where none was.
    """

    tools: Sequence[dict[str, Any]] = ()
    choice: Choice = "auto"
    response_format: dict[str, Any] | None = None
    native: Mapping[str, Any] = MappingProxyType({})
    judge: ObjectJudge | None = None

    @property
    def names(self) -> list[str]:
        """The names of the tools that may be called."""
        if self.choice == "none":
            return []
        return [tool["function"]["name"] for tool in self.tools]

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON schemas of the parameters of the tools that may be called, by their names."""
        functions = [tool["function"] for tool in self.tools if self.names]
        return {function["name"]: function.get("parameters") for function in functions}

    @property
    def asks_for_json(self) -> bool:
        """Whether the text of the answer is to be JSON."""
        return self.response_format is not None and self.response_format.get("type") != "text"

    @property
    def wants_bare_object(self) -> bool:
        """Whether the caller reads the text of the answer as JSON, with a parser of its own."""
        return self.asks_for_json and self.judge is None

    @property
    def forced(self) -> str | None:
        """`"required"`, the name of the one tool that must be called, or None."""
        if isinstance(self.choice, dict):
            return str(self.choice["function"]["name"])
        return "required" if self.choice == "required" else None

    def is_followed_by(self, name: str) -> bool:
        """Tell whether a call of the named tool is what was asked for."""
        return self.forced in {"required", name}

    def native_keys(self) -> dict[str, Any]:
        """Return the keys of a native request.

        The choice is always sent with tools: the service's own default is to call none.
        """
        keys: dict[str, Any] = dict(self.native)
        if self.tools:
            keys |= {"tools": self.tools, "tool_choice": self.choice}
        if self.response_format:
            keys["response_format"] = _native_format(self.response_format)
        return keys

    def instructions(self) -> str:
        """Return what a prompted request says in its system message instead."""
        if not (self.tools or self.response_format):
            return ""
        with loading:
            from langchain_onlysq.prompted_tools.wording import describe_schema, describe_tools

        parts = []
        if self.tools:
            choice = self.forced or (self.choice if isinstance(self.choice, str) else None)
            parts.append(describe_tools(self.tools, choice=choice))
        if self.response_format and self.asks_for_json:
            parts.append(describe_schema(schema_of(self.response_format)))
        return "\n\n".join(parts)


_NO_TOOLS = ToolRequest()


def take_tool_keywords(extra: Mapping[str, Any]) -> tuple[ToolRequest, dict[str, Any]]:
    """Take what concerns tools out of the extra keys of a call.

    Raises:
        OnlySqInvalidRequestError: If a tool or the choice makes no sense.
    """
    if not extra:
        return _NO_TOOLS, {}
    rest = dict(extra)
    judge = rest.pop(JUDGE_KEYWORD, None)
    if not isinstance(judge, (ObjectJudge, NoneType)):
        msg = f"{JUDGE_KEYWORD!r} is set by with_structured_output: it cannot be a keyword."
        raise OnlySqInvalidRequestError(msg)
    tools = format_tools(rest.pop("tools", None) or [])
    request = ToolRequest(
        tools=tools,
        choice=normalize_tool_choice(rest.pop("tool_choice", None), tools),
        response_format=_read_format(rest.pop("response_format", None)),
        native={
            key: rest.pop(key)
            for key in ("parallel_tool_calls",)
            if rest.get(key) is not None and tools
        },
        judge=judge,
    )
    rest.pop("parallel_tool_calls", None)
    return request, rest


def format_tools(tools: Sequence[ToolLike], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """Bring tools of every kind to OpenAI's shape.

    Args:
        tools: LangChain tools, functions, pydantic classes, TypedDicts, JSON schemas, dicts.
        strict: Whether arguments must follow their schema; None leaves it open.

    Raises:
        OnlySqInvalidRequestError: If one of them is not backed by a function.
    """
    if not isinstance(tools, Iterable) or isinstance(tools, (str, dict)) or hasattr(tools, "name"):
        raise OnlySqInvalidRequestError(_no_list(tools))
    formatted = [to_openai_tool(tool, strict=strict) for tool in tools]
    for tool in formatted:
        function = tool.get("function")
        if not isinstance(function, dict) or not function.get("name"):
            kind = tool.get("type")
            msg = f"A tool of type {kind!r} runs at its provider; OnlySq takes functions only."
            raise OnlySqInvalidRequestError(msg)
        name, schema = function["name"], function.get("parameters")
        if not isinstance(name, str):
            msg = f"The name of a tool is {name!r}, not a string."
            raise OnlySqInvalidRequestError(msg)
        if not isinstance(schema, (dict, NoneType)):
            msg = f"The parameters of the tool {name!r} are {schema!r}, not a JSON schema."
            raise OnlySqInvalidRequestError(msg)
    return formatted


def to_openai_tool(tool: ToolLike, *, strict: bool | None = None) -> dict[str, Any]:
    """Bring a tool, or a schema, to OpenAI's shape.

    Args:
        tool: The tool.
        strict: Whether arguments must follow its schema; None leaves it open.

    Raises:
        OnlySqInvalidRequestError: If it is neither.
    """
    with loading:
        # LangChain would load it in the middle.
        import langchain_core.tools  # noqa: F401
    try:
        return convert_to_openai_tool(tool, strict=strict)
    except Exception as error:
        if is_typed_dict(tool):
            # LangChain fails where keys may be missing.
            return convert_to_openai_tool(schema_of_typed_dict(tool), strict=strict)
        msg = f"This is neither a tool nor a schema: {reason_of(error)}"
        raise OnlySqInvalidRequestError(msg) from error


def _no_list(tools: Any) -> str:
    """Say what to write in place of what is not a list of tools."""
    if isinstance(tools, str):
        return f"Tools are passed themselves, in a list; {tools!r} is only a text."
    name = getattr(tools, "name", None) or getattr(tools, "__name__", None)
    name = name or ("{…}" if isinstance(tools, dict) else "…")
    return f"Tools are passed as a list: write bind_tools([{name}])."


def normalize_tool_choice(choice: Any, tools: Sequence[Mapping[str, Any]]) -> Choice:
    """Read a `tool_choice` in any of its forms.

    Args:
        choice: None, a word, True, the name of a tool, OpenAI's or Anthropic's object.
        tools: The tools that are bound, in OpenAI's shape.

    Raises:
        OnlySqInvalidRequestError: If it names no bound tool, or forces a call without any tool.
    """
    names = [tool["function"]["name"] for tool in tools]
    if isinstance(choice, dict):
        inner = choice.get("function")
        name = inner.get("name") if isinstance(inner, dict) else choice.get("name")
        choice = name or choice.get("type")
    if isinstance(choice, (str, bool, type(None))) and choice in _WORDS and choice not in names:
        word = _WORDS[choice]
        if word == "required" and not names:
            msg = "tool_choice asks for a call, but no tool is bound."
            raise OnlySqInvalidRequestError(msg)
        return word
    if choice not in names:
        msg = (
            f"tool_choice is {choice!r}, which is not a bound tool; bound tools: "
            f"{', '.join(names) or 'none'}. Other choices are 'auto', 'none' and 'any'."
        )
        raise OnlySqInvalidRequestError(msg)
    return {"type": "function", "function": {"name": choice}}


def response_format_for(schema: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Return the `response_format` that asks for JSON of a schema.

    Args:
        schema: A pydantic class, a TypedDict, a JSON schema, or OpenAI's object for it.
        strict: Whether the answer must follow the schema; None leaves it open.
    """
    if isinstance(schema, dict) and (
        "json_schema" in schema or schema.get("type") in {"json_object", "text"}
    ):
        return schema
    tool = to_openai_tool(schema, strict=strict)
    named: dict[str, Any] = {
        "name": tool["function"]["name"],
        "schema": convert_to_json_schema(tool),
    }
    if strict is not None:
        named["strict"] = strict
    return {"type": "json_schema", "json_schema": named}


def _read_format(given: Any) -> dict[str, Any] | None:
    if given is None or isinstance(given, dict):
        return given
    if isinstance(given, type):
        return response_format_for(given)
    msg = f"response_format is {given!r}: it is a schema, or OpenAI's object for one."
    raise OnlySqInvalidRequestError(msg)


def _native_format(response_format: dict[str, Any]) -> dict[str, Any]:
    """Leave the schema out where any JSON was asked for: only a prompt has a use for it."""
    if response_format.get("type") == "json_object":
        return {key: value for key, value in response_format.items() if key != "json_schema"}
    return response_format


def schema_of(response_format: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of a `response_format`: that of any object where it has none."""
    named = response_format.get("json_schema")
    schema = named.get("schema") if isinstance(named, dict) else None
    return schema if isinstance(schema, dict) else {"type": "object"}
