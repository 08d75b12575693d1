"""A conversation on the terminal."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langchain_onlysq.cli.answers import stream_answer
from langchain_onlysq.cli.failures import describe
from langchain_onlysq.errors import OnlySqError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_onlysq.chat_models import ChatOnlySq
    from langchain_onlysq.cli.screen import Screen

_PROMPT = "> "
_HELP = (
    "/model [ID]: show the model, or go on with another one",
    "/clear: forget what was said",
    "/quit: end, as Ctrl-D does",
    "Ctrl-C stops an answer. A question that starts with a slash needs a blank before it.",
)


class Conversation:
    """Questions and answers, each with what was said before.

    Args:
        llm: The model object.
        screen: Where the answers go.
        model: Model id to begin with.
        system: The system message, if any; it is never forgotten.
    """

    def __init__(
        self, llm: ChatOnlySq, screen: Screen, model: str, system: Sequence[BaseMessage]
    ) -> None:
        self._llm = llm
        self._screen = screen
        self._model = model
        self._system = system
        self._said: list[BaseMessage] = []

    def run(self) -> None:
        """Talk until the user ends it.

        Raises:
            KeyboardInterrupt: At Ctrl-C where a question is awaited.
            OSError: If an answer cannot be written.
        """
        if self._screen.is_shown:
            with suppress(ImportError):
                # Gives `input` its line editing; it may write to stdout at once.
                import readline  # noqa: F401
        self._screen.note(f"{self._model}; /help tells the commands")
        while (line := self._read()) is not None:
            if not line.startswith("/"):
                self._ask(line)
            elif not self._obey(line):
                return

    def _read(self) -> str | None:
        try:
            return self._screen.ask(_PROMPT)
        except EOFError:
            self._screen.note("")  # the prompt's line ends
            return None

    def _obey(self, line: str) -> bool:
        """Carry out a command; return whether the conversation goes on."""
        match line.split(maxsplit=1):
            case ["/quit"]:
                return False
            case ["/clear"]:
                self._said.clear()
                self._screen.note("forgotten")
            case ["/model", *others]:
                self._model = "".join(others).strip() or self._model
                self._screen.note(self._model)
            case ["/help"]:
                for text in _HELP:
                    self._screen.note(text)
            case _:
                self._screen.note(f"no such command: {line}; /help tells them")
        return True

    def _ask(self, question: str) -> None:
        """Ask, and remember the question and its answer; if that fails, neither."""
        if not question.strip():
            return
        messages = [*self._system, *self._said, HumanMessage(question)]
        try:
            text = stream_answer(self._llm, messages, self._model, self._screen)
        except KeyboardInterrupt:
            self._screen.interrupt()
            self._screen.note("stopped: the question and its answer are forgotten")
        except OnlySqError as error:
            self._screen.note(describe(error), "red")
        else:
            self._said += [HumanMessage(question), AIMessage(text)]
