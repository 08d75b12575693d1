"""The JSON of a catalogue -> models. Pure.

The form is not reliable: models come as an object by id or as a list, fields are missing, numbers
are texts. What cannot be read as what it should be stays in `extra`, as it came.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
_ID_KEYS = ("id", "model", "name")
_PLACEHOLDER = "<owner>"


class OnlySqModel(BaseModel):
    """A model of the catalogue. All but the id may be unknown, which is None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """What `ChatOnlySq(model=…)` takes."""

    name: str | None = None
    """Name for people."""

    description: str | None = None
    """What the service says of it."""

    modality: str | None = None
    """What it makes: `"text"`, `"image"` or `"sound"`."""

    owner: str | None = None
    """Who made it."""

    cost: float | None = None
    """What a request costs, in the service's own units."""

    status: str | None = None
    """`"work"` where it can be used; `"unstable"` and `"not_work"` are known, too."""

    can_stream: bool | None = None
    """Whether its answers can be streamed."""

    can_tools: bool | None = None
    """Whether it takes tools natively."""

    can_think: bool | None = None
    """Whether it can show its reasoning."""

    tier: int | str | None = None
    """The class of models it belongs to."""

    limits: dict[str, int] | list[int] | None = None
    """Requests per minute by level of the account, as sent: `{"lvl0": …, "lvl1": …}`, or a list.

    Of a list, the catalogue does not say which level its first number is for.
    """

    extra: dict[str, Any] = Field(default_factory=dict)
    """Whatever else the service says of it, and fields that could not be read."""


def read_models(body: Any) -> list[OnlySqModel] | None:
    """Read a catalogue.

    Args:
        body: The JSON value of the answer.

    Returns:
        The models, in the order of the catalogue; None where the body is not a catalogue.
    """
    found = list(_sections(body))
    if not found:
        return None
    models: dict[str, OnlySqModel] = {}
    for section, modality in found:
        for model_id, entry in _entries(section):
            if model_id and model_id not in models:
                models[model_id] = _model(model_id, {"modality": modality} | entry)
    return list(models.values())


def entry_as_sent(body: Any, model: str) -> Any:
    """Return what a catalogue says of a model, as it was sent; None where it is not in there."""
    for section, _ in _sections(body):
        for model_id, entry in _entries(section):
            if model_id == model:
                return entry
    return None


def _sections(body: Any) -> Iterator[tuple[Any, str | None]]:
    """Yield the collections of models in a body, and the modality of each where it is told."""
    if isinstance(body, list):
        yield body, None
    if not isinstance(body, dict):
        return
    for key in ("models", "data"):
        if isinstance(body.get(key), (dict, list)):
            yield body[key], None
    classified = body.get("classified")
    if isinstance(classified, dict):
        for modality, section in classified.items():
            if isinstance(section, (dict, list)):
                yield section, modality


def _entries(section: Any) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Yield ids and fields."""
    if isinstance(section, dict):
        for model_id, entry in section.items():
            yield model_id, {**entry} if isinstance(entry, dict) else {}
        return
    for entry in section:
        fields = {**entry} if isinstance(entry, dict) else {"id": entry}
        yield next((fields[key] for key in _ID_KEYS if _text(fields.get(key))), None), fields


def _model(model_id: str, entry: Mapping[str, Any]) -> OnlySqModel:
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in entry.items():
        name = key.replace("-", "_")
        read = _READERS.get(name)
        if read is None:
            if not (name == "id" and value == model_id):
                extra[key] = value
        elif (understood := read(value)) is not None:
            fields[name] = understood
        elif value is not None:
            extra[key] = value
    return OnlySqModel(id=model_id, **fields, extra=extra)


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _owner(value: Any) -> str | None:
    """Read an owner; the catalogue's template, left as it is, names none."""
    return None if value == _PLACEHOLDER else _text(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole_number(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _tier(value: Any) -> int | str | None:
    number = _whole_number(value)
    return _text(value) if number is None else number


def _limits(value: Any) -> dict[str, int] | list[int] | None:
    """Read limits, an object by level or a list of them."""
    values = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(values, list):
        return None
    limits = [limit for limit in map(_whole_number, values) if limit is not None]
    if len(limits) < len(values):
        return None
    return dict(zip(value, limits, strict=True)) if isinstance(value, dict) else limits


_READERS: dict[str, Callable[[Any], Any]] = {
    "name": _text,
    "description": _text,
    "modality": _text,
    "owner": _owner,
    "cost": _number,
    "status": _text,
    "can_stream": _flag,
    "can_tools": _flag,
    "can_think": _flag,
    "tier": _tier,
    "limits": _limits,
}
