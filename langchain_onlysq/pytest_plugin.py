"""The pytest plugin, which pytest finds by itself where this package is installed."""

from langchain_onlysq.testing.fixture import local_onlysq

__all__ = ["local_onlysq"]
