"""Takes pictures for README and docs, of a Pinakes that has done some work.

    python -m bench.tour [--out docs/images]

Starts one of its own in a temporary home, has the models that ship make a few of their example
prompts, compares, asks, runs a chain, opens a review, and looks at each page by day and by night.

Nothing here waits without a limit. A page with something running holds a stream open, so that its
network never rests; a picture below the fold is not loaded, so that waiting for it would never
end. So only what is in the window is looked at, again and again until it is there.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from bench.browser import running_chromium
from pinakes_client import Pinakes
from webapp.embedded.instance import running_instance

_SIZE = (1280, 800)
#: Pictures may be taken on a machine that is busy with other things.
_START_SECONDS = 900.0
_PATIENCE_MS = 60_000
_PATIENCE_SECONDS = 600.0
_PICTURES_SECONDS = 15.0
_MODELS = (
    "flow-fashion", "vae-fashion", "r3gan-fashion", "vaegan-scenes", "vae-digits", "glow-digits",
    "pixelcnn-digits", "gpt-shakespeare", "lstm-shakespeare", "t5-multi30k",
)  # fmt: skip
_CLOTHING = ("flow-fashion", "vae-fashion", "r3gan-fashion")
_QUESTION = "What happens to a job when its worker dies?"
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

#: How many pictures in the window are not there yet.
_MISSING = """() => [...document.images].filter((each) => {
  const { top, bottom, width } = each.getBoundingClientRect();
  const isSeen = width > 0 && bottom > 0 && top < innerHeight && each.checkVisibility();
  return isSeen && !each.complete;
}).length"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a Pinakes of its own, let it work, and look at its pages."""
    parser = argparse.ArgumentParser(prog="python -m bench.tour")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    out: Path = parser.parse_args(arguments).out
    with (
        tempfile.TemporaryDirectory(prefix="pinakes-t", ignore_cleanup_errors=True) as home,
        running_instance(home=Path(home), start_seconds=_START_SECONDS) as instance,
    ):
        key = instance.manage("create_api_key", "admin", "--name", "tour").strip()
        with Pinakes(instance.base_url, key) as pinakes:
            shown = do_work(pinakes)
        with running_chromium() as browser:
            take_pictures(browser, instance.base_url, instance.admin_password or "", shown, out)
    return 0


@dataclass(frozen=True)
class Shown:
    """Addresses of what was made and has a page of its own."""

    comparison: str
    chat: str
    run: str
    queue: str


def do_work(pinakes: Pinakes) -> Shown:
    """Make examples of every model, score some, compare, ask, run a chain, and open a review."""
    cards = {model["slug"]: model["card"] for model in pinakes.models.list()}
    works = [
        pinakes.generations.create(model=slug, prompt=prompt, seed=seed)
        for seed in range(2)
        for slug in _MODELS
        for prompt in cards[slug]["example_prompts"][seed : seed + 1]
    ]
    done = [work.wait(_PATIENCE_SECONDS) for work in works]
    for number, made in enumerate(done[::3]):
        pinakes.feedback.put(made["id"], score=3 + number % 3)
    comparison = pinakes.comparisons.create(prompt="an ankle boot", models=list(_CLOTHING))
    comparison.wait(_PATIENCE_SECONDS)
    chat = pinakes.chats.create(title="Keeping jobs safe")
    pinakes.turns.create(chat["id"], question=_QUESTION).wait(_PATIENCE_SECONDS)
    chain = pinakes.chains.create(
        name="A garment in verse",
        inputs=[{"name": "garment", "default": "an ankle boot"}],
        steps=[
            {
                "name": "Verse",
                "model": "gpt-shakespeare",
                "text": "I wear {{garment}},",
                "params": {"max_new_tokens": 80},
            },
            {"name": "Drawing", "model": "flow-fashion", "text": "{{garment}}"},
            {
                "name": "Variation",
                "model": "flow-fashion",
                "text": "{{garment}}",
                "params": {"task": "vary"},
                "inputs": {"image": {"step": "Drawing"}},
            },
        ],
    )
    run = pinakes.chain_runs.create(chain["id"], inputs={"garment": "an ankle boot"})
    run.wait(_PATIENCE_SECONDS)
    queue = pinakes.review_queues.create(
        name="Clothing, first look",
        labels=["blurred", "wrong kind"],
        only={"models": list(_CLOTHING)},
    )
    return Shown(
        comparison=f"/compare/{comparison.id}",
        chat=f"/chats/{chat['id']}",
        run=f"/chain-runs/{run.id}",
        queue=f"/review/queues/{queue['id']}",
    )


def take_pictures(browser: Browser, base_url: str, password: str, shown: Shown, out: Path) -> None:
    """Write `NAME-light.webp` and `NAME-dark.webp` of each page into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    for scheme in _SCHEMES:
        context = browser.new_context(
            viewport={"width": _SIZE[0], "height": _SIZE[1]},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        context.set_default_timeout(_PATIENCE_MS)
        page = context.new_page()
        camera = _Camera(page, base_url, scheme, out)
        camera.sign_in(password)
        camera.show("library", "/library?q=shoes+for+the+winter")
        camera.show("compare", shown.comparison)
        camera.show("ask", shown.chat)
        camera.show("chain", shown.run)
        camera.open(shown.queue)
        page.get_by_role("button", name="Go on").click()
        page.wait_for_url("**/review/items/**")
        camera.take("review")
        camera.take_running()
        context.close()


@dataclass(frozen=True)
class _Camera:
    page: Page
    base_url: str
    scheme: str
    out: Path

    def open(self, address: str) -> None:
        self.page.goto(self.base_url + address, wait_until="load")

    def sign_in(self, password: str) -> None:
        self.open("/sign-in")
        self.page.get_by_label("User name").fill("admin")
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.base_url}/")

    def show(self, name: str, address: str) -> None:
        self.open(address)
        expect(self.page.locator("main h1").first).to_be_attached()
        self.take(name)

    def take_running(self) -> None:
        """The Studio while a picture is being drawn; many steps, so that it is seen."""
        page = self.page
        self.open("/?model=flow-fashion&p_steps=400")
        page.get_by_label("Prompt", exact=True).fill("a pair of sneakers")
        page.get_by_label("Prompt", exact=True).press("Control+Enter")
        running = page.locator("#results > .card").first
        expect(running.locator("progress")).to_be_visible(timeout=_PATIENCE_MS)
        expect(running.locator("[data-live-preview] img")).to_be_visible(timeout=_PATIENCE_MS)
        page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); }")
        self.take("studio")
        # What runs on would hold up the next one.
        cancel = running.get_by_role("button", name="Cancel")
        if cancel.count():
            cancel.click()

    def take(self, name: str) -> None:
        """Write the picture without loss; as the caret stays, no style is put into the page."""
        until = time.monotonic() + _PICTURES_SECONDS
        while self.page.evaluate(_MISSING) and time.monotonic() < until:
            self.page.wait_for_timeout(200)
        taken = self.page.screenshot(caret="initial", timeout=_PATIENCE_MS)
        path = self.out / f"{name}-{self.scheme}.webp"
        with Image.open(io.BytesIO(taken)) as picture:
            picture.convert("RGB").save(path, "WEBP", lossless=True, method=6)
        sys.stdout.write(f"{path}  {path.stat().st_size / 1000:.0f} kB\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
