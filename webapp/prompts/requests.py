"""A wish to generate from a template: which version, and the values for its places."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.prompts.models import PromptVersion
from webapp.prompts.queries import (
    LATEST,
    UnableToFindTemplate,
    UnableToFindVersion,
    choose_version,
    get_template,
)
from webapp.prompts.templating import render


@dataclass(frozen=True)
class TemplateUse:
    """A template, the number or label of a version, and a value for each place."""

    template_id: uuid.UUID
    wanted: int | str = LATEST
    variables: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class RenderedPrompt:
    """What came of a use: the words, and the version that they are of."""

    text: str
    version: PromptVersion
    values: Mapping[str, str]


def render_template(*, user: User, use: TemplateUse) -> RenderedPrompt:
    """Put the values into the version that is asked for; raises InvalidRequest with all faults.

    Pointers are those of the REST body, in which the use is the member `template`.
    """
    try:
        template = get_template(user=user, template_id=use.template_id, is_kept=True)
        version = choose_version(template, use.wanted)
    except UnableToFindTemplate as error:
        fault = Fault("/template/id", "not_found", "there is no such prompt, or it is not yours")
        raise InvalidRequest([fault]) from error
    except UnableToFindVersion as error:
        name = "version" if isinstance(use.wanted, int) else "label"
        raise InvalidRequest([Fault(f"/template/{name}", "not_found", str(error))]) from error
    text = render(
        version.text,
        values=use.variables,
        defaults=version.defaults,
        pointer="/template/variables",
    )
    return RenderedPrompt(text, version, {k: str(v) for k, v in use.variables.items()})
