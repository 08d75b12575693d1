"""What is sent: a question, those of a conversation, a request for the catalogue, a check."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.messages.ai import add_ai_message_chunks
from pydantic import ValidationError

from langchain_onlysq.chat_models import ChatOnlySq
from langchain_onlysq.cli.arguments import UsageError
from langchain_onlysq.cli.formatting import (
    check_line,
    describe_error,
    in_flags,
    model_rows,
    usage_line,
)
from langchain_onlysq.errors import OnlySqEmptyResponseError, OnlySqError
from langchain_onlysq.errors.bodies import excerpt
from langchain_onlysq.errors.classify import UNKNOWN_MODEL_HINT
from langchain_onlysq.errors.near_ids import did_you_mean
from langchain_onlysq.errors.wording import without_settings
from langchain_onlysq.response.refusals import why_no_text
from langchain_onlysq.settings.call_options import CallOptions, describe
from langchain_onlysq.settings.http_library import http
from langchain_onlysq.settings.service import PUBLIC_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from langchain_onlysq.cli.arguments import Arguments
    from langchain_onlysq.cli.question import Content
    from langchain_onlysq.cli.ui import Screen
    from langchain_onlysq.health.report import CheckResult
    from langchain_onlysq.models.entries import OnlySqModel

_HELP = (
    "/model [ID]: show the model, or switch to another one",
    "/models: list the available models",
    "/clear: clear the conversation",
    "/quit: quit; exit, quit and Ctrl-D do the same",
    "Ctrl-C stops an answer, or clears the line; on an empty line it quits.",
    "If a question starts with a slash, type a space before it.",
)
_QUIT = frozenset({"quit", "exit"})
_KEPT = "what came of the answer is kept"
_CATALOGUE_SECONDS = 5.0
"""How long the ids that are near to a wrong one are waited for."""


@contextmanager
def open_model(arguments: Arguments) -> Iterator[ChatOnlySq]:
    """Open the model that the arguments describe.

    Raises:
        UsageError: If a setting is not valid, or the local server cannot be started.
    """
    with ExitStack() as stack:
        fields = {
            "model": arguments.model,
            "endpoint": arguments.endpoint or "v2",
            # v0, whatever the environment says: the output is always of one form.
            "output_version": "v0",
            **_options(arguments),
            **(_local_server(stack) if arguments.local else {}),
        }
        with _as_wrong_usage():
            llm = ChatOnlySq(**fields)
        yield stack.enter_context(llm)


def _options(arguments: Arguments) -> dict[str, Any]:
    """Return the options; only those that a call may have are options here."""
    options, known = arguments.options, [*CallOptions.model_fields]
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            msg = f"-o {name}: there is no such option{meant}"
            raise UsageError(msg)
    return options


@contextmanager
def _as_wrong_usage() -> Iterator[None]:
    """Report settings that are not valid as wrong usage."""
    try:
        yield
    except ValidationError as error:
        raise UsageError(in_flags(describe(error, _flag))) from None
    except ValueError as error:
        raise UsageError(in_flags(str(error))) from None


def _flag(field: str) -> str:
    """Return what the command line has for a field; "" for what the environment sets."""
    if field.startswith("onlysq_api_"):
        return ""
    return f"--{field}" if field in {"model", "endpoint"} else f"-o {field}"


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
    screen.wait("waiting for the catalogue")
    models = _catalogue(llm)
    if as_json:
        ordered = sorted(models, key=lambda model: model.id)
        screen.document([model.model_dump(mode="json") for model in ordered])
    else:
        screen.table(model_rows(models))


def _catalogue(llm: ChatOnlySq, **fields: Any) -> list[OnlySqModel]:
    from langchain_onlysq.models.catalogue import list_models

    fields |= {"api_key": llm.api_key.get_secret_value(), "http_client": llm.http_client}
    try:
        return list_models(base_url=llm.base_url, **fields)
    except OnlySqError as error:
        error.args = (without_settings(str(error)),)  # no option is for the catalogue
        raise


@contextmanager
def _near_ids_named(llm: ChatOnlySq) -> Iterator[None]:
    """Have an error that speaks of an unknown model name the ids that are near."""
    try:
        yield
    except OnlySqError as error:
        if UNKNOWN_MODEL_HINT in str(error) and "Did you mean" not in str(error):
            with suppress(OnlySqError):
                _catalogue(llm, timeout=_CATALOGUE_SECONDS)
            if near := did_you_mean(llm.base_url, error.model or llm.model):
                error.add_note(near.strip())
        raise


def check_service(arguments: Arguments, screen: Screen) -> bool:
    """Check what works, and show it line by line as it is found, or as a JSON document.

    Returns:
        Whether a plain answer came.

    Raises:
        UsageError: If a setting is not valid, or the local server cannot be started.
        OSError: If it cannot be written.
    """
    from langchain_onlysq.health.run import check

    def show(result: CheckResult) -> None:
        if not arguments.json:
            screen.text(check_line(result))
        screen.wait(f"checking {arguments.model}")

    with ExitStack() as stack:
        fields = _local_server(stack) if arguments.local else {}
        screen.wait(f"checking {arguments.model}")
        with _as_wrong_usage():
            report = check(arguments.model, on_result=show, **fields)
    if arguments.json:
        screen.document({"works": report.works, **report.model_dump(mode="json")})
    else:
        screen.note(report.summary, "dim" if report.works else "red")
    return report.works


def answer(
    llm: ChatOnlySq, screen: Screen, system: str | None, content: Content, *, as_json: bool
) -> None:
    """Ask one question and show its answer, as text or as a JSON document of the whole message.

    Raises:
        OnlySqError: If there is no complete answer; what arrived of it is shown.
        OSError: If it cannot be written.
    """
    messages = [*_system_message(system), HumanMessage(content)]
    if not as_json:
        _stream_answer(llm, screen, messages, llm.model, [])
        return
    screen.wait(f"waiting for {llm.model}")
    with _near_ids_named(llm):
        message = llm.invoke(messages)
    screen.document(message.model_dump())


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
        self._screen.edit_lines()
        self._screen.note(f"{self._model}; type /help for commands")
        for line in self._lines():
            if line.startswith("/"):
                self._run_command(line)
            elif line.strip():
                self._ask(line)

    def _lines(self) -> Iterator[str]:
        """Read lines until Ctrl-D, `/quit`, or Ctrl-C on an empty line."""
        while True:
            try:
                line = self._screen.ask("> ")
            except EOFError:
                self._screen.note("")  # ends the prompt's line
                return
            except KeyboardInterrupt:
                if not self._screen.has_half_a_line():
                    raise
                self._screen.interrupt()
                continue
            # A blank before a slash makes it a question.
            word = line.rstrip() if "/" in line else line.strip()
            if word.lower().removeprefix("/") in _QUIT:
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
            case ["/models"]:
                with self._going_on():
                    show_models(self._llm, self._screen, as_json=False)
            case ["/help"]:
                for text in _HELP:
                    self._screen.note(text)
            case _:
                self._screen.note(f"unknown command: {line}; type /help for commands")

    def _ask(self, question: str) -> None:
        """Ask, and keep the question and what came of its answer, if any text did."""
        chunks: list[AIMessageChunk] = []
        with self._going_on(chunks):
            messages = [*self._system, *self._history, HumanMessage(question)]
            _stream_answer(self._llm, self._screen, messages, self._model, chunks)
        if text := _text_of(chunks):
            self._history += [HumanMessage(question), AIMessage(text)]

    @contextmanager
    def _going_on(self, chunks: Sequence[AIMessageChunk] | None = None) -> Iterator[None]:
        """Have Ctrl-C and errors end what is done, not the conversation.

        Args:
            chunks: What came of the answer that was asked for; None where none was.
        """
        try:
            yield
        except KeyboardInterrupt:
            self._screen.interrupt()
            kept = [] if chunks is None else [_KEPT if _text_of(chunks) else "nothing is kept"]
            self._screen.note("; ".join(["stopped", *kept]))
        except OnlySqError as error:
            self._screen.note(describe_error(error), "red")
            if chunks and _text_of(chunks):
                self._screen.note(_KEPT)


def _text_of(chunks: Sequence[AIMessageChunk]) -> str:
    """Return the text that came; "" where it is blank."""
    text = "".join(chunk.text for chunk in chunks)
    return text if text.strip() else ""


def _system_message(text: str | None) -> list[BaseMessage]:
    return [SystemMessage(text)] if text else []


def _stream_answer(
    llm: ChatOnlySq,
    screen: Screen,
    messages: list[BaseMessage],
    model: str,
    chunks: list[AIMessageChunk],
) -> None:
    """Show an answer as it arrives, then its usage; it is added to `chunks` as it comes."""
    screen.wait(f"waiting for {model}")
    with _near_ids_named(llm):
        for chunk in llm.stream(messages, model=model):
            screen.reasoning(chunk.additional_kwargs.get("reasoning_content", ""))
            chunks.append(chunk)
            screen.text(chunk.text)
    message = add_ai_message_chunks(*chunks)
    missing = None if llm.allow_empty else why_no_text(message, excerpt)
    if missing is not None:
        msg = f"{missing.rstrip('. ')}. Ask again, or try another model."
        raise OnlySqEmptyResponseError(msg, model=model)
    metadata = message.response_metadata
    finish = metadata.get("finish_reason")
    screen.note(usage_line(metadata.get("model_name", model), finish, message.usage_metadata))
