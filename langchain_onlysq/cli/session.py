"""What is sent for a command: a question, a conversation, or a request for the catalogue."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import ValidationError

from langchain_onlysq.chat_models import ChatOnlySq
from langchain_onlysq.cli.answers import show_message, stream_answer
from langchain_onlysq.cli.arguments import UsageError
from langchain_onlysq.cli.conversation import Conversation
from langchain_onlysq.cli.tables import model_rows
from langchain_onlysq.settings import call_options as options
from langchain_onlysq.settings.service import PUBLIC_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_onlysq.cli.arguments import Arguments
    from langchain_onlysq.cli.question import Content
    from langchain_onlysq.cli.screen import Screen


def answer(content: Content, arguments: Arguments, screen: Screen) -> None:
    """Ask one question.

    Args:
        content: What is asked.
        arguments: The arguments.
        screen: Where the answer goes.

    Raises:
        OnlySqError: If there is no answer, or no whole one.
        UsageError: If a setting makes no sense.
        OSError: If the answer cannot be written.
    """
    messages = [*_system(arguments), HumanMessage(content)]
    with _model(arguments) as llm:
        if arguments.json:
            show_message(llm, messages, screen)
        else:
            stream_answer(llm, messages, arguments.model, screen)


def converse(arguments: Arguments, screen: Screen) -> None:
    """Hold a conversation until the user ends it.

    Raises:
        UsageError: If a setting makes no sense.
        OSError: If an answer cannot be written.
    """
    with _model(arguments) as llm:
        Conversation(llm, screen, arguments.model, _system(arguments)).run()


def show_models(arguments: Arguments, screen: Screen) -> None:
    """Print the catalogue.

    Raises:
        OnlySqError: If it cannot be had.
        UsageError: If a setting makes no sense.
        OSError: If it cannot be written.
    """
    from langchain_onlysq.models.catalogue import list_models

    with _model(arguments) as llm:
        screen.wait("waiting for the catalogue")
        models = list_models(
            base_url=llm.base_url,
            api_key=llm.api_key.get_secret_value(),
            http_client=llm.http_client,
        )
    if arguments.json:
        ordered = sorted(models, key=lambda model: model.id)
        screen.document([model.model_dump(mode="json") for model in ordered])
    else:
        screen.table(model_rows(models))


def _system(arguments: Arguments) -> list[BaseMessage]:
    return [SystemMessage(arguments.system)] if arguments.system else []


@contextmanager
def _model(arguments: Arguments) -> Iterator[ChatOnlySq]:
    with _service(arguments) as fields:
        try:
            # One form of answers, whatever the environment says.
            llm = ChatOnlySq(model=arguments.model, output_version="v0", **fields)
        except ValidationError as error:
            raise UsageError(options.describe(error)) from None
        with llm:
            yield llm


@contextmanager
def _service(arguments: Arguments) -> Iterator[dict[str, Any]]:
    """Say where to ask, as keywords; `--local` starts a server for it.

    Raises:
        UsageError: If the local server cannot be started.
    """
    if not arguments.local:
        yield {}
        return
    try:
        from langchain_onlysq.testing import LocalOnlySq
    except ImportError as error:
        raise UsageError(str(error)) from None
    with ExitStack() as stack:
        server = stack.enter_context(LocalOnlySq())
        # No proxy of the environment stands between, and nobody's own key is needed.
        client = stack.enter_context(httpx.Client(trust_env=False))
        yield {
            "base_url": server.base_url,
            "api_key": PUBLIC_KEY,
            "http_client": client,
        }
