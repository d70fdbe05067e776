"""The page of embedding spaces, for those who run the site."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import InvalidRequest
from webapp.accounts.models import User
from webapp.search import space_operations, space_queries
from webapp.search.embedders import BUILT_IN_NAME
from webapp.search.models import RecallCheck
from webapp.search.space_operations import MAX_SPACES, SpaceWish
from webapp.search.space_queries import MIN_RECALL, SpaceReport, SpaceStatus
from webapp.search.spaces import graph_name

#: A state in a word, and the drawing that goes with it.
_WORDS: dict[SpaceStatus, tuple[str, str]] = {
    "active": ("searched", "succeeded"),
    "filling": ("filling", "running"),
    "ready": ("ready", "queued"),
    "unchecked": ("to be checked", "queued"),
    "poor": ("finds poorly", "failed"),
}

_PLACES = {"url": "The address", "model": "The model", "dims": "The width", "key": "The key"}


@dataclass(frozen=True)
class CheckLine:
    """A check of a graph, with what it found in percent."""

    check: RecallCheck

    @property
    def percent(self) -> float:
        """Of the nearest, how many were found."""
        return 100.0 * self.check.recall


@dataclass(frozen=True)
class SpaceCard:
    """A space as the page shows it.

    `left` is how long filling will take, in words; `before` the space that a rollback leads to.
    """

    report: SpaceReport
    word: str
    mark: str
    left: str
    before: str

    @property
    def moves(self) -> bool:
        """Whether a worker is about to change what is shown."""
        return self.report.status in {"filling", "unchecked"} or (
            self.report.num_missing > 0 or self.report.space.check_wanted
        )

    @property
    def origin(self) -> str:
        """Where the embedder of a space without an address comes from."""
        is_built_in = self.report.space.name == BUILT_IN_NAME
        return "built in" if is_built_in else "named by the settings"

    @property
    def index_name(self) -> str:
        """The graph, for whoever builds it anew."""
        return graph_name(self.report.space)

    @property
    def recall(self) -> float | None:
        """What the latest check found, in percent."""
        return 100.0 * self.report.checks[0].recall if self.report.checks else None

    @property
    def past(self) -> list[CheckLine]:
        """The checks before the latest, newest first."""
        return [CheckLine(check) for check in self.report.checks[1:]]

    @property
    def percent(self) -> float:
        """How full it is, never 100 before it is full."""
        if not self.report.num_missing:
            return 100.0
        return min(99.9, 100.0 * self.report.num_vectors / self.report.num_passages)


def _admin(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not user.runs_the_site:
        raise PermissionDenied
    return user


@login_required
@require_GET
def list_page(request: HttpRequest) -> HttpResponse:
    """Every space as it is now, and a form for another."""
    _admin(request)
    return _render(request, wish=SpaceWish(embedder="service"))


def _render(
    request: HttpRequest, *, wish: SpaceWish, faults: list[str] | None = None, status: int = 200
) -> HttpResponse:
    reports = space_queries.list_spaces()
    before = next((report.space.name for report in reports if report.is_previous), "")
    context = {
        "cards": [_card(report, before) for report in reports],
        "has_room": len(reports) < MAX_SPACES,
        "most": MAX_SPACES,
        "least_recall": MIN_RECALL * 100,
        "offers_built_in": all(report.space.name != BUILT_IN_NAME for report in reports),
        "wish": wish,
        "faults": faults or [],
    }
    return render(request, "search/spaces.html", context, status=status)


def _card(report: SpaceReport, before: str) -> SpaceCard:
    word, mark = _WORDS[report.status]
    left = report.seconds_left
    return SpaceCard(report, word, mark, "" if left is None else _duration(left), before)


def _duration(seconds: float) -> str:
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= length:
            number = round(seconds / length)
            return f"about {number} {unit}{'' if number == 1 else 's'}"
    return "less than a minute"


@login_required
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Add a space of the built-in embedder or of one on a server."""
    admin = _admin(request)
    dims = request.POST.get("dims", "")
    wish = SpaceWish(
        embedder="built_in" if request.POST.get("embedder") == "built_in" else "service",
        url=request.POST.get("url", "").strip(),
        model=request.POST.get("model", "").strip(),
        dims=int(dims[:6]) if dims.isascii() and dims.isdigit() else 0,
        key=request.POST.get("key", "").strip(),
        switches_when_ready=request.POST.get("switches_when_ready") == "on",
    )
    try:
        space = space_operations.add_space(by=admin, wish=wish)
    except InvalidRequest as error:
        faults = [
            f"{_PLACES.get(fault.pointer.strip('/'), 'The embedder')} {fault.detail.rstrip('.')}."
            for fault in error.faults
        ]
        return _render(request, wish=wish, faults=faults, status=422)
    except space_operations.UnableToAddSpace as error:
        return _render(request, wish=wish, faults=[str(error)], status=409)
    messages.info(request, f"The space {space.name} is made. Workers fill it in the background.")
    return redirect("spaces")


@login_required
@require_POST
def act(request: HttpRequest, space_id: int) -> HttpResponse:
    """Switch to a space, go back from it, have it checked, or drop it."""
    admin = _admin(request)
    try:
        said = _act(request.POST.get("act", ""), space_id, admin)
    except space_queries.UnableToFindSpace as error:
        raise Http404 from error
    except (space_operations.UnableToSwitch, space_operations.UnableToDropSpace) as error:
        messages.error(request, str(error))
    else:
        messages.info(request, said)
    return redirect("spaces")


def _act(name: str, space_id: int, admin: User) -> str:
    match name:
        case "switch" | "force":
            space_operations.switch_space(space_id=space_id, by=admin, force=name == "force")
            return "All searches look in this space now. The one before is kept."
        case "roll-back":
            space = space_operations.roll_back(space_id=space_id, by=admin)
            return f"All searches look in {space.name} again."
        case "check":
            space_operations.ask_for_check(space_id=space_id)
            return "A worker checks its graph. The result is shown here."
        case "drop":
            space_operations.drop_space(space_id=space_id, by=admin)
            return "The space is dropped, and its vectors with it."
        case _:
            raise space_queries.UnableToFindSpace(name)


urlpatterns: list[URLPattern] = [
    path("spaces", list_page, name="spaces"),
    path("spaces/add", add, name="space-add"),
    path("spaces/<int:space_id>", act, name="space-act"),
]
