"""Which certificates are trusted: one TLS context for all clients with the same ones."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from langchain_onlysq.errors import OnlySqConnectionError
from langchain_onlysq.settings.loading import loading

Verify = ssl.SSLContext | str | bool
"""True for the usual authorities, False for none, a file or folder, or a context."""

_FILE, _FOLDER = "SSL_CERT_FILE", "SSL_CERT_DIR"

_contexts: dict[tuple[Verify, str | None, str | None], ssl.SSLContext] = {}


def ssl_context(verify: Verify) -> ssl.SSLContext:
    """Return the one context that all clients with these certificates share.

    With True, that is the operating system's certificates, and certifi's where it has none; or
    those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name. Reading them takes milliseconds.

    Raises:
        OnlySqConnectionError: If the certificates cannot be loaded.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    file, folder = os.environ.get(_FILE) or None, os.environ.get(_FOLDER) or None
    key = (verify, file, folder)
    try:
        return _contexts.get(key) or _contexts.setdefault(key, _load(*key))
    except (OSError, ValueError) as error:
        source = f"verify={verify!r}" if isinstance(verify, str) else f"{_FILE} or {_FOLDER}"
        msg = f"The certificates named by {source} cannot be loaded: {error}."
        raise OnlySqConnectionError(msg, code="configuration") from None


def _load(verify: str | bool, file: str | None, folder: str | None) -> ssl.SSLContext:  # noqa: FBT001
    if verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if isinstance(verify, str):
        file, folder = (None, verify) if Path(verify).is_dir() else (verify, None)
    if folder and not Path(folder).is_dir():
        raise NotADirectoryError(folder)
    if file or folder:
        return ssl.create_default_context(cafile=file, capath=folder)
    context = ssl.create_default_context()
    if not _has_authorities(context):
        with loading:
            from certifi import where

        context.load_verify_locations(cafile=where())
    return context


def _has_authorities(context: ssl.SSLContext) -> bool:
    """Whether the operating system brought any certificates, loaded or in a folder."""
    folder = ssl.get_default_verify_paths().capath
    return bool(context.cert_store_stats()["x509_ca"]) or bool(
        folder and any(Path(folder).glob("*.0"))
    )
