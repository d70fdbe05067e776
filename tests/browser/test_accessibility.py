"""Every page under axe, in both themes: no breach of WCAG 2.2 AA that a machine can find."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser

from tests.browser.conftest import Watched
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

AXE = Path(settings.BASE_DIR) / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
ADDRESSES = (
    "/",
    "/?model=gpt-shakespeare",
    "/library",
    "/library?q=how+are+jobs+kept+safe",
    "/library?kind=image&from=2001-01-01&to=2001-01-02",
    "/library?trash=1",
    "/documents",
    "/ask",
    "/models",
    "/models/gpt-shakespeare",
    "/account",
    "/offline",
    "/nowhere",
)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing(browser: Browser, stack: Instance, scheme: str, width: int) -> None:
    assert stack.admin_password is not None
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    watched = Watched(context.new_page(), stack.base_url)
    watched.open("/sign-in")
    found = breaches(watched, "/sign-in")
    watched.sign_in(stack.admin_password)
    for address in ADDRESSES:
        watched.open(address)
        found += breaches(watched, address)
    context.close()
    assert found == []


def breaches(watched: Watched, address: str) -> list[str]:
    """What axe has against the page shown now."""
    watched.page.evaluate(AXE.read_text(encoding="utf-8"))
    violations = watched.page.evaluate(
        "rules => axe.run({ runOnly: rules }).then(result => result.violations)", RULES
    )
    return [
        f"{address}: {violation['id']}: {violation['nodes'][0]['html']}"
        for violation in violations
    ]
