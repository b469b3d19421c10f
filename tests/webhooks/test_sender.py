"""One attempt over the network: bounded, pinned to a judged address, and never led astray."""

import asyncio
import datetime as dt
import gzip
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.webhooks import connections
from app.webhooks.addresses import Address, RefusedAddressError
from app.webhooks.answer import Answer
from app.webhooks.resolver import Resolve, permitted
from app.webhooks.sender import EXCERPT, HttpSender
from tests.webhooks import receivers
from tests.webhooks.receivers import Behaviour, Receiver, receiver, status

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
HEADERS = {"content-type": "application/json", "webhook-id": "msg_1"}


@asynccontextmanager
async def _sender(
    *,
    allow: Sequence[object] = LOOPBACK,
    timeout: float = 5,  # noqa: ASYNC109 - the sender's own
    resolve: Resolve | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncIterator[HttpSender]:
    options = {} if resolve is None else {"resolve": resolve}
    made = HttpSender(allow=allow, timeout=timeout, ssl_context=ssl_context, **options)  # type: ignore[arg-type] # options of two kinds
    yield made
    await made.close()


async def _sent(*behaviours: Behaviour, timeout: float = 5) -> tuple[Answer, Receiver]:  # noqa: ASYNC109 - the sender's own
    async with receiver(*behaviours) as at, _sender(timeout=timeout) as sender:
        return await sender.send(at.url, HEADERS, b'{"a": 1}'), at


def _resolving(*answers: Sequence[str]) -> Resolve:
    """A name server that gives each of these answers once, and the last for ever."""
    left = list(answers)

    async def resolve(_: str) -> list[Address]:
        answer = left.pop(0) if len(left) > 1 else left[0]
        return [ip_address(one) for one in answer]

    return resolve


async def test_the_body_and_headers_arrive_as_given() -> None:
    answer, at = await _sent(status(200, "Retry-After: 7", body="được".encode()))
    assert answer.is_success
    assert (answer.status, answer.error, answer.excerpt, answer.retry_after) == (200, None, "được", "7")
    (request,) = at.requests
    assert request.body == b'{"a": 1}'
    assert request.headers | HEADERS == request.headers
    assert "accept-encoding" not in request.headers


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
async def test_any_2xx_is_a_success(code: int) -> None:
    assert (await _sent(status(code)))[0].is_success


@pytest.mark.parametrize("code", [300, 304, 400, 404, 410, 429, 500, 503, 599])
async def test_nothing_else_is(code: int) -> None:
    answer, _ = await _sent(status(code))
    assert (answer.status, answer.error, answer.is_success) == (code, None, False)


async def test_a_redirect_is_not_followed() -> None:
    async with receiver() as other:
        answer, _ = await _sent(status(307, f"Location: {other.url}"))
        assert answer.status == 307
        assert not answer.is_success
        assert not other.requests


async def test_a_receiver_that_hangs_is_given_up() -> None:
    answer, _ = await _sent(receivers.hang, timeout=0.2)
    assert (answer.status, answer.error) == (None, "timeout")
    assert answer.duration_ms >= 200


async def test_a_receiver_that_trickles_is_given_up_as_well() -> None:
    answer, _ = await _sent(receivers.trickle, timeout=0.3)
    assert (answer.status, answer.error, answer.is_success) == (200, "timeout", False)
    assert answer.excerpt.startswith("..")


@pytest.mark.parametrize(
    "behaviour", [receivers.close_early, receivers.close_inside, receivers.flood_headers]
)
async def test_an_answer_that_is_none_is_told(behaviour: Behaviour) -> None:
    answer, _ = await _sent(behaviour)
    assert (answer.error, answer.is_success) == ("closed", False)


async def test_of_a_huge_answer_two_kilobytes_are_read_and_the_connection_is_closed() -> None:
    async with receiver(receivers.flood, status(204)) as at, _sender() as sender:
        answer = await sender.send(at.url, HEADERS, b"{}")
        assert answer.is_success
        assert answer.excerpt == "x" * EXCERPT
        assert (await sender.send(at.url, HEADERS, b"{}")).is_success
        assert at.connections == 2


async def test_of_a_trickling_answer_most_bytes_are_read_in_gulps(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0

    async def counted(stream: connections._Gulping, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        nonlocal reads
        reads += 1
        return await read(stream, max_bytes, timeout)

    read = connections._Gulping.read
    monkeypatch.setattr(connections._Gulping, "read", counted)
    answer, _ = await _sent(receivers.trickle, timeout=1)
    assert len(answer.excerpt) > 2 * reads


async def test_a_compressed_answer_is_not_unpacked() -> None:
    packed = gzip.compress(b"\0" * 10_000_000)
    answer, _ = await _sent(status(200, "Content-Encoding: gzip", body=packed))
    assert len(answer.excerpt) <= EXCERPT
    assert "\0" not in answer.excerpt


async def test_a_connection_is_used_again() -> None:
    async with receiver(status(200, body=b"ok")) as at, _sender() as sender:
        for _ in range(5):
            assert (await sender.send(at.url, HEADERS, b"{}")).is_success
        assert at.connections == 1


async def test_a_proxy_of_the_environment_is_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await _sent())[0].is_success


async def test_nobody_listening_is_told() -> None:
    async with receiver() as at:
        url = at.url
    async with _sender() as sender:
        assert (await sender.send(url, HEADERS, b"{}")).error == "connect"


async def test_without_a_listed_network_loopback_is_never_reached() -> None:
    async with receiver() as at, _sender(allow=[]) as sender:
        for url in (at.url, at.url.replace("http:", "https:"), at.url.replace("127.0.0.1", "localhost")):
            assert (await sender.send(url, HEADERS, b"{}")).error == "address_refused"
        assert at.connections == 0


async def test_a_name_that_changes_its_address_after_registration_is_refused_at_the_connection() -> None:
    resolve = _resolving(["93.184.216.34"], ["127.0.0.1"])
    async with receiver() as at, _sender(allow=[], resolve=resolve) as sender:
        await permitted("rebind.test", plain=False, allow=[], resolve=resolve)  # as registration does
        url = at.url.replace("http://127.0.0.1", "https://rebind.test")
        assert (await sender.send(url, HEADERS, b"{}")).error == "address_refused"
        assert at.connections == 0
    with pytest.raises(RefusedAddressError):
        await permitted("rebind.test", plain=False, allow=[], resolve=resolve)


async def test_a_name_with_one_internal_address_among_others_is_refused() -> None:
    async with _sender(allow=[], resolve=_resolving(["93.184.216.34", "10.0.0.1"])) as sender:
        assert (await sender.send("https://mixed.test/", HEADERS, b"{}")).error == "address_refused"


async def test_what_was_judged_is_what_is_connected_to() -> None:
    # Only our resolver knows this name: had anything else looked it up again, there would be no connection.
    async with receiver() as at, _sender(resolve=_resolving(["::1", "127.0.0.1"])) as sender:
        url = at.url.replace("127.0.0.1", "pinned.test")
        assert (await sender.send(url, HEADERS, b"{}")).is_success
        assert at.requests[0].headers["host"] == url.removeprefix("http://").removesuffix("/hook")


async def test_an_unknown_name_is_told() -> None:
    async def nobody(_: str) -> list[Address]:
        raise OSError

    async with _sender(resolve=nobody) as sender:
        assert (await sender.send("https://nobody.test/", HEADERS, b"{}")).error == "name_unknown"


async def test_a_name_server_that_hangs_counts_into_the_timeout() -> None:
    async def hanging(_: str) -> list[Address]:
        await asyncio.Event().wait()
        return []

    async with _sender(timeout=0.2, resolve=hanging) as sender:
        assert (await sender.send("https://slow.test/", HEADERS, b"{}")).error == "timeout"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A receiver's and a sender's context: a certificate for receiver.test alone, and trust in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    both: Path = tmp_path_factory.mktemp("tls") / "both.pem"
    both.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(both)
    return serving, ssl.create_default_context(cafile=str(both))


async def test_the_certificate_is_checked_for_the_name_and_not_for_the_address(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    serving, trusting = tls
    async with (
        receiver(tls=serving) as at,
        _sender(resolve=_resolving(["127.0.0.1"]), ssl_context=trusting) as sender,
    ):
        url = at.url.replace("127.0.0.1", "receiver.test")
        assert (await sender.send(url, HEADERS, b"{}")).is_success
        # The same address under another name gets a connection, and so a check, of its own.
        assert (await sender.send(url.replace("receiver", "other"), HEADERS, b"{}")).error == "tls"
        assert (await sender.send(at.url, HEADERS, b"{}")).error == "tls"
        assert len(at.requests) == 1


async def test_a_handshake_that_hangs_is_given_up_and_its_connection_closed() -> None:
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side closes
        ended.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server, _sender(timeout=0.2) as sender:
        port = server.sockets[0].getsockname()[1]
        assert (await sender.send(f"https://127.0.0.1:{port}/", HEADERS, b"{}")).error == "timeout"
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_certificate_of_nobody_we_trust_is_refused(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with receiver(tls=tls[0]) as at, _sender(resolve=_resolving(["127.0.0.1"])) as sender:
        url = at.url.replace("127.0.0.1", "receiver.test")
        assert (await sender.send(url, HEADERS, b"{}")).error == "tls"
        assert not at.requests


async def test_connections_that_have_expired_are_closed_however_many_look_for_one_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_KEPT_SECONDS", 0.05)

    async def together(at: Receiver, sender: HttpSender) -> list[int | None]:
        sent = (sender.send(at.url, HEADERS, b"{}") for _ in range(12))
        return [answer.status for answer in await asyncio.gather(*sent)]

    async with receiver() as at, _sender() as sender:
        assert await together(at, sender) == [204] * 12
        await asyncio.sleep(0.1)
        assert await together(at, sender) == [204] * 12
        assert at.connections > 12
