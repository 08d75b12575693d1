"""The JSON values of an answer -> the one object of a schema that they hold. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.exceptions import OutputParserException
from pydantic import AliasChoices, BaseModel, ValidationError

from langchain_onlysq.errors.bodies import excerpt
from langchain_onlysq.outputs.conversions import conversions
from langchain_onlysq.outputs.json_schema import problems
from langchain_onlysq.outputs.object_forms import ObjectFormError, layers, mend

if TYPE_CHECKING:
    from collections.abc import Collection

BEGINS_WITH = " It begins with "
"""What stands before the beginning of an answer without an object, at the end of the error."""

_MOST_PROBLEMS = 8
_QUOTED_CHARS = 80


class ObjectSchema(NamedTuple):
    """What an object has to be.

    Attributes:
        output_type: A pydantic class, of v2 or v1; None for a plain dict.
        schema: Its JSON schema; an empty one allows any object.
    """

    output_type: Any
    schema: dict[str, Any]

    @property
    def name(self) -> str:
        """What the object is called."""
        return str(getattr(self.output_type, "__name__", self.schema.get("title", "the schema")))

    @property
    def field_names(self) -> Collection[str]:
        """The names of a class's fields, beside the names that its schema has for them."""
        if self.output_type is None:
            return ()
        if not issubclass(self.output_type, BaseModel):
            return list(self.output_type.__fields__)
        fields = self.output_type.model_fields
        aliases = [field.validation_alias for field in fields.values()]
        choices = [alias.choices for alias in aliases if isinstance(alias, AliasChoices)]
        return [*fields, *(name for part in choices for name in part if isinstance(name, str))]

    def validated(self, value: dict[str, Any]) -> Any:
        """Return the object of a value.

        Raises:
            ValueError: If it is not one.
        """
        value = mend(value, self.schema, self.schema)
        if self.output_type is None:
            wrong = problems(value, self.schema, self.schema)
        else:
            wrong = conversions(value, self.schema, self.schema)
        if wrong:
            raise ObjectFormError("; ".join(wrong[:_MOST_PROBLEMS]))
        if self.output_type is None:
            return value
        if issubclass(self.output_type, BaseModel):
            return self.output_type.model_validate(value)
        return self.output_type.parse_obj(value)


def read_object(values: list[Any], wanted: ObjectSchema, text: str) -> Any:
    """Return the one object among values that is what was asked for.

    Args:
        values: The JSON values of an answer.
        wanted: What the object has to be.
        text: The answer, for the error.

    Raises:
        OutputParserException: If none of them fits, or if two different ones were meant to.
    """
    found: Any = None
    for value in values:
        try:
            fitting = _read_layers(value, wanted)
        except (ValidationError, ValueError, RecursionError) as error:
            msg = f"The answer does not fit {wanted.name}: {error}"
            raise OutputParserException(msg, llm_output=text) from error
        if found is not None and fitting is not None and fitting != found:
            msg = f"The answer holds several objects that fit {wanted.name}."
            raise OutputParserException(msg, llm_output=text)
        found = fitting if found is None else found
    if found is None:
        said = f" that is meant to be {wanted.name}" if values else ""
        beginning = f"{BEGINS_WITH}{excerpt(text, limit=_QUOTED_CHARS)!r}" if text.strip() else ""
        msg = f"There is no JSON object in the answer{said}.{beginning}"
        raise OutputParserException(msg, llm_output=text)
    return found


def _read_layers(value: Any, wanted: ObjectSchema) -> Any:
    """Return the outermost object in a value that fits; None where none was meant to."""
    first: Exception | None = None
    for layer in layers(value, wanted.schema, wanted.field_names):
        try:
            return wanted.validated(layer)
        except (ValidationError, ValueError) as error:
            first = first or error
    if first is not None:
        raise first
    return None
