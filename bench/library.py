"""How the Library feels with 50,000 generations: pages over HTTP, and clicks in a real Chromium.

    python -m bench.library [--generations 50000] [--rounds 20] [--anyway]

Runs a complete Pinakes on a temporary home, fills it past the queue and signs in. Pages are timed
from the first byte sent to the last received, on one connection. Interaction to next paint is what
the browser itself reports (Event Timing, the longest of an interaction's events), the weight of a
first visit what came over the wire with an empty cache. Processor time stands beside the elapsed
time, because it says how busy the machine was with other things.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import django

from bench.browser import running_chromium
from bench.quiet import foreign_share, refuse_unless_quiet
from bench.shelving import Shelved, fill_library
from webapp.embedded.instance import Instance, running_instance

#: With `--anyway` others may be in the way of a start.
_START_SECONDS = 900.0
_MOST_INP_MS = 200.0
_MOST_FIRST_KB = 150.0
#: As many as one call may change, and no more: the bar refuses what is beyond.
_MOST_AT_ONCE = 10_000
_ROUNDS_OF_CLICKS = 3
_WAIT_MS = 30_000

#: Remembers the events of each interaction; entries shorter than 16 ms are never reported.
_WATCH = """() => {
  window.benchEvents = [];
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) {
      if (each.interactionId) window.benchEvents.push([each.name, each.duration]);
    }
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
}"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print one line per figure, and return 1 when one is over its budget."""
    parser = argparse.ArgumentParser(prog="python -m bench.library")
    parser.add_argument("--generations", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--anyway", action="store_true", help="measure on a busy machine too")
    options = parser.parse_args(arguments)
    if options.anyway:
        _say(f"others use {foreign_share():.0%} of this machine's processors")
    else:
        refuse_unless_quiet()
    with (
        tempfile.TemporaryDirectory(prefix="pinakes-b", ignore_cleanup_errors=True) as home,
        running_instance(home=Path(home), start_seconds=_START_SECONDS) as instance,
    ):
        started = time.perf_counter()
        shelved = _fill(instance, options.generations)
        _say(f"filled in {time.perf_counter() - started:.0f} s")
        with running_chromium() as browser:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            page.set_default_timeout(_WAIT_MS)
            _sign_in(page, instance)
            cookies = "; ".join(f"{each['name']}={each['value']}" for each in context.cookies())
            _measure_pages(_Reader(instance.base_url, cookies), shelved, options.rounds)
            state = context.storage_state()
            over = _measure_weight(browser, state, instance)
            over |= _measure_clicks(page, instance)
            context.close()
    return int(over)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _fill(instance: Instance, count: int) -> Shelved:
    os.environ.update(json.loads((instance.home / "addresses.json").read_text(encoding="utf-8")))
    os.environ["PINAKES_HOME"] = str(instance.home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.config.settings"
    django.setup()
    shelved = fill_library(count, owner_name="admin", report=_say)
    from django.db import connections

    # The browser's event loop begins in this thread, where Django would not speak to it any more.
    connections.close_all()
    return shelved


def _sign_in(page: Any, instance: Instance) -> None:
    page.goto(f"{instance.base_url}/sign-in")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(instance.admin_password or "")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{instance.base_url}/")


class _Reader:
    """One connection of a browser that is signed in, without the browser."""

    def __init__(self, base_url: str, cookies: str) -> None:
        self._host = urlsplit(base_url).netloc
        self._base_url = base_url
        self._headers = {"Cookie": cookies, "Accept-Encoding": "identity"}
        self._connection = http.client.HTTPConnection(self._host, timeout=120)

    def get(self, address: str) -> str:
        """The page at an address; raises for anything but 200."""
        self._connection.request("GET", address, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read().decode()
        if answer.status != 200:
            raise LookupError(f"{address} was answered {answer.status}")
        return body

    def post(self, address: str, fields: dict[str, str]) -> None:
        """Send a form; raises for anything but the way back to a page."""
        headers = {
            **self._headers,
            "Content-Type": "application/x-www-form-urlencoded",
            "Referer": f"{self._base_url}/library",
        }
        self._connection.request("POST", address, body=urlencode(fields), headers=headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 302:
            raise LookupError(f"{address} was answered {answer.status}")


def _measure_pages(reader: _Reader, shelved: Shelved, rounds: int) -> None:
    first = reader.get("/library")
    [older] = re.findall(r'href="(\?cursor=[^"]+)" rel="next"', first)
    [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', first))
    said = re.search(r"All ((?:more than )?[\d,]+) that match", first)
    _say(f"{shelved.num_generations:,} generations; a view of all says {said[1] if said else 0}")
    words = [urlencode({"q": question}) for question in shelved.questions]
    _time("first page", rounds, lambda _: reader.get("/library"))
    _time("second page", rounds, lambda _: reader.get("/library" + unescape(older)))
    _time("filtered by model", rounds, lambda _: reader.get("/library?model=vae-fashion"))
    _time("filtered by tag", rounds, lambda _: reader.get(f"/library?tag={shelved.tag}"))
    _time("filtered by score", rounds, lambda _: reader.get("/library?score=4"))
    _time("search, facets", rounds, lambda n: reader.get(f"/library?{words[n % len(words)]}"))
    narrow = f"{words[0]}&model=vae-fashion&score=3"
    _time("search, narrowed", rounds, lambda _: reader.get(f"/library?{narrow}"))
    many = _view_of_many(reader, shelved)

    def tag(number: int) -> None:
        fields = {"action": "tag" if number % 2 == 0 else "untag", "tags": "all of these"}
        sent = {"csrfmiddlewaretoken": token, "view": many, "all": "1", **fields}
        reader.post("/library/bulk", sent)

    _time(f"tag all that match ({many})", 2, tag)


def _view_of_many(reader: _Reader, shelved: Shelved) -> str:
    """A view with as many as may be changed at once, or all where these are fewer."""
    if shelved.num_generations <= _MOST_AT_ONCE:
        return "status=done"
    for view in ("score=1", "tag=" + shelved.tag, "score=4"):
        found = re.search(r"All ([\d,]+) that match", reader.get(f"/library?{view}"))
        if found and int(found[1].replace(",", "")) <= _MOST_AT_ONCE:
            return view
    raise LookupError("every view has more than may be changed at once")


def _time(name: str, rounds: int, act: Callable[[int], object]) -> None:
    act(0)
    took = []
    for number in range(1, rounds + 1):
        started = time.perf_counter()
        act(number)
        took.append((time.perf_counter() - started) * 1000)
    longest = sorted(took)[max(0, round(0.95 * len(took)) - 1)]
    _say(f"{name:<44} {statistics.median(took):8.1f} ms, 95 % within {longest:.1f}")


def _measure_weight(browser: Any, state: Any, instance: Instance) -> bool:
    """Whether the first visit of a page weighs more than it may.

    Each has a browser without a memory, and no service worker, which would fetch on its behalf.
    """
    over = False
    for address in ("/library", "/"):
        context = browser.new_context(storage_state=state, service_workers="block")
        page = context.new_page()
        page.set_default_timeout(_WAIT_MS)
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        kinds: dict[str, str] = {}
        weights: dict[str, float] = {}

        def note(event: dict[str, Any], kinds: dict[str, str] = kinds) -> None:
            kinds[event["requestId"]] = event["type"]

        def weigh(
            event: dict[str, Any],
            kinds: dict[str, str] = kinds,
            weights: dict[str, float] = weights,
        ) -> None:
            kind = kinds.get(event["requestId"], "Other")
            weights[kind] = weights.get(kind, 0) + event["encodedDataLength"] / 1000

        session.on("Network.responseReceived", note)
        session.on("Network.loadingFinished", weigh)
        page.goto(instance.base_url + address, wait_until="load")
        page.wait_for_timeout(1500)
        context.close()
        own = sum(size for kind, size in weights.items() if kind != "Image")
        parts = ", ".join(f"{kind} {size:.1f}" for kind, size in sorted(weights.items()))
        _say(f"first visit of {address:<29} {own:8.1f} kB without pictures  ({parts})")
        over |= own > _MOST_FIRST_KB
    return over


def _measure_clicks(page: Any, instance: Instance) -> bool:
    """Whether any interaction took longer to the next paint than it may."""
    worst: dict[str, list[float]] = {}
    opened = []
    for _ in range(_ROUNDS_OF_CLICKS):
        page.goto(f"{instance.base_url}/library", wait_until="load")
        page.evaluate(_WATCH)
        for name, act in _INTERACTIONS.items():
            page.evaluate("() => { window.benchEvents.length = 0; }")
            act(page)
            # Entries come with the frame after the event, and the next one may not be first.
            page.wait_for_timeout(400)
            events = page.evaluate("() => window.benchEvents")
            worst.setdefault(name, []).append(max([took for _, took in events], default=0.0))
        clicked = time.time() * 1000
        page.locator(".card-title a").first.click()
        page.wait_for_url(re.compile("/generations/"), wait_until="load")
        painted = page.evaluate(
            "() => performance.timeOrigin"
            " + (performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0)"
        )
        opened.append(painted - clicked)
    for name, took in worst.items():
        _say(f"to next paint: {name:<29} {max(took):8.0f} ms at most of {len(took)}")
    _say(f"{'click on a card to its page painted':<44} {statistics.median(opened):8.0f} ms")
    return max(max(took) for took in worst.values()) > _MOST_INP_MS


def _scroll(page: Any) -> None:
    for _ in range(5):
        page.keyboard.press("PageDown")
        page.mouse.wheel(0, 400)
    page.keyboard.press("Home")


def _tick(page: Any) -> None:
    boxes = page.locator("[data-pick]")
    boxes.nth(0).check()
    boxes.nth(20).click(modifiers=["Shift"])


def _tick_all(page: Any) -> None:
    page.keyboard.press("Control+a")
    page.locator("[data-bulk-all]").check()
    page.keyboard.press("Escape")


def _open_filters(page: Any) -> None:
    page.locator("#library-form summary").click()
    page.locator("#library-form summary").click()


def _type_words(page: Any) -> None:
    page.locator("#library-query").click()
    page.keyboard.type("striped bag", delay=60)
    page.locator(".facets").wait_for()


_INTERACTIONS: dict[str, Callable[[Any], None]] = {
    "scroll by keys": _scroll,
    "tick, and a range": _tick,
    "tick all, and none": _tick_all,
    "open the filters": _open_filters,
    "type a search until it is there": _type_words,
}


if __name__ == "__main__":
    sys.exit(main())
