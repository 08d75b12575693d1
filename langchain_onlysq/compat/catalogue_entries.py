"""Where 0.1.0 had the models of the catalogue."""

from langchain_onlysq.models.entries import OnlySqModel

__all__ = ["OnlySqModel"]
