"""The command line: one answer, a conversation, or the catalogue; on a terminal or in a pipe.

In: arguments and stdin. Out: an answer on stdout, everything else on stderr, an exit status.
Imports LangChain only once something is to be sent, so that `--help` is quick.
"""

from langchain_onlysq.cli.main import main

__all__ = ["main"]
