"""TLS with a certificate made here."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.ingest_api.running import FAST, Running, event, wait_for_rows
from tests.ingest_api.test_service import refused_start


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds ``cert.pem``, its ``key.pem``, and an ``other.pem`` that is not its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ecomind test")])
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    locked = serialization.BestAvailableEncryption(b"secret")
    other = ec.generate_private_key(ec.SECP256R1())
    for file, written, lock in (
        ("key.pem", key, plain),
        ("locked.pem", key, locked),
        ("other.pem", other, plain),
    ):
        form = serialization.PrivateFormat.PKCS8
        pem = written.private_bytes(serialization.Encoding.PEM, form, lock)
        (folder / file).write_bytes(pem)
    return folder


def with_tls(home: Path, cert: Path, key: Path, **environment: str) -> Running:
    running = Running(
        home,
        ECOMIND_INGEST_TLS_CERT_FILE=str(cert),
        ECOMIND_INGEST_TLS_KEY_FILE=str(key),
        **environment,
    )
    running.url = running.url.replace("http:", "https:")
    return running


@pytest.fixture(scope="module", params=["1", "2"], ids=["alone", "two-workers"])
def running(
    tmp_path_factory: pytest.TempPathFactory, folder: Path, request: pytest.FixtureRequest
) -> Iterator[Running]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    home = tmp_path_factory.mktemp("home")
    service = with_tls(home, cert, key, ECOMIND_INGEST_WORKERS=request.param, **FAST)
    service.client.close()
    service.client = httpx.Client(
        base_url=service.url, timeout=30, verify=ssl.create_default_context(cafile=cert)
    )
    yield service.start()
    service.close()


def test_events_come_in_over_tls_and_nothing_else_does(running: Running, folder: Path) -> None:
    key = running.key("acme")
    assert running.post("/v1/events", key, json=event("safe")).status_code == 202
    wait_for_rows(running.home, "events", {"safe"})
    deadline = time.monotonic() + 30
    while f"EcoMind ingest is ready on {running.url}\n" not in running.output.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(httpx.TransportError):
        httpx.get(running.url.replace("https:", "http:") + "/livez")
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(f"{running.url}/livez")


@pytest.mark.parametrize("protocol", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(
    running: Running, folder: Path, protocol: ssl.TLSVersion
) -> None:
    context = ssl.create_default_context(cafile=folder / "cert.pem")
    context.minimum_version = context.maximum_version = protocol
    with (
        socket.create_connection(("127.0.0.1", running.port)) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as safe,
    ):
        assert safe.version() == protocol.name.replace("_", ".")


def test_older_tls_is_refused(running: Running, folder: Path) -> None:
    context = ssl.create_default_context(cafile=folder / "cert.pem")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", running.port)) as plain, pytest.raises(OSError):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


@pytest.mark.parametrize(
    ("cert", "key", "told"),
    [
        ("cert.pem", "", "TLS needs both files; set ECOMIND_INGEST_TLS_KEY_FILE"),
        ("", "key.pem", "TLS needs both files; set ECOMIND_INGEST_TLS_CERT_FILE"),
        ("absent.pem", "key.pem", "cannot read ECOMIND_INGEST_TLS_CERT_FILE"),
        ("cert.pem", "other.pem", "are not a PEM certificate and its key"),
        ("cert.pem", "locked.pem", "are not a PEM certificate and its key"),
        ("key.pem", "key.pem", "are not a PEM certificate and its key"),
    ],
)
def test_files_that_cannot_be_used_are_told_in_a_sentence(
    tmp_path: Path, folder: Path, cert: str, key: str, told: str
) -> None:
    service = Running(
        tmp_path,
        ECOMIND_INGEST_TLS_CERT_FILE=str(folder / cert) if cert else "",
        ECOMIND_INGEST_TLS_KEY_FILE=str(folder / key) if key else "",
    )
    assert told in refused_start(service)
    service.close()
