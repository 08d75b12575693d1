"""A TypedDict -> the JSON schema that its objects have to fit. Pure.

What LangChain makes of one is good enough to ask for an object, but it knows neither keys that may
be missing nor values that may be None.
"""

from __future__ import annotations

import types
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import typing_extensions
from pydantic import BaseModel, Field, create_model

_REQUIRED = frozenset({Required, typing_extensions.Required})
_MARKS = _REQUIRED | {NotRequired, typing_extensions.NotRequired}
_WRAPPERS = _MARKS | {Annotated}
_UNIONS = frozenset({Union, types.UnionType})


def is_typed_dict(schema: Any) -> bool:
    """Tell whether something is a TypedDict, of either module that has them."""
    return is_typeddict(schema) or typing_extensions.is_typeddict(schema)


def schema_of_typed_dict(typed_dict: Any) -> dict[str, Any]:
    """Return the JSON schema of a TypedDict's objects."""
    return _model_of(typed_dict, frozenset()).model_json_schema()


def _model_of(typed_dict: Any, outer: frozenset[Any]) -> type[BaseModel]:
    """Return a class with the fields of a TypedDict; `outer` are those that it is part of."""
    fields: dict[str, Any] = {}
    outer |= {typed_dict}
    for index, (name, hint) in enumerate(get_type_hints(typed_dict, include_extras=True).items()):
        default = ... if _is_required(typed_dict, name, hint) else None
        field = Field(default, alias=name, description=_meaning(hint))
        fields[f"field_{index}"] = (_converted(hint, outer), field)
    return create_model(typed_dict.__name__, __doc__=typed_dict.__doc__, **fields)


def _is_required(typed_dict: Any, name: str, hint: Any) -> bool:
    # Where annotations are texts, the class itself does not know of these.
    if get_origin(hint) in _MARKS:
        return get_origin(hint) in _REQUIRED
    if get_origin(hint) is Annotated:
        # LangChain's form: the type, its default or `...`, what it means.
        _, default, *_ = (*get_args(hint), ...)
        return name in typed_dict.__required_keys__ and default is ...
    return name in typed_dict.__required_keys__


def _meaning(hint: Any) -> str | None:
    """Return what LangChain's form says of a key."""
    while get_origin(hint) in _MARKS:
        hint = get_args(hint)[0]
    said = get_args(hint)[2:] if get_origin(hint) is Annotated else ()
    return next((text for text in said if isinstance(text, str)), None)


def _converted(hint: Any, outer: frozenset[Any]) -> Any:
    """Return a type in which classes stand in for the TypedDicts."""
    if is_typed_dict(hint):
        return dict[str, Any] if hint in outer else _model_of(hint, outer)
    origin, args = get_origin(hint), get_args(hint)
    if origin in _WRAPPERS:
        return _converted(args[0], outer)
    if origin is None or origin is Literal or not args:
        return hint
    inner = tuple(_converted(arg, outer) for arg in args)
    return Union[inner] if origin in _UNIONS else origin[inner]  # noqa: UP007 - made at run time
