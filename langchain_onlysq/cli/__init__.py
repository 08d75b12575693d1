"""The command line: an answer, a conversation, or the catalogue, on a terminal or in a pipe.

In: arguments and stdin. Out: an answer on stdout, everything else on stderr, an exit status.
Imports LangChain only where something is to be sent: `--help` is quick.
"""

from langchain_onlysq.cli.command import main

__all__ = ["main"]
