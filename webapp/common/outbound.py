"""Requests to addresses that people type in: never to the site's own network.

A name is resolved once, every address that is not global is refused, and the connection goes to
the address that was checked: an answer of the name server that changes in between changes nothing.
There are no proxies, what is sent is never redirected, and the whole exchange is cut off after a
time, however slowly the other side answers. What is fetched follows a few redirects, and each of
them is an address like the first: resolved and checked anew.

An address that the operator has written into the settings may lead anywhere; all else holds for it
too.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urldefrag, urljoin, urlsplit

from django.conf import settings

CONNECT_SECONDS = 5.0
MAX_URL_LENGTH = 2048
MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}")
#: Ports below 1024 are those of services of the system: mail, shells, databases of old.
_LOW_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1024

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
#: What global IPv6 addresses begin with; ranges in it that lead to other, embedded addresses.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_TRANSLATED_V6 = (
    ipaddress.IPv6Network("2001::/32"),  # Teredo (RFC 4380)
    ipaddress.IPv6Network("2002::/16"),  # 6to4 (RFC 3056)
)
#: For protocols (RFC 6890) and the relay of 6to4 (RFC 7526): Python counts them as global.
_SPECIAL_V4 = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("192.88.99.0/24"))


class Forbidden(ValueError):
    """The address is none that may be called; the message says why."""


class Unreachable(Exception):
    """The other side did not answer as HTTP, or not in time."""


class AnswerTooLarge(Exception):
    """What came back is larger than what was wanted."""


@dataclass(frozen=True)
class Destination:
    """A URL taken apart: where to connect to, and what to ask for there."""

    scheme: str
    host: str
    port: int
    target: str
    is_operators: bool = False

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"

    @property
    def is_allowed(self) -> bool:
        """Whether the operator has allowed this host and port, wherever they lead."""
        return self.is_operators or f"{self.host}:{self.port}" in settings.OUTBOUND_ALLOW


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the headers in lower case, and the start of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class FetchedAnswer(Answer):
    """What was fetched, whole, and the address that it came from in the end."""

    url: str


def parse_destination(url: str, *, is_operators: bool = False) -> Destination:
    """Take a URL apart; raises Forbidden for what no address of a service looks like.

    `is_operators` says that it comes from the settings and from nobody else.
    """
    if len(url) > MAX_URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
        raise Forbidden("must be a plain web address of at most 2,048 characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Forbidden("is no web address") from error
    if parts.scheme not in {"http", "https"}:
        raise Forbidden("must begin with https:// or http://")
    if "@" in parts.netloc:
        raise Forbidden("must not contain a user name or password")
    if parts.fragment or "\\" in url:
        raise Forbidden("must not contain # or \\")
    port = port if port is not None else {"http": 80, "https": 443}[parts.scheme]
    destination = Destination(parts.scheme, _host(parts), port, _target(parts), is_operators)
    if port < _FIRST_FREE_PORT and port not in _LOW_PORTS and not destination.is_allowed:
        raise Forbidden(f"port {port} may not be called")
    return destination


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        try:
            if "%" in host:
                raise Forbidden("must not name a network of this machine")
            return str(ipaddress.IPv6Address(host))
        except ipaddress.AddressValueError as error:
            raise Forbidden("has no valid host") from error
    if not _HOST.fullmatch(host):
        raise Forbidden("has no valid host")
    return host


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def is_global(address: IPAddress) -> bool:
    """Whether an address belongs to a machine of the public internet, and to itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_global(address.ipv4_mapped)
        return (
            address in _GLOBAL_V6
            and address.is_global
            and not any(address in network for network in _TRANSLATED_V6)
        )
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _SPECIAL_V4)
    )


def check_destination(url: str) -> Destination:
    """Resolve the host and refuse what is not public. Raises Forbidden, or Unreachable."""
    destination = parse_destination(url)
    _checked_addresses(destination)
    return destination


def _checked_addresses(destination: Destination) -> list[str]:
    """The addresses of a host, all of them checked: one private among them spoils the name."""
    found = _resolve(destination)
    if not destination.is_allowed:
        for text in found:
            if not is_global(ipaddress.ip_address(text.partition("%")[0])):
                detail = "leads into a private network, which only an operator may allow"
                raise Forbidden(detail)
    return found


def _resolve(destination: Destination) -> list[str]:
    """Ask the system's resolver, which knows no time limit of its own."""
    found: list[str] = []
    faults: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(
                destination.host, destination.port, type=socket.SOCK_STREAM
            )
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))
        except (OSError, UnicodeError) as error:
            faults.append(error)

    asking = threading.Thread(target=ask, name="resolver", daemon=True)
    asking.start()
    asking.join(CONNECT_SECONDS)
    if not found:
        reason = str(faults[0]) if faults else "the name server does not answer"
        raise Unreachable(f"{destination.host} cannot be found: {reason}")
    return list(found)


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    total_seconds: float,
    max_answer_bytes: int,
) -> Answer:
    """Send a POST and read the start of the answer. Raises Forbidden or Unreachable."""
    destination = parse_destination(url)
    addresses = _checked_addresses(destination)
    try:
        with _connected(destination, addresses, total_seconds) as connection:
            connection.request(
                "POST", destination.target, body, {"Host": destination.authority, **headers}
            )
            response = connection.getresponse()
            content = response.read(max_answer_bytes)
            received = {name.lower(): value for name, value in response.getheaders()}
    except (OSError, http.client.HTTPException, ValueError) as error:
        # What the cut-off leaves behind has many names: a closed file is a ValueError.
        reason = str(error) or type(error).__name__
        raise Unreachable(reason) from error
    return Answer(response.status, received, content)


class Abort:
    """Ends an exchange from another thread, at once or as soon as it has begun."""

    def __init__(self) -> None:
        self.is_set = False
        self._end: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def now(self) -> None:
        """End it; again changes nothing."""
        with self._lock:
            self.is_set = True
            if self._end is not None:
                self._end()

    def on_set(self, end: Callable[[], None]) -> None:
        """What ends the exchange that begins now."""
        with self._lock:
            self._end = end
            if self.is_set:
                end()


@dataclass(frozen=True)
class Streamed:
    """An answer that is read as it comes: its status, its headers in lower case, its lines."""

    status: int
    headers: Mapping[str, str]
    lines: Iterator[bytes]


@contextlib.contextmanager
def streaming_post(
    destination: Destination,
    *,
    body: bytes,
    headers: Mapping[str, str],
    total_seconds: float,
    max_answer_bytes: int,
    abort: Abort,
) -> Iterator[Streamed]:
    """Send a POST and hand out the answer line by line; `lines` ends after `max_answer_bytes`.

    Raises Forbidden or Unreachable, the latter from within the block too.
    """
    addresses = _checked_addresses(destination)
    try:
        with _connected(destination, addresses, total_seconds, abort) as connection:
            connection.request(
                "POST", destination.target, body, {"Host": destination.authority, **headers}
            )
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            yield Streamed(response.status, received, _lines(response, max_answer_bytes))
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise Unreachable(reason) from error


def _lines(response: http.client.HTTPResponse, most: int) -> Iterator[bytes]:
    """Lines, each with its end; a line that has none is cut at what is left of `most`."""
    while most > 0:
        line = response.readline(most)
        if not line:
            return
        most -= len(line)
        yield line


def get(
    url: str,
    *,
    headers: Mapping[str, str],
    total_seconds: float,
    max_answer_bytes: int,
    max_redirects: int = MAX_REDIRECTS,
) -> FetchedAnswer:
    """Fetch what lies at an address, over at most `max_redirects` redirects.

    Each is sent the same headers, so what sends a secret allows none. `total_seconds` are for all
    of it. Raises Forbidden, Unreachable or AnswerTooLarge.
    """
    until = time.monotonic() + total_seconds
    for _ in range(max_redirects + 1):
        left = max(0.1, until - time.monotonic())
        answer = _get_once(url, headers=headers, seconds=left, max_answer_bytes=max_answer_bytes)
        # An answer without a length that was cut off looks whole.
        if time.monotonic() >= until:
            raise Unreachable("it took too long")
        target = answer.headers.get("location")
        if answer.status not in _REDIRECTS or not target:
            return answer
        url = _redirected(url, target)
    raise Unreachable(f"there are more than {max_redirects} redirects")


def _redirected(url: str, target: str) -> str:
    """The next address; a secured one never leads back to one that is not."""
    # Servers send letters that no address has; what is quoted already stays as it is.
    following = urldefrag(urljoin(url, quote(target.strip(), safe="%/:?#[]@!$&'()*+,;=~-._"))).url
    if url.startswith("https:") and not following.startswith("https:"):
        raise Forbidden("leads from a secured address to one that is not")
    return following


def _get_once(
    url: str, *, headers: Mapping[str, str], seconds: float, max_answer_bytes: int
) -> FetchedAnswer:
    destination = parse_destination(url)
    addresses = _checked_addresses(destination)
    # Nothing packed is asked for, or taken: a small answer could unpack to a large one.
    sent = {"Host": destination.authority, "Accept-Encoding": "identity", **headers}
    try:
        with _connected(destination, addresses, seconds) as connection:
            connection.request("GET", destination.target, headers=sent)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            if (response.length or 0) > max_answer_bytes:
                raise AnswerTooLarge
            content = response.read(max_answer_bytes + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise Unreachable(reason) from error
    if len(content) > max_answer_bytes:
        raise AnswerTooLarge
    if (response.length or 0) > 0:
        # The cut-off ends a drip without an error; half a page is not what was asked for.
        raise Unreachable("the answer broke off")
    if received.get("content-encoding", "identity") != "identity":
        raise Unreachable("the answer is packed, though that was not asked for")
    return FetchedAnswer(response.status, received, content, url)


@contextlib.contextmanager
def _connected(
    destination: Destination,
    addresses: list[str],
    total_seconds: float,
    abort: Abort | None = None,
) -> Iterator[http.client.HTTPConnection]:
    """A connection to the first address that takes one, ended by force after `total_seconds`."""
    connection = http.client.HTTPConnection(destination.host, destination.port)
    opened = _open_socket(addresses, destination.port)
    # Time limits of single reads do not end an answer that drips: the socket is taken away.
    cut_off = threading.Timer(total_seconds, lambda: _shut(opened))
    cut_off.daemon = True
    cut_off.start()
    if abort is not None:
        abort.on_set(lambda: _shut(opened))
    try:
        opened.settimeout(total_seconds)
        if destination.scheme == "https":
            opened = ssl.create_default_context().wrap_socket(
                opened, server_hostname=destination.host, do_handshake_on_connect=False
            )
            opened.do_handshake()
        connection.sock = opened
        yield connection
    finally:
        cut_off.cancel()
        connection.close()
        opened.close()


def _open_socket(addresses: list[str], port: int) -> socket.socket:
    fault: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=CONNECT_SECONDS)
        except OSError as error:
            fault = error
    raise fault or OSError("there is no address")


def _shut(raw: socket.socket) -> None:
    with contextlib.suppress(OSError):
        raw.shutdown(socket.SHUT_RDWR)
