"""The few REST calls that the demonstration makes, with the standard library only."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any


class UnableToCall(Exception):
    """The interface answered with a problem, or not at all; the message says which."""


@dataclass(frozen=True, kw_only=True)
class RestClient:
    """Calls one Pinakes as the owner of an API key."""

    base_url: str
    api_key: str = field(repr=False)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the JSON object at a path below `/api/v1`. Raises UnableToCall."""
        address = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        return self._call("GET", f"/api/v1{address}", None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a JSON object to a path below `/api/v1`, return the answer. Raises UnableToCall."""
        return self._call("POST", f"/api/v1{path}", body)

    def download(self, path: str) -> bytes:
        """Return the bytes at a path from the root of the site. Raises UnableToCall."""
        return self._send("GET", path, None)

    def wait_for_end(self, path: str, *, seconds: float) -> dict[str, Any]:
        """Ask for an object until it says that it is `terminal`. Raises UnableToCall."""
        give_up_at = time.monotonic() + seconds
        while True:
            answer = self.get(path)
            if answer["terminal"]:
                return answer
            if time.monotonic() > give_up_at:
                raise UnableToCall(f"{path} is still {answer['status']} after {seconds:.0f} s")
            time.sleep(0.1)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        answer: dict[str, Any] = json.loads(self._send(method, path, content))
        return answer

    def _send(self, method: str, path: str, content: bytes | None) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - the address is our own server's
            self.base_url + path,
            data=content,
            method=method,
            headers={
                "Authorization": f"Bearer {self.api_key}",
                "Content-Type": "application/json",
                "Accept": "application/json, */*",
            },
        )
        # No proxy of the environment may come between us and our own machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as response:
                received: bytes = response.read()
                return received
        except urllib.error.HTTPError as problem:
            detail = problem.read().decode(errors="replace")[:500]
            raise UnableToCall(f"{method} {path}: {problem.code} {detail}") from problem
        except OSError as failure:
            raise UnableToCall(f"{method} {path}: {failure}") from failure
