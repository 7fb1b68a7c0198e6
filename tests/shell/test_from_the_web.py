"""``load`` takes a configuration from a web server: all of it, or nothing and a reason."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from shell.person import Person
from shell.web import Asked, serving

from crmsh_py.shell import fetching

SITE = b"primitive web ocf:pacemaker:Dummy\ngroup shop web\n"
WHOLE = (
    b'<configuration><crm_config/><nodes><node id="1" uname="alpha"/></nodes><resources>'
    b'<primitive id="web" class="ocf" provider="pacemaker" type="Dummy"/></resources>'
    b"<constraints/></configuration>"
)


def never_ends(asked: Asked) -> None:
    """One byte, and then nothing any more."""
    asked.gives(b"#", Content_Length="1000")
    asked.done.wait(60)


ANSWERS: dict[str, Callable[[Asked], None]] = {
    "/site.crm": lambda asked: asked.gives(SITE),
    "/a%20b.crm?c=d&e=#f": lambda asked: asked.gives(SITE),
    "/site.xml": lambda asked: asked.gives(WHOLE),
    "/marked": lambda asked: asked.gives(b"\xef\xbb\xbf" + SITE),
    "/moved": lambda asked: asked.gives(b"", code=302, Location="/site.crm"),
    "/away": lambda asked: asked.gives(b"", code=302, Location="file:///etc/passwd"),
    "/round": lambda asked: asked.gives(b"", code=302, Location="/round"),
    "/wrong": lambda asked: asked.gives(SITE + b"primitve x Dummy\n"),
    "/nothing": lambda asked: asked.gives(b""),
    "/latin": lambda asked: asked.gives("# caf\xe9\n".encode("latin-1") + SITE),
    "/missing": lambda asked: asked.gives(b"<h1>no</h1>", code=404),
    "/locked": lambda asked: asked.gives(b"", code=401, WWW_Authenticate="Basic realm=x"),
    "/broken": lambda asked: asked.gives(b"", code=500),
    "/large": lambda asked: asked.gives(b"#" * 2000),
    "/large-unsaid": lambda asked: asked.gives(b"#" * 200_000, Content_Length=""),
    "/cut": lambda asked: asked.gives(SITE, Content_Length="1000"),
    "/cut-chunks": lambda asked: asked.gives(
        b"20\r\n" + SITE[:20], Content_Length="", Transfer_Encoding="chunked"
    ),
    "/no-http": lambda asked: (asked.wfile.write(b"220 mail.example ready\r\n"), None)[1],
    "/page": lambda asked: asked.gives(b"<!DOCTYPE html><html></html>", Content_Type="text/html"),
    "/hung-up": lambda asked: asked.connection.shutdown(socket.SHUT_RDWR),
    "/slow": never_ends,
    "/silent": lambda asked: (asked.done.wait(60), None)[1],
}


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with serving(ANSWERS) as address:
        yield address


@pytest.mark.parametrize("path", ["/site.crm", "/marked", "/moved"])
def test_a_configuration_is_loaded_from_an_address(person: Person, web: str, path: str) -> None:
    assert person.types(f"configure load update {web}{path}") == ""
    assert person.has("shop")
    assert person.has("vip")


@pytest.mark.parametrize("how", ["replace", "push"])
def test_it_may_be_all_that_there_is(person: Person, web: str, how: str) -> None:
    person.types(f"configure load {how} {web}/site.crm")
    assert person.code == 0
    assert person.has("shop")
    assert not person.has("vip")


def test_xml_is_loaded_too(person: Person, web: str) -> None:
    person.types(f"configure load xml replace {web}/site.xml")
    assert person.code == 0
    assert person.has("web")
    assert not person.has("vip")
    said = person.types(f"configure load update {web}/site.xml")
    assert f"load xml update {web}/site.xml" in said


MISHAPS = {
    "/wrong": "/wrong:3",
    "/nothing": "is empty: to load it would remove everything",
    "/latin": "this is no text (UTF-8)",
    "/missing": "the server answers 404 Not Found",
    "/locked": "the server answers 401 Unauthorized",
    "/broken": "the server answers 500 Internal Server Error",
    "/away": "the server sends one on (302) to where nothing can be read",
    "/round": "the server sends one on (302) to where nothing can be read",
    "/cut": "the server has sent 49 of 1000 bytes",
    "/cut-chunks": "the server has ended before the text does",
    "/hung-up": "the server has hung up",
    "/no-http": "what answers is no web server",
    "/page": "this is a page for people",
}


@pytest.mark.parametrize("path", MISHAPS)
def test_what_goes_wrong_is_told_and_nothing_is_changed(
    person: Person, web: str, path: str
) -> None:
    before = person.file.read_bytes()
    said = person.types(f"configure load replace {web}{path}")
    assert person.code != 0
    assert f"{web}{path}" in said
    assert MISHAPS[path] in said
    assert person.file.read_bytes() == before


def test_more_than_a_configuration_can_be_is_not_read(
    person: Person, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmsh_py.shell.files.MAX_FILE", 1000)
    for path in ("/large", "/large-unsaid"):
        assert "larger than" in person.types(f"configure load update {web}{path}")
        assert person.code != 0


def test_a_server_that_says_nothing_is_given_up(
    person: Person, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SILENCE_S", 0.05)
    for path in ("/silent", "/slow"):
        said = person.types(f"configure load update {web}{path}")
        assert "the server has said nothing for" in said
        assert person.code != 0


def test_a_server_that_never_ends_is_given_up(
    person: Person, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece comes in time, but all of them together do not."""
    monkeypatch.setattr(fetching, "WHOLE_S", 0.0)
    assert "the server has not ended after" in person.types(f"configure load update {web}/slow")


def test_nobody_answers(person: Person) -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        said = person.types(f"configure load update http://127.0.0.1:{port}/x")
    assert f"http://127.0.0.1:{port}/x cannot be read: Connection refused; nothing was chan" in said


@pytest.mark.parametrize(
    "address", ["http://", "http://[::1/x", "http://h:port/x", "http://127.0.0.1/\u00e9"]
)
def test_an_address_that_is_none_is_told(person: Person, address: str) -> None:
    said = person.types(f"configure load update {address}")
    assert f"“{address}” is no address" in said
    assert person.code != 0


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that only who has this file believes, with its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(pem)
    )
    return path


def test_https_is_believed_only_with_a_certificate(
    person: Person, certificate: Path, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secured.load_cert_chain(certificate)
    with serving(ANSWERS, secured) as address:
        said = person.types(f"configure load update {address}/site.crm")
        assert "its certificate is not believed" in said
        assert not person.has("shop")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert person.types(f"configure load update {address}/site.crm") == ""
        assert person.has("shop")
    said = person.types(f"configure load update {web.replace('http', 'https')}/site.crm")
    assert "what answers does not speak https" in said
