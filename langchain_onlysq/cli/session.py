"""What is sent: one question, the questions of a conversation, a request for the catalogue."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import ValidationError

from langchain_onlysq.chat_models import ChatOnlySq
from langchain_onlysq.cli.arguments import UsageError
from langchain_onlysq.cli.formatting import describe_error, model_rows, usage_line
from langchain_onlysq.errors import OnlySqEmptyResponseError, OnlySqError
from langchain_onlysq.settings.call_options import describe
from langchain_onlysq.settings.http_library import http
from langchain_onlysq.settings.service import PUBLIC_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.messages.ai import UsageMetadata

    from langchain_onlysq.cli.arguments import Arguments
    from langchain_onlysq.cli.question import Content
    from langchain_onlysq.cli.ui import Screen

_HELP = (
    "/model [ID]: show the model, or switch to another one",
    "/clear: clear the conversation",
    "/quit: quit; Ctrl-D does the same",
    "Ctrl-C stops an answer. If a question starts with a slash, type a space before it.",
)


@contextmanager
def open_model(arguments: Arguments) -> Iterator[ChatOnlySq]:
    """Open the model that the arguments describe.

    Raises:
        UsageError: If a setting is not valid, or the local server cannot be started.
    """
    with ExitStack() as stack:
        fields = _local_server(stack) if arguments.local else {}
        try:
            # v0, whatever the environment says: the output is always of one form.
            llm = ChatOnlySq(model=arguments.model, output_version="v0", **fields)
        except ValidationError as error:
            raise UsageError(describe(error)) from None
        yield stack.enter_context(llm)


def _local_server(stack: ExitStack) -> dict[str, Any]:
    """Start a local server until the stack is closed; return the fields of a model that asks it."""
    try:
        from langchain_onlysq.testing import LocalOnlySq
    except ImportError as error:
        raise UsageError(str(error)) from None
    return {
        "base_url": stack.enter_context(LocalOnlySq()).base_url,
        # The user's own key stays out of it, and so does a proxy.
        "api_key": PUBLIC_KEY,
        "http_client": stack.enter_context(http().Client(trust_env=False)),
    }


def show_models(llm: ChatOnlySq, screen: Screen, *, as_json: bool) -> None:
    """Show the catalogue.

    Raises:
        OnlySqError: If it cannot be fetched.
        OSError: If it cannot be written.
    """
    from langchain_onlysq.models.catalogue import list_models

    screen.wait("waiting for the catalogue")
    models = list_models(
        base_url=llm.base_url,
        api_key=llm.api_key.get_secret_value(),
        http_client=llm.http_client,
    )
    if as_json:
        ordered = sorted(models, key=lambda model: model.id)
        screen.document([model.model_dump(mode="json") for model in ordered])
    else:
        screen.table(model_rows(models))


def answer(
    llm: ChatOnlySq, screen: Screen, system: str | None, content: Content, *, as_json: bool
) -> None:
    """Ask one question and show its answer, as text or as a JSON document of the whole message.

    Raises:
        OnlySqError: If there is no complete answer; what arrived of it is shown.
        OSError: If it cannot be written.
    """
    messages = [*_system_message(system), HumanMessage(content)]
    if as_json:
        screen.wait(f"waiting for {llm.model}")
        screen.document(llm.invoke(messages).model_dump())
    else:
        _stream_answer(llm, screen, messages, llm.model)


class Conversation:
    """Questions typed at a prompt, each sent with what was said before.

    Args:
        llm: The model.
        screen: Where lines are read and answers shown.
        system: Text of the system message, if any; `/clear` keeps it.
    """

    def __init__(self, llm: ChatOnlySq, screen: Screen, system: str | None) -> None:
        self._llm = llm
        self._screen = screen
        self._model = llm.model
        self._system = _system_message(system)
        self._history: list[BaseMessage] = []

    def run(self) -> None:
        """Answer questions until the user quits.

        Raises:
            KeyboardInterrupt: At Ctrl-C at the prompt.
            OSError: If an answer cannot be written.
        """
        if self._screen.out_is_terminal:
            with suppress(ImportError):
                # Gives `input` its line editing; it may write to stdout at once.
                import readline  # noqa: F401
        self._screen.note(f"{self._model}; type /help for commands")
        for line in self._lines():
            if line.startswith("/"):
                self._run_command(line)
            elif line.strip():
                self._ask(line)

    def _lines(self) -> Iterator[str]:
        """Read lines until Ctrl-D or `/quit`."""
        while True:
            try:
                line = self._screen.ask("> ")
            except EOFError:
                self._screen.note("")  # ends the prompt's line
                return
            if line.rstrip() == "/quit":
                return
            yield line

    def _run_command(self, line: str) -> None:
        match line.split(maxsplit=1):
            case ["/clear"]:
                self._history.clear()
                self._screen.note("conversation cleared")
            case ["/model", *ids]:
                self._model = "".join(ids).strip() or self._model
                self._screen.note(self._model)
            case ["/help"]:
                for text in _HELP:
                    self._screen.note(text)
            case _:
                self._screen.note(f"unknown command: {line}; type /help for commands")

    def _ask(self, question: str) -> None:
        """Ask, and keep the question and its answer; neither if there is no complete answer."""
        messages = [*self._system, *self._history, HumanMessage(question)]
        try:
            text = _stream_answer(self._llm, self._screen, messages, self._model)
        except KeyboardInterrupt:
            self._screen.interrupt()
            self._screen.note("stopped; the question and its answer are not kept")
        except OnlySqError as error:
            self._screen.note(describe_error(error), "red")
        else:
            self._history += [HumanMessage(question), AIMessage(text)]


def _system_message(text: str | None) -> list[BaseMessage]:
    return [SystemMessage(text)] if text else []


def _stream_answer(llm: ChatOnlySq, screen: Screen, messages: list[BaseMessage], model: str) -> str:
    """Show an answer as it arrives, then its usage; return its text."""
    pieces: list[str] = []
    metadata: dict[str, Any] = {}
    usage: UsageMetadata | None = None
    screen.wait(f"waiting for {model}")
    for chunk in llm.stream(messages, model=model):
        screen.reasoning(chunk.additional_kwargs.get("reasoning_content", ""))
        screen.text(chunk.text)
        pieces.append(chunk.text)
        metadata |= chunk.response_metadata
        usage = chunk.usage_metadata or usage
    text = "".join(pieces)
    if not text:
        msg = "The answer has no text. Ask again, or try another model."
        raise OnlySqEmptyResponseError(msg, model=model)
    screen.note(usage_line(metadata.get("model_name", model), metadata.get("finish_reason"), usage))
    return text
