"""No request leaves for the site's own network, whatever the address looks like."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from tests.webhooks.receiver import Receiver
from webapp.common import outbound

#: Ways to write private places that guards have been fooled by.
PRIVATE = [
    "http://127.0.0.1/",
    "http://127.0.0.1:8000/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.255.255.254/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://192.0.0.8/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[2001:db8::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[100::1]/",
]
MALFORMED = [
    "",
    "ftp://8.8.8.8/",
    "file:///etc/passwd",
    "gopher://8.8.8.8/",
    "javascript:alert(1)",
    "//8.8.8.8/",
    "http:///path",
    "http://",
    "http://user@8.8.8.8/",
    "http://user:password@8.8.8.8/",
    "http://8.8.8.8@127.0.0.1/",
    "http://8.8.8.8\\@127.0.0.1/",
    "http://8.8.8.8 /",
    "http://8.8.8.8/\r\nX-Other: 1",
    "http://8.8.8.8/\tx",
    "http://①②⑦.⓪.⓪.①/",
    "http://exam%70le.com/",
    "http://8.8.8.8/#part",
    "http://8.8.8.8:22/",
    "http://8.8.8.8:25/",
    "http://8.8.8.8:99999/",
    "http://8.8.8.8:x/",
    "http://[fe80::1%eth0]/",
    "http://8.8.8.8/" + "a" * 2048,
]


@pytest.mark.parametrize("url", PRIVATE)
def test_private_places_are_refused(url):
    with pytest.raises((outbound.Forbidden, outbound.Unreachable)) as caught:
        outbound.check_destination(url)
    # Where the resolver of the machine knows the notation at all, the address decides.
    assert isinstance(caught.value, outbound.Forbidden) or "cannot be found" in str(caught.value)


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_no_plain_address_is_refused(url):
    with pytest.raises(outbound.Forbidden):
        outbound.parse_destination(url)


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_places_are_not(text):
    outbound.check_destination(f"http://[{text}]/" if ":" in text else f"https://{text}:8443/a?b")


def test_one_private_address_spoils_a_name(monkeypatch):
    answers = [(2, 1, 6, "", ("8.8.8.8", 80)), (2, 1, 6, "", ("127.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(outbound.Forbidden):
        outbound.check_destination("http://two.example/")


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch, receiver: Receiver):
    """A name server that flips its answer after the check (rebinding) reaches nobody."""
    asked, connected = [], []

    def resolve(*_, **__):
        asked.append(1)
        address = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(2, 1, 6, "", (address, receiver.port))]

    def connect(address, **_):
        connected.append(address[0])
        raise OSError("no way there from here")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(outbound.Unreachable):
        call(f"http://flips.example:{receiver.port}/")
    assert connected == ["8.8.8.8"]
    assert len(asked) == 1
    assert receiver.received == []


def call(url: str, *, seconds: float = 5.0, size: int = 100) -> outbound.Answer:
    return outbound.post(
        url, body=b"{}", headers={"X-Test": "1"}, total_seconds=seconds, max_answer_bytes=size
    )


def test_an_allowed_place_is_called_as_the_address_says(receiver: Receiver):
    answer = call(receiver.url + "?a=1")
    assert answer.status == 200
    assert answer.body == b"thank you"
    [request] = receiver.received
    assert request.path == "/hook?a=1"
    assert request.headers["Host"] == receiver.place
    assert request.headers["X-Test"] == "1"


def test_only_that_place_is_allowed(receiver: Receiver):
    with pytest.raises(outbound.Forbidden):
        call(f"http://localhost:{receiver.port}/hook")
    assert receiver.received == []


def test_a_redirect_is_an_answer_and_not_followed(receiver: Receiver):
    receiver.status = 302
    receiver.headers = {"Location": receiver.url + "/elsewhere"}
    assert call(receiver.url).status == 302
    assert len(receiver.received) == 1


def test_a_large_answer_is_cut(receiver: Receiver):
    receiver.body = b"x" * 10_000_000
    assert len(call(receiver.url, size=1024).body) == 1024


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_slow_drip_ends(receiver: Receiver, start: bytes):
    def drip(file) -> None:
        file.write(start)
        while True:
            file.write(b"x" if start.endswith(b"\r\n\r\n") else b"a")
            file.flush()
            time.sleep(0.05)

    receiver.misbehave = drip
    # What was read in time may be an answer; that the call comes back at all is the point.
    with contextlib.suppress(outbound.Unreachable):
        call(receiver.url, seconds=0.6)


def test_what_is_no_http_is_unreachable(receiver: Receiver):
    receiver.misbehave = lambda file: file.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    with pytest.raises(outbound.Unreachable):
        call(receiver.url)


def test_nobody_there_is_unreachable(receiver: Receiver, settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings.OUTBOUND_ALLOW = frozenset({f"127.0.0.1:{port}"})
    with pytest.raises(outbound.Unreachable):
        call(f"http://127.0.0.1:{port}/")


def test_proxies_of_the_environment_are_not_used(monkeypatch, receiver: Receiver):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert call(receiver.url).status == 200


def test_https_needs_a_certificate_of_the_name(receiver: Receiver):
    with pytest.raises(outbound.Unreachable):
        call(f"https://{receiver.place}/")
