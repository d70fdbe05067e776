"""Queries that every request makes, with their SQL written once.

Django builds the text of a query anew each time, which for one that joins several tables costs
more than Postgres takes to answer it. Here it is built at the first use; after that only the
values change. Rows become the same objects as always, by Django's own code.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

Row = TypeVar("Row", bound=Model)


class PreparedQuery(Generic[Row]):
    """`make` builds the queryset from values of the names and types of `examples`.

    The examples must be values that occur nowhere else in the query: their places are found by
    them. Nothing else of it may depend on when or for whom it is made. What it prefetches is left
    to the caller.
    """

    def __init__(self, make: Callable[..., QuerySet[Row]], /, **examples: object) -> None:
        self._make = make
        self._examples = examples
        self._compiled: tuple[QuerySet[Row], Any, str, tuple[Any, ...]] | None = None

    def fetch(self, **values: object) -> list[Row]:
        """The rows for these values."""
        queryset, compiler, sql, template = self._compile()
        database = connections[queryset.db]
        compiler = copy.copy(compiler)
        compiler.connection = database
        parameters = tuple(self._value_of(each, values) for each in template)
        compiler.as_sql = lambda *_, **__: (sql, parameters)
        # All that Django's own reader of rows asks of a queryset.
        asked: Any = SimpleNamespace(
            db=queryset.db,
            model=queryset.model,
            query=SimpleNamespace(get_compiler=lambda *_, **__: compiler),
            _known_related_objects={},
        )
        return list(ModelIterable(asked))

    def first(self, **values: object) -> Row | None:
        """The first row, or None."""
        return next(iter(self.fetch(**values)), None)

    def _compile(self) -> tuple[QuerySet[Row], Any, str, tuple[Any, ...]]:
        if self._compiled is None:
            queryset = self._make(**self._examples)
            compiler = queryset.query.get_compiler(using=queryset.db)
            sql, template = compiler.as_sql()
            missing = [name for name, value in self._examples.items() if value not in template]
            assert not missing, f"the query does not depend on {missing}"
            # Bound last, so that other threads see all of it or nothing.
            self._compiled = (queryset, compiler, sql, tuple(template))
        return self._compiled

    def _value_of(self, placed: object, values: Mapping[str, object]) -> object:
        for name, example in self._examples.items():
            if type(placed) is type(example) and placed == example:
                return values[name]
        return placed
