"""What tools cost in the prompt, in estimated tokens (four characters to a token)."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import tool

from langchain_onlysq import ChatOnlySq


def numbered(number: int) -> Any:
    @tool(f"tool_{number}")
    def do(query: str, limit: int = 10) -> str:
        """Look something up and return the first results."""
        return query * limit

    return do


def main() -> None:
    llm = ChatOnlySq(model="gpt-4o-mini")
    print("tools  tokens in the prompt")
    for count in (1, 2, 5, 10, 30):
        tools = [numbered(number) for number in range(count)]
        keywords: dict[str, Any] = dict(llm.bind_tools(tools).kwargs)  # type: ignore[attr-defined] # a binding
        messages = llm._get_request_payload("Hi", **keywords)["request"]["messages"]  # noqa: SLF001 - the body is the subject
        print(f"{count:5}  {llm.get_num_tokens(messages[0]['content']):20}")


if __name__ == "__main__":
    main()
