"""The two clients: the same resources, for threads and for event loops."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Self

import httpx2

from pinakes_client.async_resources import AsyncResources
from pinakes_client.async_transport import AsyncTransport
from pinakes_client.plans import Retries
from pinakes_client.resources import Resources
from pinakes_client.streams import Event
from pinakes_client.transport import Transport

#: Longer than the server holds an answer back, and than it is silent on a stream.
_TIMEOUT_SECONDS = 60.0
_EVENTS = "/events"


class Pinakes(Resources):
    """One Pinakes as the owner of an API key, for threads.

    `options` go to the client of httpx2: `transport`, `verify`, `proxy`, `trust_env` and so on.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = _TIMEOUT_SECONDS,
        retries: Retries | None = None,
        **options: Any,
    ) -> None:
        http = httpx2.Client(
            base_url=base_url, headers=_headers(api_key), timeout=timeout, **options
        )
        self._transport = Transport(http, retries or Retries())
        super().__init__(self._transport)

    def events(self) -> Iterator[Event]:
        """Everything that happens to one's own generations and answers, without an end."""
        return self._transport.follow(_EVENTS)

    def close(self) -> None:
        """Close its connections."""
        self._transport.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncPinakes(AsyncResources):
    """One Pinakes as the owner of an API key, for event loops; see Pinakes."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = _TIMEOUT_SECONDS,
        retries: Retries | None = None,
        **options: Any,
    ) -> None:
        http = httpx2.AsyncClient(
            base_url=base_url, headers=_headers(api_key), timeout=timeout, **options
        )
        self._transport = AsyncTransport(http, retries or Retries())
        super().__init__(self._transport)

    def events(self) -> AsyncIterator[Event]:
        """Everything that happens to one's own generations and answers, without an end."""
        return self._transport.follow(_EVENTS)

    async def close(self) -> None:
        """Close its connections."""
        await self._transport.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _headers(api_key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}", "Accept": "application/json, */*"}
