"""What is known of the way to the service: proxy, address, certificate. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from langchain_onlysq.health.report import CheckResult

if TYPE_CHECKING:
    from langchain_onlysq.errors import OnlySqError
    from langchain_onlysq.health.recording import Recording

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def proxy_result(base_url: str, *, trusts_environment: bool) -> CheckResult:
    """Tell which proxy the environment names for an address, without its password."""
    parts = urlsplit(base_url)
    proxies = getproxies() if trusts_environment else {}
    url = proxies.get(parts.scheme) or proxies.get("all")
    if not url or proxy_bypass(parts.hostname or ""):
        return CheckResult(name="proxy", status="ok", detail="none")
    proxy = urlsplit(url if "://" in url else f"http://{url}")
    shown = f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}"
    return CheckResult(
        name="proxy", status="ok", detail=f"{shown}, from the environment", data={"url": shown}
    )


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
        detail=f"{base_url}: {error}",
        advice=advice if untrusted else "",
    )
