"""`register()`: the opt-in that lets LangChain's `init_chat_model` make a `ChatOnlySq`."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from threading import Lock
from typing import Any

from langchain_onlysq.chat_models import ChatOnlySq
from langchain_onlysq.outputs.content_blocks import PROVIDER
from langchain_onlysq.settings.service import (
    DEFAULT_BASE_URL,
    PUBLIC_KEY,
)

_lock = Lock()


def register() -> None:
    """Make `init_chat_model("onlysq:gpt-4o-mini")` and `create_agent("onlysq:…")` work.

    LangChain keeps its providers in a closed table and has no way to announce another, so this
    adds a row to that table, for this process. It may be called any number of times.

    Example:
        ```python
        from langchain.chat_models import init_chat_model

        from langchain_onlysq import register

        register()
        llm = init_chat_model("onlysq:gpt-4o-mini", temperature=0)
        ```

    Raises:
        ImportError: If langchain is not installed.
        RuntimeError: If this version of langchain keeps its providers in another way. It is left
            as it was.
    """
    with _lock:
        base = _langchain()
        table = getattr(base, "_BUILTIN_PROVIDERS", None)
        if not isinstance(table, dict):
            raise _unknown_langchain(None)
        is_new = PROVIDER not in table
        if is_new:
            table[PROVIDER] = ("langchain_onlysq", "ChatOnlySq", _make)
        try:
            _check(base)
        except Exception as error:
            if is_new:
                del table[PROVIDER]
                with suppress(AttributeError):
                    base._get_chat_model_creator.cache_clear()  # noqa: SLF001 - it may know us
            raise _unknown_langchain(error) from error


def _make(cls: type[ChatOnlySq], **kwargs: Any) -> ChatOnlySq:
    """Make a model, as LangChain's table has a function for."""
    return cls(**kwargs)


def _langchain() -> Any:
    try:
        return import_module("langchain.chat_models.base")
    except ModuleNotFoundError as error:
        if error.name == "langchain":
            msg = "register() is for init_chat_model of langchain: pip install langchain"
            raise ImportError(msg, name=error.name) from error
        if (error.name or "").startswith("langchain."):
            raise _unknown_langchain(error) from error
        raise


def _check(base: Any) -> None:
    """Make a model as users will; nothing is sent, and nothing of the environment is read."""
    made = base.init_chat_model(
        f"{PROVIDER}:some:model", api_key=PUBLIC_KEY, base_url=DEFAULT_BASE_URL
    )
    if not isinstance(made, ChatOnlySq) or made.model != "some:model":
        msg = f"'{PROVIDER}:some:model' gave {type(made).__name__}"
        raise TypeError(msg)


def _unknown_langchain(error: Exception | None) -> RuntimeError:
    reason = f" ({error})" if error else ""
    return RuntimeError(
        "register() does not know how this version of langchain keeps its providers; those from "
        "1.3 to 1.5 are known. Nothing was changed. Pass ChatOnlySq(model=…) itself instead."
        f"{reason}"
    )
