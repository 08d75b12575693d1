"""The command line: an answer, a conversation, or the catalogue, on a terminal or in a pipe.

Nothing here loads LangChain before something is to be sent: `--help` is to be quick.
"""

from langchain_onlysq.cli.command import main

__all__ = ["main"]
