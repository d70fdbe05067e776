"""Tags that every page uses: icons, family marks, the rail and dates."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django import template
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.timezone import now

register = template.Library()

THEMES = ("paper", "night")

FAMILY_NAMES = {
    "rnn": "Recurrent",
    "transformer": "Transformer",
    "autoregressive": "Autoregressive",
    "vae": "Variational autoencoder",
    "gan": "Adversarial",
    "flow": "Normalising flow",
    "diffusion": "Diffusion",
    "hybrid": "Hybrid",
    "connected": "Connected",
}


@dataclass(frozen=True)
class RailLink:
    """One place of the rail; `current` where the page shown belongs to it.

    A narrow screen has room for those that are `in_bar`, and a button that shows the others.
    """

    word: str
    icon: str
    href: str
    current: bool
    in_bar: bool


#: Route name, word, icon, and the other routes that belong to the same place.
_PLACES: tuple[tuple[str, str, str, frozenset[str]], ...] = (
    ("studio", "Studio", "studio", frozenset({"compare", "comparison", "ranking"})),
    (
        "library",
        "Library",
        "library",
        frozenset({"generation", "similar", "batches", "batch", "collections", "collection"}),
    ),
    ("ask", "Ask", "ask", frozenset({"answer"})),
    ("chats", "Chat", "chat", frozenset({"chat"})),
    (
        "documents",
        "Documents",
        "documents",
        frozenset({"document", "document-version", "retrieval-test", "graph", "graph-entity"}),
    ),
    (
        "prompts",
        "Prompts",
        "prompts",
        frozenset({"prompt", "chains", "chain", "chain-add", "chain-write", "chain-run"}),
    ),
    (
        "review",
        "Review",
        "review",
        frozenset({"review-queue", "review-item", "review-standing"}),
    ),
    ("insights", "Insights", "insights", frozenset()),
    (
        "models",
        "Models",
        "models",
        frozenset({"model", "families", "family", "compare-families", "connectors"}),
    ),
    ("workers", "Workers", "workers", frozenset()),
    ("account", "Account", "account", frozenset({"webhooks", "webhook"})),
)

#: Where people go most, and as many as a phone has room for.
_IN_BAR = frozenset({"studio", "library", "ask", "chats"})

#: Places that only reviewers and admins may enter.
_FOR_REVIEWERS = frozenset({"review"})


@register.simple_tag
def icon(name: str) -> SafeString:
    """The drawing with this name from templates/icons; it is ours, so it is safe as it is."""
    return render_to_string(f"icons/{name}.svg")


@register.simple_tag
def family_mark(family: str, size: str = "") -> SafeString:
    """The coloured tile with the glyph of a family; its name must stand beside it as words."""
    return format_html(
        '<span class="family-mark family-{} {}" title="{}">{}</span>',
        family,
        "is-large" if size == "large" else "",
        FAMILY_NAMES[family],
        render_to_string(f"icons/family-{family}.svg"),
    )


@register.filter
def family_name(family: str) -> str:
    """The family in words."""
    return FAMILY_NAMES[family]


@register.simple_tag
def all_families() -> tuple[str, ...]:
    """The eight families in their fixed order, without the models of others."""
    return tuple(name for name in FAMILY_NAMES if name != "connected")


@register.simple_tag(takes_context=True)
def rail_links(context: template.Context) -> list[RailLink]:
    """The places of the site, with the current one marked."""
    match = context["request"].resolver_match
    shown = match.url_name if match else None
    may_review = getattr(context["request"].user, "sees_everything", False)
    return [
        RailLink(
            word,
            drawing,
            reverse(route),
            current=shown == route or shown in members,
            in_bar=route in _IN_BAR,
        )
        for route, word, drawing, members in _PLACES
        if may_review or route not in _FOR_REVIEWERS
    ]


@register.simple_tag(takes_context=True)
def page_attributes(context: template.Context) -> SafeString:
    """Theme and rail as the reader left them, and what scripts must know of their preferences.

    What was chosen while signed in holds wherever one signs in; before that, and without a choice,
    what this browser remembers; without that, the system's theme.
    """
    request: HttpRequest = context["request"]
    chosen = getattr(getattr(request, "user", None), "preferences", {})
    theme = chosen.get("theme") or request.COOKIES.get("pinakes_theme", "")
    collapsed = chosen.get("narrow_rail")
    if collapsed is None:
        collapsed = request.COOKIES.get("pinakes_rail") == "collapsed"
    return format_html(
        "{}{}{}{}",
        format_html(' data-theme="{}"', theme) if theme in THEMES else "",
        SafeString(' class="rail-collapsed"') if collapsed else "",
        SafeString(' data-previews="off"') if chosen.get("previews") is False else "",
        SafeString(' data-notices="wanted"') if chosen.get("notices") else "",
    )


@register.simple_tag
def ago(moment: dt.datetime) -> SafeString:
    """How long ago in the largest unit, with the full time for whoever wants it."""
    seconds = (now() - moment).total_seconds()
    words = "just now" if seconds < 60 else f"{timesince(moment, depth=1)} ago"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        f"{moment:%Y-%m-%d %H:%M} UTC",
        words,
    )


@register.simple_tag
def full_time(moment: dt.datetime, shown: str = "full") -> SafeString:
    """The time in UTC; a script shows it in the reader's own zone (`full` or `clock`)."""
    pattern = "%H:%M:%S" if shown == "clock" else "%Y-%m-%d %H:%M UTC"
    return format_html(
        '<time datetime="{}" data-shown="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        shown,
        moment.strftime(pattern),
    )


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: object) -> str:
    """The address of this page with some query parameters changed; an empty value removes one."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag
def quoted(text: str, start: int, end: int) -> SafeString:
    """The text, escaped, with `<mark>` around characters `start` to `end`."""
    if not 0 <= start < end <= len(text):
        return escape(text)
    return format_html("{}<mark>{}</mark>{}", text[:start], text[start:end], text[end:])
