"""The entry for uvicorn: live streams as ASGI, everything else as WSGI in threads.

Django's synchronous views cost several times more under ASGI than under WSGI, and streams would
each hold a thread under WSGI; so each side serves what it is good at, on one port.
"""

import asyncio
import ctypes
import multiprocessing
import os
import re
import resource
import signal
import sys
import threading
import uuid
from types import FrameType
from typing import Any, cast

from a2wsgi import WSGIMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")

from webapp.common.asgi import Receive, Send
from webapp.config.waiting import answer_when_ended, preferred_wait
from webapp.config.wsgi import application as wsgi_application
from webapp.generations.events import LiveStreams
from webapp.openai_api import live as openai

#: Threads for views; the database pool must offer as many connections.
WSGI_THREADS = 8

_GENERATION_EVENTS = re.compile(r"/api/v1/generations/([0-9a-fA-F-]{36})/events")
_OWNER_EVENTS = "/api/v1/events"
_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# a2wsgi types both protocols more narrowly than Django and uvicorn do.
_views: Any = WSGIMiddleware(cast("Any", wsgi_application), workers=WSGI_THREADS)
_streams = LiveStreams()


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Send each connection to the side that serves it."""
    if scope["type"] == "lifespan":
        await _live_and_die(receive, send)
    elif scope["type"] == "http" and scope["method"] == "GET" and _is_stream(scope["path"]):
        match = _GENERATION_EVENTS.fullmatch(scope["path"])
        if match is None:
            await _streams.serve_owner(scope, receive, send)
        else:
            await _streams.serve_generation(scope, receive, send, uuid.UUID(match[1]))
    elif scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in openai.PATHS:
        await openai.serve(_views, _streams.hub, scope, receive, send)
    elif seconds := preferred_wait(scope):
        await answer_when_ended(_views, _streams.hub, scope, receive, send, seconds=seconds)
    else:
        await _views(scope, receive, send)


def _is_stream(path: str) -> bool:
    match = _GENERATION_EVENTS.fullmatch(path)
    if match is None:
        return path == _OWNER_EVENTS
    try:
        uuid.UUID(match[1])
    except ValueError:
        return False
    return True


async def _live_and_die(receive: Receive, send: Send) -> None:
    """Answer the server's start and stop; at the start, load the embedder for the first search."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _die_with_parent()
            _allow_many_connections()
            threading.Thread(target=_warm_up, daemon=True).start()
            _say_goodbye_at_the_end(asyncio.get_running_loop())
            await send({"type": "lifespan.startup.complete"})
        else:
            await _streams.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _die_with_parent() -> None:
    """End with the server's first process, where that has several: it holds the port for all.

    Without this, those that a killed one leaves behind would keep its successor from listening.
    """
    if multiprocessing.parent_process() is not None and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _allow_many_connections() -> None:
    """Use as many files as the system grants: each stream is one, and 1,024 are soon used up."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _say_goodbye_at_the_end(loop: asyncio.AbstractEventLoop) -> None:
    """End the streams at the signal that stops the server, which waits for them otherwise."""
    if threading.current_thread() is not threading.main_thread():
        return
    servers_own = {number: signal.getsignal(number) for number in _STOP_SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        asyncio.run_coroutine_threadsafe(_streams.say_goodbye(), loop)
        handler = servers_own[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in _STOP_SIGNALS:
        signal.signal(number, stop)


def _warm_up() -> None:
    from genmodels.embedding import load_embedder  # noqa: PLC0415 -- off the path of the start

    load_embedder()
