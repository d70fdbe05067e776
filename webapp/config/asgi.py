"""The entry for uvicorn: live streams as ASGI, everything else as WSGI in threads.

Django's synchronous views cost several times more under ASGI than under WSGI, and streams would
each hold a thread under WSGI; so each side serves what it is good at, on one port.
"""

import os
import re
import threading
import uuid
from typing import Any, cast

from a2wsgi import WSGIMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")

from webapp.config.wsgi import application as wsgi_application
from webapp.generations.events import Receive, Send, generation_events

#: Threads for views; the database pool must offer as many connections.
WSGI_THREADS = 8

_EVENTS = re.compile(r"/api/v1/generations/([0-9a-fA-F-]{36})/events")
# a2wsgi types both protocols more narrowly than Django and uvicorn do.
_views: Any = WSGIMiddleware(cast("Any", wsgi_application), workers=WSGI_THREADS)


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Send each connection to the side that serves it."""
    if scope["type"] == "lifespan":
        await _live_and_die(receive, send)
        return
    match = _EVENTS.fullmatch(scope["path"]) if scope["type"] == "http" else None
    if match and scope["method"] == "GET":
        try:
            generation_id = uuid.UUID(match[1])
        except ValueError:
            generation_id = None
        if generation_id is not None:
            await generation_events(scope, receive, send, generation_id=generation_id)
            return
    await _views(scope, receive, send)


async def _live_and_die(receive: Receive, send: Send) -> None:
    """Answer the server's start and stop; at the start, load the embedder for the first search."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            threading.Thread(target=_warm_up, daemon=True).start()
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return


def _warm_up() -> None:
    from genmodels.embedding import load_embedder  # noqa: PLC0415 -- off the path of the start

    load_embedder()
