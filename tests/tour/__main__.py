"""`python -m tests.tour [--out docs/images]`: take the pictures of README and tour anew."""

import argparse
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from pinakes_client import Pinakes
from tests.browser.conftest import ARGUMENTS, CHROMIUM_NAMES
from tests.tour.work import Shown, do_work
from webapp.embedded.instance import Instance, running_instance

_SIZE = {"width": 1280, "height": 800}
_PHONE = {"width": 390, "height": 800}


def main() -> None:
    """Run a Pinakes of its own, let it work, and look at its pages."""
    parser = argparse.ArgumentParser(description="Take the pictures of README and tour.")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    with (
        tempfile.TemporaryDirectory(prefix="pinakes-t", ignore_cleanup_errors=True) as home,
        running_instance(home=Path(home)) as instance,
        sync_playwright() as playwright,
    ):
        key = instance.manage("create_api_key", "admin").strip()
        with Pinakes(instance.base_url, key) as pinakes:
            shown = do_work(pinakes)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        _Camera(browser, instance, out).take_all(shown)
        browser.close()


class _Camera:
    def __init__(self, browser: Browser, instance: Instance, out: Path) -> None:
        self._instance, self._out = instance, out
        self._desk = self._sign_in(browser, _SIZE, "light")
        self._phone = self._sign_in(browser, _PHONE, "dark")

    def _sign_in(self, browser: Browser, size: dict[str, int], scheme: str) -> Page:
        context = browser.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.goto(self._instance.base_url + "/sign-in")
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password").fill(self._instance.admin_password or "")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(self._instance.base_url + "/")
        return page

    def take_all(self, shown: Shown) -> None:
        for name, address in {
            "library": "/library?q=shoes+for+the+winter",
            "result": f"/generations/{shown.generation}",
            "compare": f"/compare/{shown.comparison}",
            "ask": f"/chats/{shown.chat}",
            "graph": "/knowledge/graph",
            "models": "/models",
            "insights": "/insights",
        }.items():
            self._desk.goto(self._instance.base_url + address)
            self._take(self._desk, name)
        self._phone.goto(self._instance.base_url + "/library")
        self._take(self._phone, "phone")
        self._take_running()

    def _take_running(self) -> None:
        """The Studio while a picture is being drawn."""
        page = self._desk
        page.goto(self._instance.base_url + "/?model=flow-fashion")
        page.get_by_label("Prompt", exact=True).fill("a pair of sneakers")
        page.keyboard.press("Control+Enter")
        page.locator("article.card progress").first.wait_for()
        page.locator("article.card img").first.wait_for()
        self._take(page, "studio")

    def _take(self, page: Page, name: str) -> None:
        # Idle lines never come, as a stream stays open; pictures are what may still be missing.
        page.evaluate(
            "Promise.all([...document.images].map(each => each.decode().catch(() => 0)))"
        )
        page.screenshot(path=self._out / f"{name}.png")
        print(self._out / f"{name}.png", flush=True)


main()
