"""Every page that people see; the REST interface has its own addresses."""

from django.urls import URLPattern, URLResolver

from webapp.accounts import pages as accounts
from webapp.bulk import pages as bulk
from webapp.catalog import comparison_pages as comparisons
from webapp.catalog import connector_pages as connectors
from webapp.catalog import family_pages as families
from webapp.catalog import pages as catalog
from webapp.chains import pages as chains
from webapp.chains import run_pages as chain_runs
from webapp.chats import pages as chats
from webapp.collections import pages as collections
from webapp.common import pages as common
from webapp.comparisons import pages as compared
from webapp.comparisons import two_pages as compared_two
from webapp.generations import batch_pages as batches
from webapp.generations import pages as generations
from webapp.generations import studio_pages as studio
from webapp.generations import tag_pages as tags
from webapp.generations import upload_pages as uploads
from webapp.grounding import pages as grounding
from webapp.grounding import retrieval_pages as retrieval
from webapp.insights import pages as insights
from webapp.jobs import pages as jobs
from webapp.knowledge import graph_pages as graph
from webapp.knowledge import pages as knowledge
from webapp.knowledge import passage_pages as passages
from webapp.knowledge import sample_pages as samples
from webapp.knowledge import version_pages as versions
from webapp.lineage import pages as lineage
from webapp.prompts import pages as prompts
from webapp.review import item_pages as reviewing
from webapp.review import pages as feedback
from webapp.review import queue_pages as review
from webapp.search import pages as search
from webapp.search import reference_pages as references
from webapp.search import saved_pages as saved
from webapp.search import space_pages as spaces
from webapp.webhooks import pages as webhooks

urlpatterns: list[URLPattern | URLResolver] = [
    *common.urlpatterns,
    *accounts.urlpatterns,
    *catalog.urlpatterns,
    *families.urlpatterns,
    *comparisons.urlpatterns,
    *connectors.urlpatterns,
    *jobs.urlpatterns,
    *studio.urlpatterns,
    *generations.urlpatterns,
    *batches.urlpatterns,
    *tags.urlpatterns,
    *uploads.urlpatterns,
    *prompts.urlpatterns,
    *chains.urlpatterns,
    *chain_runs.urlpatterns,
    *collections.urlpatterns,
    *search.urlpatterns,
    *bulk.urlpatterns,
    *references.urlpatterns,
    *spaces.urlpatterns,
    *saved.urlpatterns,
    *knowledge.urlpatterns,
    *samples.urlpatterns,
    *passages.urlpatterns,
    *versions.urlpatterns,
    *graph.urlpatterns,
    *grounding.urlpatterns,
    *retrieval.urlpatterns,
    *chats.urlpatterns,
    *webhooks.urlpatterns,
    *feedback.urlpatterns,
    *review.urlpatterns,
    *reviewing.urlpatterns,
    *compared.urlpatterns,
    *compared_two.urlpatterns,
    *lineage.urlpatterns,
    *insights.urlpatterns,
]
