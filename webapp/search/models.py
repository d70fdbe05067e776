"""What can be found: passages of text, their vectors, and how rare each term is."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now
from pgvector.django import HalfVectorField, SparseVectorField

from webapp.catalog.models import Checkpoint
from webapp.common.ids import uuid7
from webapp.generations.models import Generation
from webapp.search.analyser import NUM_TERM_IDS

#: `Passage.kind` of text from a document; text of a generation has the kind of what was generated.
DOCUMENT_KIND = "document"

#: Passages that searches look at.
FOUND = Q(trashed=False, is_excluded=False)


class EmbeddingSpace(models.Model):
    """The vectors of one embedder. Those of two spaces are never compared.

    Another embedder is another space; each has a partition of its own. One is searched
    (`ActiveSpace`), all are kept filled, so that any of them can take over or take back. A space
    ends when it is dropped.

    `url`, `model` and the encrypted `key` say where its embedder is, if on a server;
    `is_operators` that the address comes from the settings, and may therefore lead anywhere.
    `trouble` is why the last vectors did not come; `filled_at` and `filled_per_second` tell of the
    last that did.
    """

    name = models.CharField(max_length=200, unique=True)
    dims = models.PositiveSmallIntegerField()
    url = models.CharField(max_length=2048, blank=True, default="", db_default="")
    model = models.CharField(max_length=160, blank=True, default="", db_default="")
    key = models.TextField(blank=True, default="", db_default="")
    is_operators = models.BooleanField(default=False, db_default=False)
    switches_when_ready = models.BooleanField(default=False, db_default=False)
    check_wanted = models.BooleanField(default=False, db_default=False)
    filled_at = models.DateTimeField(null=True, blank=True)
    filled_per_second = models.FloatField(null=True, blank=True)
    trouble = models.CharField(max_length=300, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            # pgvector indexes half-precision vectors up to this width.
            models.CheckConstraint(
                condition=Q(dims__gte=1, dims__lte=4000), name="embedding_space_can_be_indexed"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ActiveSpace(models.Model):
    """The one space that is searched: the only row of its table.

    The foreign key keeps the space from being dropped. `previous` is the space before it, to which
    a rollback leads. `settings_name` is the embedder that the settings named when they were last
    looked at, by which a change of them is told from a switch made by hand.
    """

    ID = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ID)
    space = models.OneToOneField(EmbeddingSpace, on_delete=models.PROTECT, related_name="use")
    previous = models.ForeignKey(
        EmbeddingSpace, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    since = models.DateTimeField(db_default=Now())
    settings_name = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="active_space_is_one"),
            models.CheckConstraint(
                condition=~Q(previous=F("space")), name="active_space_is_not_its_own_previous"
            ),
        ]

    def __str__(self) -> str:
        return f"searches look in {self.space_id}"


class RecallCheck(models.Model):
    """How many of the nearest the graph of a space found, compared with looking at all vectors.

    `recall` is the mean share of the ten nearest found, over `num_queries` stored vectors.
    """

    space = models.ForeignKey(EmbeddingSpace, on_delete=models.CASCADE, related_name="checks")
    checked_at = models.DateTimeField(db_default=Now())
    num_vectors = models.PositiveIntegerField()
    num_queries = models.PositiveSmallIntegerField()
    recall = models.FloatField()
    seconds = models.FloatField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(recall__gte=0, recall__lte=1), name="recall_is_a_share"
            )
        ]
        indexes = [models.Index(fields=["space", "-checked_at"], name="recall_check_latest")]

    def __str__(self) -> str:
        return f"{self.space_id}: {self.recall:.3f}"


class Passage(models.Model):
    """A searchable unit of text, of exactly one generation or one document.

    `start` and `end` count characters of the text it was cut from: the prompt (ordinal 0 of a
    generation), the response, or the text read from a document. `bm25` holds the weight of each
    term; `terms` is what the index looks a passage up by: its terms and the levels they reach.
    `checkpoint`, `origin_at` and `trashed` repeat what its origin says, so that a search need not
    look there; triggers keep them so, whoever changes the origin.

    Passages of one owner that say nearly the same word for word share a `repeat_group`: the id of
    the first of them, which itself has none. What `is_excluded` its owner does not want found;
    what `is_edited` was cut or headed by them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    generation = models.ForeignKey(
        Generation, null=True, blank=True, on_delete=models.CASCADE, related_name="passages"
    )
    source = models.ForeignKey(
        "knowledge.Source",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="passages",
    )
    kind = models.CharField(max_length=16)
    ordinal = models.PositiveIntegerField()
    heading = models.TextField(blank=True, default="")
    text = models.TextField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    page = models.PositiveIntegerField(null=True, blank=True)
    language = models.CharField(max_length=8, blank=True, default="")
    analyser_version = models.PositiveSmallIntegerField()
    terms = ArrayField(models.IntegerField())
    bm25 = SparseVectorField(dimensions=NUM_TERM_IDS)
    checkpoint = models.ForeignKey(
        Checkpoint, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    origin_at = models.DateTimeField(db_default=Now())
    trashed = models.BooleanField(db_default=False)
    repeat_group = models.UUIDField(null=True)
    is_excluded = models.BooleanField(default=False, db_default=False)
    is_edited = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(generation__isnull=True) ^ Q(source__isnull=True),
                name="passage_has_exactly_one_origin",
            ),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="passage_is_not_empty"),
            models.UniqueConstraint(
                fields=["generation", "ordinal"], name="passage_of_generation_is_unique"
            ),
            models.UniqueConstraint(
                fields=["source", "ordinal"], name="passage_of_source_is_unique"
            ),
        ]
        indexes = [
            # Entries go where they belong at once: searches would have to read a pending list.
            GinIndex(fields=["terms"], name="passage_terms", fastupdate=False),
            # Scopes are counted in these without a look at the passages, so each leaves out what
            # no search finds.
            models.Index(
                fields=["owner", "kind"], include=["id"], condition=FOUND, name="passage_scope"
            ),
            models.Index(fields=["origin_at"], condition=FOUND, name="passage_time"),
            models.Index(fields=["language"], condition=FOUND, name="passage_language"),
            models.Index(
                fields=["repeat_group"],
                condition=Q(repeat_group__isnull=False),
                name="passage_repeats",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} passage {self.ordinal} of {self.generation_id or self.source_id}"


class PassageVector(models.Model):
    """The unit vector of a passage in one space; a passage without one is not embedded yet.

    Rows are inserted and deleted, never updated: a graph index pays dearly for updates. The table
    is partitioned by space, which the migration writes in SQL.
    """

    pk = models.CompositePrimaryKey("space_id", "passage_id")
    space = models.ForeignKey(EmbeddingSpace, on_delete=models.CASCADE, related_name="+")
    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="vectors")
    embedding = HalfVectorField()

    def __str__(self) -> str:
        return f"{self.space_id} {self.passage_id}"


class TermStatistic(models.Model):
    """In how many passages a term occurs, counted now and then in the background."""

    pk = models.CompositePrimaryKey("analyser_version", "term")
    analyser_version = models.PositiveSmallIntegerField()
    term = models.IntegerField()
    num_passages = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.term}: {self.num_passages}"


class CorpusStatistic(models.Model):
    """How many passages there were when the terms were counted."""

    analyser_version = models.PositiveSmallIntegerField(primary_key=True)
    num_passages = models.PositiveIntegerField()
    counted_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.num_passages} passages"


class Word(models.Model):
    """A word as it stands in an owner's passages, folded, to be found by those that misspell it.

    Kept by the indexing worker, so it may come late and go late: who suggests a word looks first
    whether a passage still holds it. `keys` are those of `spelling.keys_of_word`.
    """

    pk = models.CompositePrimaryKey("owner_id", "word")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    word = models.CharField(max_length=32)
    term = models.IntegerField()
    analyser_version = models.PositiveSmallIntegerField()
    keys = ArrayField(models.IntegerField())

    class Meta:
        indexes = [
            models.Index(fields=["term", "owner"], name="word_term"),
            GinIndex(fields=["keys"], name="word_keys", fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.word


class ReadPassage(models.Model):
    """A passage whose words are kept. It outlives the passage, to tell that words may be gone."""

    passage_id = models.UUIDField(primary_key=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    analyser_version = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return str(self.passage_id)


class SavedSearch(models.Model):
    """A search that its owner gave a name; nobody else sees it.

    `parameters` are those of the search's address, by name, as `requests.parse_search` reads them.
    They are read anew each time, since what they name may be gone by then.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches"
    )
    name = models.CharField(max_length=100)
    parameters = models.JSONField()
    #: Counts the changes that its owner made to it.
    revision = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("owner", Lower("name"), name="saved_search_name_is_unique")
        ]

    def __str__(self) -> str:
        return self.name
