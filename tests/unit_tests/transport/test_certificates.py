"""Which certificates are trusted, over real TLS, with either library."""

from __future__ import annotations

import shutil
import ssl
from typing import TYPE_CHECKING, Any

import certifi
import pytest

from langchain_onlysq import ChatOnlySq, OnlySqConnectionError
from langchain_onlysq.transport import certificates, clients
from langchain_onlysq.transport.certificates import ssl_context
from tests.support.four_ways import WAYS, run
from tests.support.tls import TlsServer, tls_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.sockets


@pytest.fixture(scope="module")
def secure() -> Iterator[TlsServer]:
    with tls_server() as server:
        yield server


@pytest.fixture(autouse=True, params=["httpx", "httpx2"])
def _library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = pytest.importorskip(request.param)
    monkeypatch.setattr(clients, "http", lambda: chosen)
    monkeypatch.setattr(certificates, "_contexts", {})
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def ask(server: TlsServer, way: str = "invoke", **fields: Any) -> Any:
    with ChatOnlySq(model="m", base_url=server.base_url, max_retries=0, **fields) as llm:
        return run(way, llm)


@pytest.mark.parametrize("way", WAYS)
def test_an_unknown_authority_is_refused(way: str, secure: TlsServer) -> None:
    error = ask(secure, way).failure
    assert type(error) is OnlySqConnectionError
    assert "certificate" in str(error).lower()


@pytest.mark.parametrize("way", WAYS)
def test_verify_names_a_file_or_a_context_or_nothing(
    way: str, secure: TlsServer, tmp_path: Path
) -> None:
    file = secure.write_authority(tmp_path)
    context = ssl.create_default_context(cafile=str(file))
    for verify in (str(file), context, False):
        assert ask(secure, way, verify=verify).answer.content == "Behind TLS."


def test_a_variable_names_a_file(
    secure: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secure.write_authority(tmp_path)))
    assert ask(secure).answer.content == "Behind TLS."
    assert not ask(secure, verify=certifi.where()).message


def test_a_variable_names_a_folder(
    secure: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = secure.write_authority(tmp_path)
    # OpenSSL finds certificates in a folder by the hash of their subject.
    (folder := tmp_path / "folder").mkdir()
    for number in hashes(file):
        shutil.copy(file, folder / f"{number:08x}.0")
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    assert ask(secure).answer.content == "Behind TLS."
    assert ask(secure, verify=str(folder)).answer.content == "Behind TLS."


def hashes(file: Path) -> list[int]:
    """Return the hash of a certificate's subject, as OpenSSL computes it."""
    from hashlib import sha1

    from cryptography import x509

    subject = x509.load_pem_x509_certificate(file.read_bytes()).subject
    # The canonical form: lowercase UTF-8 strings, without the outer sequence.
    canonical = b""
    for attribute in subject:
        oid = x509.Name([attribute]).public_bytes()
        value = str(attribute.value).lower().encode()
        oid_der = oid[oid.index(b"\x06") : oid.index(b"\x06") + 2 + oid[oid.index(b"\x06") + 1]]
        text = b"\x0c" + bytes([len(value)]) + value
        pair = b"\x30" + bytes([len(oid_der) + len(text)]) + oid_der + text
        canonical += b"\x31" + bytes([len(pair)]) + pair
    return [int.from_bytes(sha1(canonical).digest()[:4], "little")]  # noqa: S324 - OpenSSL's


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_variable_that_names_nothing_is_an_error(
    variable: str, secure: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "/nowhere")
    error = ask(secure).failure
    assert type(error) is OnlySqConnectionError
    assert variable in str(error)


def test_the_systems_certificates_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_has_authorities", lambda _: True)
    context = ssl_context(verify=True)
    assert context.cert_store_stats() == ssl.create_default_context().cert_store_stats()


def test_where_the_system_has_none_those_of_certifi_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def bare(*, cafile: str | None = None, capath: str | None = None) -> ssl.SSLContext:
        assert (cafile, capath) == (None, None)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    paths = ssl.get_default_verify_paths()._replace(capath="")
    monkeypatch.setattr(ssl, "create_default_context", bare)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    assert ssl_context(verify=True).cert_store_stats()["x509_ca"] > 50


def test_a_folder_of_the_system_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    paths = ssl.get_default_verify_paths()._replace(capath=str(tmp_path))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    assert not certificates._has_authorities(empty)
    (tmp_path / "0a1b2c3d.0").touch()
    assert certificates._has_authorities(empty)


def test_there_is_one_context_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ssl_context(verify=True) is ssl_context(verify=True)
    assert ssl_context(verify=False) is ssl_context(verify=False)
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    assert ssl_context(verify=True) is not ssl_context(verify=False)


@pytest.mark.parametrize("name", ["a\0b", "\ud83d"], ids=ascii)
def test_a_name_that_no_file_can_have_is_a_clear_error(name: str, secure: TlsServer) -> None:
    error = ask(secure, verify=name).failure
    assert type(error) is OnlySqConnectionError
    assert "cannot be loaded" in str(error)
