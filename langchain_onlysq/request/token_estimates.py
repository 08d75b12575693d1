"""How many tokens a text or a conversation takes, about. Pure, and offline."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
else:
    # LangChain evaluates these annotations; the module of tools is heavy, and a tool is a runnable.
    BaseTool = Runnable


class TokenEstimates:
    """Counts tokens for a chat model."""

    custom_get_token_ids: Callable[[str], list[int]] | None

    def get_num_tokens(self, text: str) -> int:
        """Estimate the tokens of a text, offline: four characters count as one.

        Set `custom_get_token_ids` for a tokenizer of your own.
        """
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return math.ceil(len(text) / 4)

    def get_num_tokens_from_messages(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool] | None = None,
    ) -> int:
        """Estimate the tokens of messages and tools, offline.

        The hundred models have as many tokenizers, so this is an approximation: about four
        characters to a token, and some for each message.
        """
        schemas: list[Any] = [convert_to_openai_tool(tool) for tool in tools or ()]
        return count_tokens_approximately(messages, tools=schemas or None)
