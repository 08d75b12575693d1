"""What is said of a failure."""

from __future__ import annotations


def describe(error: Exception) -> str:
    """Say what went wrong.

    Args:
        error: The error.

    Returns:
        Its message, with the notes on it; before it the error's name where it is not ours.
    """
    text = str(error)
    if not type(error).__module__.startswith("langchain_onlysq."):
        text = f"{type(error).__name__}: {text}"
    notes = "; ".join(getattr(error, "__notes__", ()))
    return f"{text} ({notes})" if notes else text
