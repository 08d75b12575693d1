"""`python -m langchain_onlysq`: the command line."""

import sys

from langchain_onlysq.cli import main

if __name__ == "__main__":
    sys.exit(main())
