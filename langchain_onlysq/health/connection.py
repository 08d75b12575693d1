"""What is known of the way to the service: proxy, address, certificate. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from langchain_onlysq.errors.wording import without_settings
from langchain_onlysq.health.report import CheckResult
from langchain_onlysq.settings.proxies import proxy_in_use

if TYPE_CHECKING:
    from langchain_onlysq.errors import OnlySqError
    from langchain_onlysq.health.recording import Recording

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def proxy_result(base_url: str, *, trusts_environment: bool) -> CheckResult:
    """Tell which proxy the environment names for an address, without its password."""
    proxy = proxy_in_use(base_url) if trusts_environment else None
    if proxy is None:
        return CheckResult(name="proxy", status="ok", detail="none")
    shown = {"url": proxy.address, "named_by": proxy.named_by}
    detail = f"{proxy.address}, from {proxy.named_by}"
    return CheckResult(name="proxy", status="ok", detail=detail, data=shown)


def address_result(base_url: str, recording: Recording) -> CheckResult:
    """Tell who answered, and with which certificate."""
    data: dict[str, Any] = {"peer": recording.peer, "tls": recording.tls}
    said = [f"{base_url} answers", *([f"from {recording.peer}"] if recording.peer else [])]
    if recording.tls:
        said.append(_certificate(recording.tls))
    parts = urlsplit(base_url)
    is_open = parts.scheme == "http" and parts.hostname not in _LOOPBACK
    return CheckResult(
        name="address",
        status="unclear" if is_open else "ok",
        detail=", ".join([*said, *(["not encrypted"] if is_open else [])]),
        advice="Everybody on the way can read the key: use https." if is_open else "",
        data=data,
    )


def _certificate(tls: dict[str, Any]) -> str:
    certificate = tls["certificate"]
    names = {name: value for part in certificate.get("issuer", ()) for name, value in part}
    issuer = names.get("organizationName") or names.get("commonName")
    if not issuer:
        return f"{tls['version']}, certificate not checked"
    return f"{tls['version']}, certificate of {issuer} until {certificate['notAfter']}"


def no_address(base_url: str, error: OnlySqError) -> CheckResult:
    """Tell why there was no answer at all."""
    untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
    advice = (
        "The certificate is not trusted. If a company or an antivirus program reads along, name "
        "its certificate in SSL_CERT_FILE."
    )
    return CheckResult(
        name="address",
        status="failed",
        detail=f"{base_url}: {without_settings(str(error))}",
        advice=advice if untrusted else "",
    )
