"""Every address of the site, and what each kind of user gets there.

The table must name every route and every method of the REST interface: a new one fails this file
until somebody has said who may use it. Each is then called by everybody, with one object of each
kind that belongs to one of them.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.comparisons.makers import make_comparison
from tests.factories import make_card, make_checkpoint, make_user
from tests.knowledge.graphs import make_graph
from tests.pages.makers import PNG, make_batch, make_done
from tests.search.factories import make_found_source, passages_of
from webapp.accounts.models import Role, User
from webapp.accounts.operations import create_api_key
from webapp.bulk.models import Action, BulkAct
from webapp.bulk.operations import BulkWish, change_many
from webapp.bulk.queries import Selection
from webapp.catalog.models import Connector, ConnectorKind
from webapp.chains.definitions import Definition, Step
from webapp.chains.models import Chain
from webapp.chains.operations import ChainWish, VersionWish, create_chain
from webapp.chains.run_operations import start_run
from webapp.chats.models import Chat, Turn
from webapp.collections.models import Collection
from webapp.collections.operations import CollectionWish, create_collection
from webapp.common.encryption import encrypt
from webapp.config.management.commands.openapi import AGREED
from webapp.generations.inputs import KeptInput
from webapp.generations.models import Batch, Generation, Tag, Upload
from webapp.generations.tag_operations import create_tag
from webapp.generations.upload_operations import keep_upload
from webapp.grounding.models import Answer
from webapp.knowledge.graph_models import EntityAlias
from webapp.knowledge.models import Source
from webapp.prompts.models import PromptTemplate
from webapp.prompts.operations import TemplateWish, Words, create_template
from webapp.review.decision_operations import Judgement, decide
from webapp.review.models import ReviewQueue
from webapp.review.queue_operations import QueueWish, create_queue
from webapp.search.models import SavedSearch
from webapp.webhooks.models import Endpoint
from webapp.webhooks.operations import send_test

pytestmark = pytest.mark.django_db

#: Where programs are answered, in JSON and with a 401.
INTERFACES = ("api/", "openai/")

#: What becomes of a call; the numbers are those of the answer.
IN, SIGN_IN = "let in", "led to the form"

OPEN = "open"
SHARED = "same for all"
OWN_LIST = "list of one's own; authors add to it"
OWN_ACCOUNT = "of one's own account, also for those who only read"
FOREIGN = "somebody else's: reviewers read it, admins also change it"
CHANGED = "somebody else's, shown only to who may change it"
FORM_OF_AUTHORS = "a form for those who may submit"
USED = "somebody else's, which reviewers may use and say something about"
KEPT = "somebody else's, which reviewers and admins read but nobody else changes"
PRIVATE = "somebody else's and nobody else's business"
REVIEWERS = "for reviewers and admins"
OF_REVIEWERS = "what another reviewer decided, which nobody else takes back"
ADMINS = "for admins and monitors, which have no browser to be led to a form"
ADMINS_ONLY = "for those who run the site"
ADMINS_ACT = "for those who run the site, who must say what is to be done"
FORM = "ends at the form to sign in"
ABSENT = "something that is not there in these tests, or nothing without more words"

#: Who calls, beside nobody: the owner, others with a role or without, and who looks after all.
PEOPLE: dict[str, Callable[[User], User]] = {
    "owner": lambda owner: owner,
    "author": lambda _: make_user(Role.AUTHOR),
    "viewer": lambda _: make_viewer(),
    "reviewer": lambda _: make_user(Role.REVIEWER),
    "admin": lambda _: make_user(Role.ADMIN),
}
STRANGERS = {"author", "viewer"}

#: What each of these people gets, in that order, for reading and for everything else.
CELLS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    OPEN: ((IN,) * 5, (IN,) * 5),
    SHARED: ((IN,) * 5, (IN,) * 5),
    OWN_LIST: ((IN,) * 5, (IN, IN, "403", IN, IN)),
    REVIEWERS: (("403", "403", "403", IN, IN),) * 2,
    OF_REVIEWERS: (("403", "403", "403", "404", "404"),) * 2,
    OWN_ACCOUNT: ((IN,) * 5, (IN,) * 5),
    FOREIGN: ((IN, "404", "404", IN, IN), (IN, "404", "404", "403", IN)),
    CHANGED: ((IN, "404", "404", "403", IN),) * 2,
    FORM_OF_AUTHORS: ((IN, IN, "403", IN, IN),) * 2,
    USED: ((IN, "404", "404", IN, IN), (IN, "404", "404", IN, IN)),
    KEPT: ((IN, "404", "404", IN, IN), (IN, "404", "404", "403", "403")),
    PRIVATE: ((IN, "404", "404", "404", "404"), (IN, "404", "404", "404", "404")),
    ADMINS: (("403", "403", "403", "403", IN), ("403", "403", "403", "403", IN)),
    ADMINS_ONLY: (("403", "403", "403", "403", IN), ("403", "403", "403", "403", IN)),
    ADMINS_ACT: (("403",) * 5, ("403", "403", "403", "403", "404")),
    FORM: ((SIGN_IN,) * 5, (SIGN_IN,) * 5),
    ABSENT: (("404",) * 5, ("404",) * 5),
}

#: What lies behind each route, by method.
ROUTES: dict[str, dict[str, str]] = {
    "healthz/live": {"GET": OPEN},
    "healthz/ready": {"GET": OPEN},
    "metrics": {"GET": ADMINS},
    "problems/<slug:code>": {"GET": OPEN},
    "offline": {"GET": OPEN},
    "favicon.ico": {"GET": OPEN},
    "service-worker.js": {"GET": OPEN},
    "sign-in": {"GET": OPEN, "POST": OPEN},
    "sign-out": {"POST": FORM},
    "account": {"GET": OWN_LIST},
    "account/keys": {"POST": OWN_ACCOUNT},
    "account/keys/<uuid:key_id>/revoke": {"POST": PRIVATE},
    "account/preferences": {"POST": SHARED},
    "account/webhooks": {"GET": OWN_LIST},
    "account/webhooks/add": {"POST": OWN_ACCOUNT},
    "account/webhooks/<uuid:endpoint_id>": {"GET": PRIVATE},
    "account/webhooks/<uuid:endpoint_id>/change": {"POST": PRIVATE},
    "account/webhooks/<uuid:endpoint_id>/rotate": {"POST": PRIVATE},
    "account/webhooks/<uuid:endpoint_id>/test": {"POST": PRIVATE},
    "account/webhooks/<uuid:endpoint_id>/delete": {"POST": PRIVATE},
    "account/webhook-deliveries/<uuid:delivery_id>/resend": {"POST": PRIVATE},
    "collections": {"GET": OWN_LIST},
    "collections/add": {"POST": OWN_LIST},
    "collections/<uuid:collection_id>": {"GET": FOREIGN},
    "collections/<uuid:collection_id>/change": {"POST": FOREIGN},
    "collections/<uuid:collection_id>/items/<uuid:item_id>/remove": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/feedback": {"GET": FOREIGN},
    "generations/<uuid:generation_id>/feedback/give": {"POST": USED},
    "generations/<uuid:generation_id>/feedback/take-back": {"POST": USED},
    "generations/<uuid:generation_id>/collections": {"GET": FOREIGN, "POST": USED},
    "documents/<uuid:source_id>/collections": {"GET": FOREIGN, "POST": USED},
    "families": {"GET": SHARED},
    "families/<slug:family>": {"GET": SHARED},
    "models": {"GET": SHARED},
    "models/<slug:slug>": {"GET": SHARED},
    "models/<slug:slug>/enabled": {"POST": ADMINS_ONLY},
    "openai/v1/models": {"GET": SHARED},
    "openai/v1/models/<str:model>": {"GET": SHARED},
    "openai/v1/embeddings": {"POST": OWN_LIST},
    "openai/v1/chat/completions": {"POST": OWN_LIST},
    "openai/v1/completions": {"POST": OWN_LIST},
    "openai/v1/images/generations": {"POST": OWN_LIST},
    "prompts": {"GET": OWN_LIST},
    "prompts/add": {"POST": OWN_LIST},
    "prompts/<uuid:template_id>": {"GET": FOREIGN},
    "prompts/<uuid:template_id>/write": {"POST": FOREIGN},
    "prompts/<uuid:template_id>/change": {"POST": FOREIGN},
    "prompts/<uuid:template_id>/label": {"POST": FOREIGN},
    "prompts/<uuid:template_id>/trash": {"POST": FOREIGN},
    "prompts/<uuid:template_id>/restore": {"POST": FOREIGN},
    "studio/prompt": {"POST": ABSENT},
    "collections/<uuid:collection_id>/trash": {"POST": FOREIGN},
    "collections/<uuid:collection_id>/restore": {"POST": FOREIGN},
    "review": {"GET": REVIEWERS},
    "review/add": {"POST": REVIEWERS},
    "review/undo": {"POST": REVIEWERS},
    "review/standing/<slug:standing>": {"GET": REVIEWERS},
    "review/queues/<uuid:queue_id>": {"GET": REVIEWERS},
    "review/queues/<uuid:queue_id>/change": {"POST": REVIEWERS},
    "review/queues/<uuid:queue_id>/fill": {"POST": REVIEWERS},
    "review/queues/<uuid:queue_id>/close": {"POST": REVIEWERS},
    "review/queues/<uuid:queue_id>/reopen": {"POST": REVIEWERS},
    "review/queues/<uuid:queue_id>/next": {"POST": REVIEWERS},
    "review/queues/<uuid:queue_id>/decide": {"POST": REVIEWERS},
    "review/items/<uuid:review_item_id>": {"GET": REVIEWERS},
    "review/items/<uuid:review_item_id>/decide": {"POST": REVIEWERS},
    "chains": {"GET": OWN_LIST},
    "chains/add": {"GET": FORM_OF_AUTHORS, "POST": OWN_LIST},
    "chains/example": {"POST": OWN_LIST},
    "chains/<uuid:chain_id>": {"GET": FOREIGN},
    "chains/<uuid:chain_id>/write": {"GET": CHANGED, "POST": CHANGED},
    "chains/<uuid:chain_id>/change": {"POST": FOREIGN},
    "chains/<uuid:chain_id>/trash": {"POST": FOREIGN},
    "chains/<uuid:chain_id>/restore": {"POST": FOREIGN},
    "chains/<uuid:chain_id>/run": {"POST": USED},
    "chain-runs/<uuid:run_id>": {"GET": FOREIGN},
    "chain-runs/<uuid:run_id>/cancel": {"POST": FOREIGN},
    "chain-runs/<uuid:run_id>/retry": {"POST": FOREIGN},
    "chain-runs/<uuid:run_id>/trash": {"POST": FOREIGN},
    "chain-runs/<uuid:run_id>/restore": {"POST": FOREIGN},
    "compare": {"GET": OWN_LIST},
    "compare/draft": {"POST": SHARED},
    "compare/start": {"POST": OWN_LIST},
    "compare/ranking": {"GET": SHARED},
    "compare/two": {"GET": ABSENT},
    "compare/<uuid:comparison_id>": {"GET": FOREIGN},
    "compare/<uuid:comparison_id>/vote": {"POST": USED},
    "compare/<uuid:comparison_id>/reveal": {"POST": USED},
    "compare/<uuid:comparison_id>/cancel": {"POST": FOREIGN},
    "compare/<uuid:comparison_id>/trash": {"POST": FOREIGN},
    "compare/<uuid:comparison_id>/restore": {"POST": FOREIGN},
    "insights": {"GET": OWN_LIST},
    "library/tags": {"GET": OWN_LIST},
    "library/tags/<uuid:tag_id>/rename": {"POST": PRIVATE},
    "library/tags/<uuid:tag_id>/delete": {"POST": PRIVATE},
    "generations/<uuid:generation_id>/tags": {"GET": CHANGED, "POST": CHANGED},
    "generations/<uuid:generation_id>/lineage": {"GET": FOREIGN},
    "api/v1/prompts": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/prompts/<uuid:template_id>": {"GET": FOREIGN, "PATCH": FOREIGN, "DELETE": FOREIGN},
    "api/v1/prompts/<uuid:template_id>/restore": {"POST": FOREIGN},
    "api/v1/prompts/<uuid:template_id>/render": {"POST": USED},
    "api/v1/prompts/<uuid:template_id>/versions": {"GET": FOREIGN, "POST": FOREIGN},
    "api/v1/prompts/<uuid:template_id>/versions/<int:number>": {"GET": FOREIGN},
    "api/v1/prompts/<uuid:template_id>/labels/<str:label>": {"PUT": FOREIGN, "DELETE": FOREIGN},
    "admin/login/": {"GET": FORM},
    "compare/families": {"GET": SHARED},
    "compare/families/<slug:subject>/data.json": {"GET": ABSENT},
    "compare/families/<slug:subject>/<str:name>": {"GET": ABSENT},
    "connectors": {"GET": ADMINS_ONLY},
    "connectors/add": {"POST": ADMINS_ONLY},
    "connectors/<slug:slug>": {"POST": ADMINS_ONLY},
    "workers": {"GET": SHARED},
    "spaces": {"GET": ADMINS_ONLY},
    "spaces/add": {"POST": ADMINS_ONLY},
    "spaces/<int:space_id>": {"POST": ADMINS_ACT},
    "": {"GET": OWN_LIST},
    "studio/knobs": {"GET": SHARED},
    "studio/references": {"GET": OWN_LIST, "POST": OWN_ACCOUNT},
    "studio/files": {"POST": OWN_LIST},
    "studio/generate": {"POST": OWN_LIST},
    "queue": {"GET": OWN_LIST},
    "library": {"GET": OWN_LIST},
    "library/bulk": {"POST": ABSENT},
    "library/bulk/<uuid:act_id>/undo": {"POST": PRIVATE},
    "library/saved": {"GET": OWN_LIST, "POST": OWN_ACCOUNT},
    "library/saved/<uuid:saved_id>/rename": {"POST": PRIVATE},
    "library/saved/<uuid:saved_id>/delete": {"POST": PRIVATE},
    "generations/<uuid:generation_id>": {"GET": FOREIGN},
    "generations/<uuid:generation_id>/card": {"GET": FOREIGN},
    "generations/<uuid:generation_id>/similar": {"GET": FOREIGN},
    "generations/<uuid:generation_id>/cancel": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/trash": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/restore": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/retry": {"POST": FOREIGN},
    "generations/<uuid:generation_id>/reproduce": {"POST": USED},
    "uploads": {"GET": OWN_LIST},
    "uploads/<uuid:upload_id>/delete": {"POST": FOREIGN},
    "uploads/<uuid:upload_id>/similar": {"GET": FOREIGN},
    "batches": {"GET": OWN_LIST},
    "batches/<uuid:batch_id>": {"GET": FOREIGN},
    "batches/<uuid:batch_id>/cancel": {"POST": FOREIGN},
    "batches/<uuid:batch_id>/trash": {"POST": FOREIGN},
    "batches/<uuid:batch_id>/restore": {"POST": FOREIGN},
    "documents": {"GET": OWN_LIST},
    "documents/samples": {"POST": OWN_LIST},
    "documents/add": {"POST": OWN_LIST},
    "documents/test": {"GET": OWN_LIST},
    "documents/add-address": {"POST": OWN_LIST},
    "documents/<uuid:source_id>": {"GET": FOREIGN},
    "documents/<uuid:source_id>/passages/<uuid:passage_id>": {"POST": FOREIGN},
    "documents/<uuid:source_id>/fetch": {"POST": FOREIGN},
    "documents/<uuid:source_id>/cancel": {"POST": FOREIGN},
    "documents/<uuid:source_id>/retry": {"POST": FOREIGN},
    "documents/<uuid:source_id>/versions/<int:number>": {"GET": FOREIGN},
    "documents/<uuid:source_id>/versions/<int:number>/restore": {"POST": FOREIGN},
    "documents/<uuid:source_id>/row": {"GET": FOREIGN},
    "documents/<uuid:source_id>/trash": {"POST": FOREIGN},
    "documents/<uuid:source_id>/restore": {"POST": FOREIGN},
    "knowledge/graph": {"GET": OWN_LIST},
    "knowledge/graph/<uuid:entity_id>": {"GET": FOREIGN},
    "knowledge/graph/<uuid:entity_id>/join": {"POST": FOREIGN},
    "knowledge/graph/<uuid:entity_id>/part": {"POST": FOREIGN},
    "knowledge/graph/<uuid:entity_id>/aliases/<int:alias_id>/split": {"POST": FOREIGN},
    "knowledge/graph/<uuid:entity_id>/aliases/<int:alias_id>/return": {"POST": FOREIGN},
    "ask": {"GET": OWN_LIST},
    "ask/question": {"POST": OWN_LIST},
    "ask/prompt": {"POST": OWN_LIST},
    "ask/<uuid:answer_id>": {"GET": FOREIGN},
    "ask/<uuid:answer_id>/words": {"GET": FOREIGN},
    "ask/<uuid:answer_id>/stop": {"POST": FOREIGN},
    "chats": {"GET": OWN_LIST},
    "chats/start": {"POST": OWN_LIST},
    "chats/<uuid:chat_id>": {"GET": FOREIGN},
    "chats/from/<uuid:answer_id>": {"POST": KEPT},
    "chats/<uuid:chat_id>/ask": {"POST": KEPT},
    "chats/<uuid:chat_id>/rename": {"POST": KEPT},
    "chats/<uuid:chat_id>/trash": {"POST": KEPT},
    "chats/<uuid:chat_id>/restore": {"POST": KEPT},
    "chats/<uuid:chat_id>/turns/<uuid:turn_id>/reply": {"GET": FOREIGN},
    "chats/<uuid:chat_id>/turns/<uuid:turn_id>/again": {"POST": KEPT},
    "chats/<uuid:chat_id>/turns/<uuid:turn_id>/stop": {"POST": KEPT},
    "api/v1/openapi.json": {"GET": OPEN},
    "api/v1/docs": {"GET": OPEN},
    "api/v1/me": {"GET": OWN_LIST},
    "api/v1/me/preferences": {"GET": OWN_ACCOUNT, "PATCH": OWN_ACCOUNT},
    "api/v1/usage": {"GET": OWN_LIST},
    "api/v1/api-keys": {"GET": OWN_LIST, "POST": OWN_ACCOUNT},
    "api/v1/api-keys/<uuid:key_id>": {"GET": PRIVATE, "DELETE": PRIVATE},
    "api/v1/models": {"GET": SHARED},
    "api/v1/models/<slug:slug>": {"GET": SHARED},
    "api/v1/models/<slug:slug>/versions": {"GET": SHARED},
    "api/v1/models/<slug:slug>/enabled": {"PUT": ADMINS_ONLY},
    "api/v1/connectors": {"GET": ADMINS_ONLY, "POST": ADMINS_ONLY},
    "api/v1/connectors/<slug:slug>": {
        "GET": ADMINS_ONLY,
        "PATCH": ADMINS_ONLY,
        "DELETE": ADMINS_ONLY,
    },
    "api/v1/connectors/<slug:slug>/check": {"POST": ADMINS_ONLY},
    "api/v1/generations": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/generations/<uuid:generation_id>": {"GET": FOREIGN, "DELETE": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/cancel": {"POST": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/retry": {"POST": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/reproduce": {"POST": USED},
    "api/v1/generations/<uuid:generation_id>/reproductions": {"GET": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/restore": {"POST": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/similar": {"GET": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/inputs/<str:name>/content": {"GET": FOREIGN},
    "api/v1/generations/references": {"GET": OWN_LIST},
    "api/v1/batches": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/batches/<uuid:batch_id>": {"GET": FOREIGN, "DELETE": FOREIGN},
    "api/v1/batches/<uuid:batch_id>/cancel": {"POST": FOREIGN},
    "api/v1/batches/<uuid:batch_id>/restore": {"POST": FOREIGN},
    "api/v1/artifacts/<uuid:artifact_id>/content": {"GET": FOREIGN},
    "api/v1/uploads": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/uploads/<uuid:upload_id>": {"GET": FOREIGN, "DELETE": FOREIGN},
    "api/v1/uploads/<uuid:upload_id>/content": {"GET": FOREIGN},
    "api/v1/uploads/<uuid:upload_id>/similar": {"GET": FOREIGN},
    "api/v1/search": {"GET": OWN_LIST},
    "api/v1/embedding-spaces": {"GET": ADMINS_ONLY, "POST": ADMINS_ONLY},
    "api/v1/embedding-spaces/<int:space_id>": {"GET": ADMINS_ONLY, "DELETE": ADMINS_ONLY},
    "api/v1/embedding-spaces/<int:space_id>/switch": {"POST": ADMINS_ONLY},
    "api/v1/embedding-spaces/<int:space_id>/rollback": {"POST": ADMINS_ONLY},
    "api/v1/embedding-spaces/<int:space_id>/check": {"POST": ADMINS_ONLY},
    "api/v1/saved-searches": {"GET": OWN_LIST, "POST": OWN_ACCOUNT},
    "api/v1/saved-searches/<uuid:saved_id>": {
        "GET": PRIVATE,
        "PATCH": PRIVATE,
        "DELETE": PRIVATE,
    },
    "api/v1/documents": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/documents/<uuid:source_id>": {
        "GET": FOREIGN,
        "PATCH": FOREIGN,
        "DELETE": FOREIGN,
    },
    "api/v1/documents/<uuid:source_id>/chunks": {"GET": FOREIGN},
    "api/v1/documents/<uuid:source_id>/chunks/<uuid:passage_id>": {"PATCH": FOREIGN},
    "api/v1/documents/<uuid:source_id>/chunks/<uuid:passage_id>/split": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/chunks/<uuid:passage_id>/join": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/restore": {"POST": FOREIGN},
    "api/v1/entities": {"GET": OWN_LIST},
    "api/v1/entities/<uuid:entity_id>": {"GET": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/relations": {"GET": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/neighbours": {"GET": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/merge": {"POST": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/unmerge": {"POST": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/split": {"POST": FOREIGN},
    "api/v1/entities/<uuid:entity_id>/unsplit": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/fetch": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/cancel": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/retry": {"POST": FOREIGN},
    "api/v1/documents/<uuid:source_id>/versions": {"GET": FOREIGN},
    "api/v1/documents/<uuid:source_id>/versions/<int:number>/restore": {"POST": FOREIGN},
    "api/v1/webhook-endpoints": {"GET": OWN_LIST, "POST": OWN_ACCOUNT},
    "api/v1/webhook-endpoints/<uuid:endpoint_id>": {
        "GET": PRIVATE,
        "PATCH": PRIVATE,
        "DELETE": PRIVATE,
    },
    "api/v1/webhook-endpoints/<uuid:endpoint_id>/rotate-secret": {"POST": PRIVATE},
    "api/v1/webhook-endpoints/<uuid:endpoint_id>/test": {"POST": PRIVATE},
    "api/v1/webhook-endpoints/<uuid:endpoint_id>/deliveries": {"GET": PRIVATE},
    "api/v1/webhook-deliveries/<uuid:delivery_id>": {"GET": PRIVATE},
    "api/v1/webhook-deliveries/<uuid:delivery_id>/resend": {"POST": PRIVATE},
    "api/v1/generations/<uuid:generation_id>/feedback": {
        "GET": FOREIGN,
        "PUT": USED,
        "DELETE": USED,
    },
    "api/v1/generations/<uuid:generation_id>/decisions": {"GET": REVIEWERS},
    "api/v1/review-queues": {"GET": REVIEWERS, "POST": REVIEWERS},
    "api/v1/review-queues/<uuid:queue_id>": {"GET": REVIEWERS, "PATCH": REVIEWERS},
    "api/v1/review-queues/<uuid:queue_id>/fill": {"POST": REVIEWERS},
    "api/v1/review-queues/<uuid:queue_id>/close": {"POST": REVIEWERS},
    "api/v1/review-queues/<uuid:queue_id>/reopen": {"POST": REVIEWERS},
    "api/v1/review-queues/<uuid:queue_id>/agreement": {"GET": REVIEWERS},
    "api/v1/review-queues/<uuid:queue_id>/items": {"GET": REVIEWERS},
    "api/v1/review-queues/<uuid:queue_id>/next": {"POST": REVIEWERS},
    "api/v1/review-items/<uuid:review_item_id>": {"GET": REVIEWERS},
    "api/v1/review-items/<uuid:review_item_id>/release": {"POST": REVIEWERS},
    "api/v1/review-decisions": {"POST": REVIEWERS},
    "api/v1/review-decisions/<uuid:act>": {"GET": OF_REVIEWERS},
    "api/v1/review-decisions/<uuid:act>/undo": {"POST": OF_REVIEWERS},
    "api/v1/collections": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/collections/<uuid:collection_id>": {
        "GET": FOREIGN,
        "PATCH": FOREIGN,
        "DELETE": FOREIGN,
    },
    "api/v1/collections/<uuid:collection_id>/items": {"GET": FOREIGN, "POST": FOREIGN},
    "api/v1/collections/<uuid:collection_id>/items/<uuid:item_id>": {"DELETE": FOREIGN},
    "api/v1/answers": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/answers/<uuid:answer_id>": {"GET": FOREIGN, "DELETE": FOREIGN},
    "api/v1/answers/<uuid:answer_id>/restore": {"POST": FOREIGN},
    "api/v1/answers/<uuid:answer_id>/cancel": {"POST": FOREIGN},
    "api/v1/chats": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/chats/<uuid:chat_id>": {"GET": FOREIGN, "PATCH": KEPT, "DELETE": KEPT},
    "api/v1/chats/<uuid:chat_id>/restore": {"POST": KEPT},
    "api/v1/chats/<uuid:chat_id>/export": {"GET": FOREIGN},
    "api/v1/chats/<uuid:chat_id>/turns": {"POST": KEPT},
    "api/v1/chats/<uuid:chat_id>/turns/<uuid:turn_id>": {"GET": FOREIGN},
    "api/v1/chats/<uuid:chat_id>/turns/<uuid:turn_id>/again": {"POST": KEPT},
    "api/v1/chats/<uuid:chat_id>/turns/<uuid:turn_id>/cancel": {"POST": KEPT},
    "api/v1/chains": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/chains/<uuid:chain_id>": {"GET": FOREIGN, "PATCH": FOREIGN, "DELETE": FOREIGN},
    "api/v1/chains/<uuid:chain_id>/restore": {"POST": FOREIGN},
    "api/v1/chains/<uuid:chain_id>/versions": {"GET": FOREIGN, "POST": FOREIGN},
    "api/v1/chains/<uuid:chain_id>/versions/<int:number>": {"GET": FOREIGN},
    "api/v1/chains/<uuid:chain_id>/runs": {"GET": FOREIGN, "POST": USED},
    "api/v1/chain-runs": {"GET": OWN_LIST},
    "api/v1/chain-runs/<uuid:run_id>": {"GET": FOREIGN, "DELETE": FOREIGN},
    "api/v1/chain-runs/<uuid:run_id>/cancel": {"POST": FOREIGN},
    "api/v1/chain-runs/<uuid:run_id>/retry": {"POST": FOREIGN},
    "api/v1/chain-runs/<uuid:run_id>/restore": {"POST": FOREIGN},
    "api/v1/insights": {"GET": OWN_LIST},
    "api/v1/generations/<uuid:generation_id>/tags": {"GET": FOREIGN, "PUT": FOREIGN},
    "api/v1/generations/<uuid:generation_id>/lineage": {"GET": FOREIGN},
    "api/v1/generations/tags": {"POST": OWN_LIST},
    "api/v1/generations/bulk": {"POST": OWN_LIST},
    "api/v1/generations/bulk/<uuid:act_id>": {"GET": PRIVATE},
    "api/v1/generations/bulk/<uuid:act_id>/undo": {"POST": PRIVATE},
    "api/v1/generations/export": {"POST": OWN_ACCOUNT},
    "api/v1/tags": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/tags/<uuid:tag_id>": {"GET": PRIVATE, "PATCH": PRIVATE, "DELETE": PRIVATE},
    "api/v1/comparisons": {"GET": OWN_LIST, "POST": OWN_LIST},
    "api/v1/comparisons/<uuid:comparison_id>": {"GET": FOREIGN, "DELETE": FOREIGN},
    "api/v1/comparisons/<uuid:comparison_id>/cancel": {"POST": FOREIGN},
    "api/v1/comparisons/<uuid:comparison_id>/restore": {"POST": FOREIGN},
    "api/v1/comparisons/<uuid:comparison_id>/reveal": {"POST": USED},
    "api/v1/comparisons/<uuid:comparison_id>/votes": {"GET": FOREIGN, "POST": USED},
    "api/v1/rankings": {"GET": SHARED},
    "api/v1/collections/<uuid:collection_id>/restore": {"POST": FOREIGN},
}


def walk(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from walk(pattern, route)
        else:
            yield route, pattern


class Rows:
    """Rows of the owner, each made when it is first asked for: most routes need one of them."""

    def __init__(self, owner: User) -> None:
        self.owner = owner

    @cached_property
    def generation(self) -> Generation:
        made = make_done(owner=self.owner, prompt="mine alone")
        kept = KeptInput(self.upload.sha256, self.upload.size, self.upload.media_type)
        Generation.objects.filter(id=made.id).update(inputs={"image": kept.to_json()})
        return made

    @cached_property
    def upload(self) -> Upload:
        return keep_upload(owner=self.owner, content=PNG, name="mine alone.png").upload

    @cached_property
    def answer(self) -> Answer:
        return Answer.objects.create(
            owner=self.owner,
            question="Whose is it?",
            found=False,
            confidence=0.1,
            num_passages=0,
            include_generations=True,
            space="none",
            took_ms=1.0,
        )

    @cached_property
    def endpoint(self) -> Endpoint:
        return Endpoint.objects.create(
            owner=self.owner,
            url="https://example.com/mine-alone",
            event_types=[],
            secret=encrypt("x"),
        )

    @cached_property
    def named(self) -> EntityAlias:
        make_graph(self.owner, ["It was told by the poet Mine Alone."])
        return EntityAlias.objects.get(text="Mine Alone")

    @cached_property
    def turn(self) -> Turn:
        chat = Chat.objects.create(
            owner=self.owner, title="Mine alone", grounded=True, answerer="quotes"
        )
        return Turn.objects.create(chat=chat, question="Mine alone?", answer=self.answer)

    @cached_property
    def source(self) -> Source:
        made = make_found_source(owner=self.owner, texts=["Mine alone."])
        # From an address, so that it can be fetched again.
        Source.objects.filter(id=made.id).update(url="https://example.com/mine-alone")
        return made

    @cached_property
    def collection(self) -> Collection:
        return create_collection(owner=self.owner, wish=CollectionWish("Mine alone"))

    @cached_property
    def chain(self) -> Chain:
        steps = VersionWish(Definition((Step("Mine alone", "toy-text", "mine alone"),)))
        return create_chain(owner=self.owner, wish=ChainWish("Mine alone"), steps=steps)

    @cached_property
    def tag(self) -> Tag:
        return create_tag(owner=self.owner, name="mine alone")

    @cached_property
    def queue(self) -> ReviewQueue:
        _ = self.generation
        return create_queue(creator=self.owner, wish=QueueWish("Mine alone"))

    @cached_property
    def act(self) -> uuid.UUID:
        """Decided by another reviewer than those who call."""
        return decide(
            reviewer=make_user(Role.REVIEWER),
            generations=[self.generation.id],
            judgement=Judgement("flagged", comment="mine alone"),
        )

    @cached_property
    def comparison(self) -> Batch:
        make_checkpoint(make_card(slug="toy-other"))
        return make_comparison(self.owner, models=("toy-text", "toy-other"), prompt="mine alone")

    @cached_property
    def bulk_act(self) -> BulkAct:
        wish = BulkWish(Action.TAG, Selection(ids=(self.generation.id,)), (self.tag.name,))
        return change_many(user=self.owner, wish=wish).act

    @cached_property
    def saved(self) -> SavedSearch:
        return SavedSearch.objects.create(
            owner=self.owner, name="Mine alone", parameters={"q": "mine alone"}
        )


#: What fills the places of a route.
PLACES: dict[str, Callable[[Rows], object]] = {
    "<uuid:collection_id>": lambda rows: rows.collection.id,
    "<uuid:item_id>": lambda rows: rows.source.id,
    "<uuid:entity_id>": lambda rows: rows.named.root_id,
    "<int:alias_id>": lambda rows: rows.named.id,
    "<uuid:chat_id>": lambda rows: rows.turn.chat_id,
    "<uuid:turn_id>": lambda rows: rows.turn.id,
    "<uuid:endpoint_id>": lambda rows: rows.endpoint.id,
    "<uuid:delivery_id>": lambda rows: send_test(endpoint=rows.endpoint).id,
    "<uuid:generation_id>": lambda rows: rows.generation.id,
    "<uuid:saved_id>": lambda rows: rows.saved.id,
    "<uuid:act_id>": lambda rows: rows.bulk_act.id,
    "<uuid:batch_id>": lambda rows: make_batch(rows.owner, n=2).id,
    "<uuid:upload_id>": lambda rows: rows.upload.id,
    "<str:name>": lambda _: "image",
    "<uuid:artifact_id>": lambda rows: rows.generation.response.artifacts.get().id,
    "<uuid:source_id>": lambda rows: rows.source.id,
    "<uuid:passage_id>": lambda rows: passages_of(rows.source)[0].id,
    "<uuid:answer_id>": lambda rows: rows.answer.id,
    "<uuid:key_id>": lambda rows: create_api_key(user=rows.owner, name="mine").row.id,
    "<int:number>": lambda _: 1,
    # The space comes with the first passage; its number grows with every test that needs one.
    "<int:space_id>": lambda rows: passages_of(rows.source)[0].vectors.get().space_id,
    "<slug:slug>": lambda _: "toy-text",
    "<slug:family>": lambda _: "gan",
    "<slug:subject>": lambda _: "fashion",
    "<str:label>": lambda _: "production",
    "<uuid:template_id>": lambda rows: keep_prompt(rows.owner).id,
    "<str:model>": lambda _: "toy-text",
    "<slug:code>": lambda _: "not_found",
    "<uuid:tag_id>": lambda rows: rows.tag.id,
    "<uuid:queue_id>": lambda rows: rows.queue.id,
    "<uuid:review_item_id>": lambda rows: rows.queue.items.earliest("id").id,
    "<uuid:act>": lambda rows: rows.act,
    "<slug:standing>": lambda _: "flagged",
    "<uuid:comparison_id>": lambda rows: rows.comparison.id,
    "<uuid:chain_id>": lambda rows: rows.chain.id,
    "<uuid:run_id>": lambda rows: start_run(owner=rows.owner, chain=rows.chain, values={}).run_id,
}


def make_viewer() -> User:
    """Somebody without a role, who reads what is shared."""
    made = make_user()
    made.groups.clear()
    return made


def keep_prompt(owner: User) -> PromptTemplate:
    return create_template(owner=owner, wish=TemplateWish("Mine alone"), words=Words("mine alone"))


def call(client: Client, route: str, method: str, places: Mapping[str, str]) -> Any:
    for place in re.findall("<.*?>", route):
        route = route.replace(place, places[place])
    query = "?q=mine" if route.endswith("search") else ""
    query = "?prompt=mine" if route == "api/v1/generations/references" else query
    content_type = "application/json" if route.startswith(INTERFACES) else "text/plain"
    return client.generic(method, f"/{route}{query}", b"", content_type=content_type)


def outcome(answer: Any) -> str:
    """Let in or not: what an empty body lacks is told to those only who may send one."""
    assert answer.status_code < 500, answer.content
    if answer.get("Location", "").startswith("/sign-in"):
        return SIGN_IN
    return str(answer.status_code) if answer.status_code in {401, 403, 404} else IN


def expected(route: str, method: str, who: str) -> str:
    kind = ROUTES[route][method]
    if who == "nobody" and kind != OPEN:
        is_program = route.startswith(INTERFACES) or kind == ADMINS
        return "401" if is_program else SIGN_IN
    if who == "nobody":
        return IN
    reading, changing = CELLS[kind]
    return (reading if method == "GET" else changing)[list(PEOPLE).index(who)]


def test_the_table_names_every_route_and_method():
    found = {}
    for route, pattern in walk(get_resolver()):
        view = getattr(pattern.callback, "view_class", None)
        verbs = ("get", "post", "put", "patch", "delete")
        if route.startswith(INTERFACES) and view is not None:
            found[route] = {verb.upper() for verb in verbs if hasattr(view, verb)}
        else:
            found[route] = set(ROUTES.get(route, ()))
    assert found == {route: set(methods) for route, methods in ROUTES.items()}


def test_what_is_described_are_these_routes_and_the_live_streams():
    """The streams are answered before Django; `tests/generations/test_events.py` has who reads."""
    described = {
        (re.sub("{.*?}", "{}", path), method.upper())
        for path, methods in json.loads(AGREED.read_text(encoding="utf-8"))["paths"].items()
        for method in methods
    }
    routed = {
        (re.sub("<.*?>", "{}", f"/{route}"), method)
        for route, methods in ROUTES.items()
        for method in methods
        if route.startswith("api/")
    }
    assert described - routed == {
        ("/api/v1/events", "GET"),
        ("/api/v1/generations/{}/events", "GET"),
    }
    assert routed - described == {("/api/v1/openapi.json", "GET"), ("/api/v1/docs", "GET")}


@pytest.fixture
def owner(db: None) -> User:
    return make_user(username="owner")


@pytest.fixture
def places(owner: User) -> dict[str, str]:
    """What is put into the places of a route: one object of each kind, all of the owner."""
    Connector.objects.create(
        checkpoint=make_checkpoint(),
        kind=ConnectorKind.SERVER,
        url="https://example.com",
        model="m",
    )
    rows = Rows(owner)
    return {place: str(make(rows)) for place, make in PLACES.items()}


@pytest.mark.parametrize("who", ["nobody", *PEOPLE])
def test_each_route_lets_in_whom_the_table_says(who, owner, places):
    user = None if who == "nobody" else PEOPLE[who](owner)
    wrong, told = [], []
    client = Client()
    if user is not None:
        client.force_login(user)
    signed_in = SimpleCookie(client.cookies)
    for route, methods in ROUTES.items():
        for method in methods:
            client.cookies = SimpleCookie(signed_in)
            # What a call does is undone, so that the next one finds everything as it was.
            with transaction.atomic():
                answer = call(client, route, method, places)
                transaction.set_rollback(True)
            if outcome(answer) != expected(route, method, who):
                wrong.append(f"{method} {route}: {outcome(answer)}")
            content = b"" if answer.streaming else answer.content.lower()
            if who in STRANGERS and b"mine alone" in content:
                told.append(f"{method} {route}")
    assert not wrong, "\n".join(wrong)
    assert not told, "\n".join(told)
