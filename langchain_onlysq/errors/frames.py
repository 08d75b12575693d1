"""Errors without the frames that they came through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_onlysq.errors import OnlySqError


def without_frames(error: OnlySqError) -> OnlySqError:
    """Strip an error of the frames that it came through: they hold headers, and so the key.

    Whatever a flow raises, and whatever it reports, leaves through here.
    """
    error.__context__ = None
    for each in (error, error.__cause__):
        if each is not None:
            each.__traceback__ = None
    if error.__cause__ is not None:
        error.__cause__.__cause__ = error.__cause__.__context__ = None
    return error
