"""A schema -> what a request says of it, and the parser of the answer. Pure."""

from __future__ import annotations

from typing import Any

from langchain_core.utils.pydantic import is_basemodel_subclass

from langchain_onlysq.outputs.object_judge import JUDGE_KEYWORD, ObjectJudge
from langchain_onlysq.outputs.structured_output import StructuredOutputParser
from langchain_onlysq.request.tools import (
    format_tools,
    normalize_tool_choice,
    response_format_for,
    to_openai_tool,
)
from langchain_onlysq.request.typed_dicts import is_typed_dict, schema_of_typed_dict


def ask_for(
    schema: dict[str, Any] | type, method: str, *, strict: bool | None, include_raw: bool = False
) -> tuple[dict[str, Any], StructuredOutputParser]:
    """Return the keywords of a call that ask for an object of a schema, and what reads it.

    Args:
        schema: A pydantic class, a TypedDict or a JSON schema.
        method: `"json_schema"`, `"function_calling"` or `"json_mode"`.
        strict: Whether the schema must be followed, where the model knows of it.
        include_raw: Whether the caller gets the message, too.

    Returns:
        The keywords, and the parser of the answer.

    Raises:
        ValueError: If the method is unknown.
    """
    tool = to_openai_tool(schema)
    name: str | None = None
    if method == "function_calling":
        name = tool["function"]["name"]
        tools = format_tools([schema], strict=strict)
        choice = normalize_tool_choice(name, tools)
        asked = {"tools": tools, "tool_choice": choice, "parallel_tool_calls": False}
    elif method == "json_schema":
        asked = {"response_format": response_format_for(schema, strict=strict)}
    elif method == "json_mode":
        asked = {"response_format": {**response_format_for(schema), "type": "json_object"}}
    else:
        msg = f"method is {method!r}: it is 'json_schema', 'function_calling' or 'json_mode'"
        raise ValueError(msg)
    # What LangChain tells tracers of it.
    traced = {"kwargs": {"method": method, "strict": strict}, "schema": tool}
    is_model = isinstance(schema, type) and is_basemodel_subclass(schema)
    parser = StructuredOutputParser(
        output_type=schema if is_model else None,
        tool_name=name,
        json_schema=_schema_of(tool["function"], schema),
    )
    judge = ObjectJudge(parser, include_raw=include_raw)
    return {**asked, JUDGE_KEYWORD: judge, "ls_structured_output_format": traced}, parser


def _schema_of(function: dict[str, Any], schema: dict[str, Any] | type) -> dict[str, Any]:
    """Return the JSON schema that the object has to fit, with its name."""
    if is_typed_dict(schema):
        return {**schema_of_typed_dict(schema), "title": function["name"]}
    return {**(function.get("parameters") or {}), "title": function["name"]}
