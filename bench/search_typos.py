"""What a misspelt word costs, and what tolerance gives back, on collections with judgements.

One letter of one rare word of each question is added, left out, changed or swapped with the next,
at random by a fixed seed; then the same questions are asked as typed, and with tolerance.
"""

from __future__ import annotations

import random
import string
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

from bench.beir import Collection
from bench.remembering import RememberingEmbedder
from bench.search_quality import DEPTH, score

MODES = ("hybrid", "keyword")


def measure_typos(
    collection: Collection, *, embedder: RememberingEmbedder
) -> dict[str, dict[str, float]]:
    """Load a collection into the running site; nDCG@10 of its questions clean and misspelt.

    `told` is the share of the misspelt questions for which another word was searched as well,
    `right` of those for which the word that was meant was among them, and `told_clean` of the
    clean questions, which have words that the collection lacks, too.
    """
    # Imported here because the settings exist only inside a site.
    from bench.loading import load_documents
    from webapp.search.models import Passage
    from webapp.search.queries import hybrid_search
    from webapp.search.word_operations import keep_words

    owner, names = load_documents(collection, embedder=embedder)
    while keep_words():
        pass
    misspelt, meant = misspell(collection)
    embedder.embed([*collection.questions.values(), *misspelt.values()])

    def rank(question: str, **how: Any) -> list[str]:
        page = hybrid_search(user=owner, query=question, limit=DEPTH, embedder=embedder, **how)
        return [names[hit.source_id] for hit in page.hits if hit.source_id]

    results = {
        f"{mode}, {name}, {'tolerant' if tolerates else 'exact'}": score(
            replace(collection, questions=questions),
            partial(rank, mode=mode, tolerates_typos=tolerates),
        )
        for mode in MODES
        for name, questions in (("clean", collection.questions), ("typo", misspelt))
        for tolerates in (False, True)
    }
    results["suggestions"] = _suggestions(owner, collection.questions, misspelt, meant)
    Passage.objects.all().delete()
    return results


def _suggestions(
    owner: Any,
    clean: Mapping[str, str],
    misspelt: Mapping[str, str],
    meant: Mapping[str, tuple[str, str]],
) -> dict[str, float]:
    from webapp.search.spelling import doubtful_words
    from webapp.search.word_queries import nearest_words

    told, right, times = 0, 0, []
    for key, question in misspelt.items():
        wrong, intended = meant.get(key, ("", ""))
        words = doubtful_words(question)
        started = time.perf_counter()
        found = nearest_words(user=owner, unknown={w: t for w, t in words.items() if w == wrong})
        times.append((time.perf_counter() - started) * 1000)
        told += bool(found)
        right += any(intended in others for others in found.values())
    told_clean = sum(
        bool(nearest_words(user=owner, unknown=doubtful_words(question)))
        for question in clean.values()
    )
    return {
        "told_clean": round(told_clean / len(clean), 3),
        "told": round(told / len(misspelt), 3),
        "right": round(right / len(misspelt), 3),
        "p50_ms": round(median(times), 2),
    }


def misspell(collection: Collection) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """The questions with a typo each, and by question the misspelt word with the one meant."""
    from webapp.search.analyser import written_words
    from webapp.search.spelling import doubtful_words

    counts = Counter(
        word
        for document in collection.documents.values()
        for word in written_words(f"{document.title}\n{document.text}")
    )
    questions, meant = dict(collection.questions), {}
    for key, question in collection.questions.items():
        known = sorted((counts[word], word) for word in doubtful_words(question) if counts[word])
        places = [word for _, word in known if word in question]
        if not places:
            continue
        word = places[0]
        wrong = _with_typo(word, random.Random(f"{collection.name} {key}"))
        questions[key] = question.replace(word, wrong, 1)
        meant[key] = (wrong, word)
    return questions, meant


def _with_typo(word: str, chance: random.Random) -> str:
    letters: Sequence[str] = word
    while "".join(letters) == word:
        place = chance.randrange(len(word))
        letter = chance.choice(string.ascii_lowercase)
        before, after = word[:place], word[place + 1 :]
        letters = chance.choice(
            [
                before + letter + word[place:],
                before + after,
                before + letter + after,
                before + after[:1] + word[place] + after[1:],
            ]
        )
    return "".join(letters)
