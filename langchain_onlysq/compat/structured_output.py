"""Where 0.1.0 had the parser of structured output."""

from langchain_onlysq.outputs.structured_output import StructuredOutputParser, _JudgesRaw

__all__ = ["StructuredOutputParser", "_JudgesRaw"]
