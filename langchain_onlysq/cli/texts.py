"""Texts that are safe to show. Pure."""

_SAFE = {ord("\n"): "\n", ord("\t"): "\t", ord("\r"): ""}
_UNSAFE = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\N{REPLACEMENT CHARACTER}") | _SAFE


def clean(text: str) -> str:
    """Take out what would command a terminal: control characters but line ends and tabs."""
    return text.translate(_UNSAFE)


def one_line(text: str) -> str:
    """Return a text as one line that is safe to show."""
    return clean(" ".join(text.split()))
