"""Where 0.1.0 had the HTTP clients of a model."""

from langchain_onlysq.transport.clients import Clients as Connections

__all__ = ["Connections"]
