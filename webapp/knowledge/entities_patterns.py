"""The sentence patterns that `entities_relations` reads by, and the words that qualify them.

A pattern is matched at the character behind its subject and ends where its object begins.
"""

from __future__ import annotations

import re

from webapp.knowledge.entities_words import EntityKind, word_set

#: How sure each group of patterns is; set from the hand-checked sample of docs/knowledge-graph.md.
CONFIDENCE = {
    "verb": 0.9,
    "passive": 0.9,
    "of": 0.85,
    "place": 0.85,
    "is a": 0.8,
    "also": 0.85,
    "in": 0.75,
}

DOUBT = re.compile(
    r"\?|\b(?:if|whether|allegedly|reportedly|supposedly|rumou?r(?:s|ed)?|myth|falsely|would have|"
    r"claimed that|claims that|denied|may have|might have|could have|hypothes\w+)\b",
    re.IGNORECASE,
)
_ADVERB = (
    r"(?:also |later |first |originally |then |currently |now |subsequently |formerly |still |"
    r"officially |eventually |finally |famously |independently |jointly |soon |successfully )?"
)
#: What may stand between a subject and its verb: brackets, and one aside between commas.
_ASIDE = r"(?:\s\([^()]{1,80}\))?(?:,\s(?!and\b|but\b|or\b|who\b|which\b)[^,.;:()]{1,70},)?\s"
_TO_OBJECT = (
    # Determiners and describing words, but nothing that would begin another part of the sentence.
    r"(?:(?!(?:of|in|on|at|by|to|for|from|with|and|or|but|that|which|who|whom|as|than|into|over|"
    r"about|against|between|when|where|while|after|before|until|because|not|no)\b)[a-z\-]+ ){0,3}"
    r"(?:(?:German|French|English|American|British|Italian|Dutch|King|Queen|Sir) )?[\"“]?"
)

VERBS = {
    "founded": "founded|co-founded|established|set up",
    "created": "created",
    "invented": "invented|co-invented",
    "discovered": "discovered|co-discovered",
    "developed": "developed|pioneered",
    "designed": "designed",
    "built": "built|constructed",
    "wrote": "wrote|authored|co-wrote|penned",
    "composed": "composed",
    "directed": "directed",
    "painted": "painted",
    "published": "published",
    "conquered": "conquered|captured|occupied|annexed|invaded",
    "defeated": "defeated|beat",
    "married": "married",
    "led": "led|headed|chaired|commanded|governed|ruled",
    "succeeded": "succeeded|replaced",
    "acquired": "acquired|bought|purchased",
    "joined": "joined",
    "attended": "attended|studied at|graduated from",
    "worked at": "taught at|worked at|worked for|lectured at",
    "moved to": "moved to|emigrated to|fled to|returned to|settled in",
    "lived in": "lived in|resided in",
    "borders": "borders|adjoins",
    "flows into": "flows into|empties into",
    "visited": "visited",
    "opposed": "opposed|criticized|criticised",
    "won": "won",
    "fought": "fought",
    "owns": "owns|owned",
    "operates": "operates|operated",
    "contains": "contains|includes|comprises|encompasses",
    "surrounds": "surrounds|surrounded",
    "governs": "governs|oversees|administers",
    "publishes": "publishes",
    "hosts": "hosts|hosted",
}
#: Other verbs of the past are taken as they stand, but these take no object or say too little.
NO_VERBS = word_set(
    "asked requested urged ordered told advised warned forced persuaded encouraged invited "
    "based located situated called named used known related needed continued seemed appeared "
    "happened occurred existed remained lived died resulted believed argued suggested claimed "
    "stated noted wanted tried decided started turned agreed insisted hoped allowed compared "
    "dated reported estimated assumed considered included indeed hundred united sacred kindred "
    "red bed limited increased decreased caused required inspired divided"
)
PARTICIPLES = {
    **VERBS,
    "wrote": "written|authored|co-written",
    "led": "led|headed|chaired|commanded|governed|ruled",
    "defeated": "defeated|beaten",
}
_ACTIVE_ONLY = (
    "joined", "attended", "worked at", "moved to", "lived in", "borders", "flows into", "married",
)  # fmt: skip
_PASSIVE_NAMES = {name: verbs for name, verbs in PARTICIPLES.items() if name not in _ACTIVE_ONLY}
_EVENT_VERBS = (
    r"born|killed|executed|buried|crowned|built|begun|held|written|fought|won|[a-z]{2,}ed"
)
_ANY_PAST = r"[a-z]{2,}ed"

_WAS = r"(?:is|was|are|were|has been|have been|had been)"


def _one_of(groups: dict[str, str]) -> str:
    return "|".join(sorted("|".join(groups.values()).split("|"), key=len, reverse=True))


ACTIVE = re.compile(rf"{_ASIDE}{_ADVERB}(?P<verb>{_one_of(VERBS)}|{_ANY_PAST}) {_TO_OBJECT}")
_DONE_BY = (
    rf"{_ADVERB}(?P<verb>{_one_of(_PASSIVE_NAMES)}|{_ANY_PAST})"
    rf"(?: (?:in|on|at|during) [^,.;:]{{3,40}}?)? by {_TO_OBJECT}"
)
PASSIVE = re.compile(rf"{_ASIDE}{_WAS} {_DONE_BY}")
REDUCED_PASSIVE = re.compile(rf"(?:\s\([^()]{{1,40}}\))?,? {_DONE_BY}")
WHEN_OR_WHERE = re.compile(
    rf"{_ASIDE}(?:{_WAS} {_ADVERB}(?P<verb>{_EVENT_VERBS})|(?P<died>died)) "
    r"(?P<how>in|on|at|near) (?:the )?"
)
BORN_THEN_WHERE = re.compile(
    rf"{_ASIDE}(?:{_WAS} {_ADVERB}(?P<verb>{_EVENT_VERBS})|(?P<died>died)) "
    r"(?:in|on) [A-Z\d][\w ,]{2,20}? (?P<how>in|at|near) (?:the )?"
)
LOCATED = re.compile(
    rf"(?:{_ASIDE}{_WAS}|,) {_ADVERB}(?:a \w+ )?(?:located|situated|based|headquartered)"
    r" (?:in|on|at|near|within) (?:the )?(?:city of |state of |town of |heart of |north of )?"
)
LOCATED_ASIDE = re.compile(
    r", (?:located|situated|based|headquartered) (?:in|on|at|near|within) (?:the )?"
)
IN = re.compile(r" in (?:the )?")
PART = re.compile(rf"{_ASIDE}{_WAS} {_ADVERB}(?P<what>part of|named after|home to) (?:the )?")
ALSO = re.compile(
    r",? \(?(?:also|formerly|previously|originally|better|commonly) (?:known as|called|named) "
    r"(?:the |simply |\"|“)*"
)
OFFICE = re.compile(
    rf"{_ASIDE}{_ADVERB}(?:(?:served as|was elected|was appointed|was named) (?:the |a |an )?|"
    r"became (?:the |a |an )|became (?=king|queen|chair|head|mayor|president|bishop|pope|emperor))"
    r"(?P<np>(?:[\w\-]+ ){1,5}?)(?P<how>of|at) (?:the )?"
)
IS_OF = re.compile(
    rf"{_ASIDE}(?:{_WAS}|became|remains) {_ADVERB}(?:the|an?|one of the) "
    r"(?P<np>(?:[\w\-]+ ){1,5}?)"
    r"(?P<how>of|in) (?:the )?"
)
APPOSED_OF = re.compile(r", (?:the )?(?P<np>(?:[a-z\-]+ ){1,4}?)(?P<how>of) (?:the )?")
IS_A = re.compile(rf"{_ASIDE}(?:{_WAS}|became|remains) {_ADVERB}(?:an?|one of the|the) ")
BEFORE_NAME = re.compile(
    r"(?<![\w-])(?P<title>(?:[a-z]+ )?(?:economist|physicist|chemist|mathematician|philosopher|"
    r"historian|biologist|geologist|engineer|architect|astronomer|composer|painter|sculptor|poet|"
    r"novelist|writer|author|journalist|director|actor|actress|singer|guitarist|inventor|explorer|"
    r"scientist|psychologist|sociologist|theologian|physician|archaeologist|archeologist|activist|"
    r"geographer|naturalist|botanist|politician|lawyer|judge|general|missionary|merchant)) $"
)
APPOSED_A = re.compile(r", an? ")

NOUN_PHRASE = re.compile(r"(?:[A-Za-z][\w\-]*(?: (?=[A-Za-z]))?){1,6}")
PHRASE_ENDS = word_set(
    "of in that which who whom for with by from on at and or to used located based known born "
    "where when whose as between within during while having containing but is was are were has "
    "had have than if because until after before over under through among about into using "
    "made designed called named consisting situated founded established formed written published "
    "because so since upon off out up down can could may might will would should"
)
EMPTY_HEADS = word_set(
    "one part way thing result reason example matter fact case time number lot bit kind sort type "
    "form set series variety majority member minority first second third last only same best most "
    "least main major key little few great good large small long high low result means factor "
    "issue question problem product subject sign step year day place side end point majority "
    "consequence response attempt effort success failure concern focus total few half third "
    "cause source basis area use work more less very single common necessary general local "
    "important significant possible different similar new old own such"
)
#: May stand before a name without being part of it.
TITLE_BEFORE = re.compile(
    r"(?:The|Lord|Lady|Sir|Dame|Dr\.?|Mr\.?|Mrs\.?|Ms\.?|Professor|President|Captain|General) "
)
WORD_AFTER = re.compile(r"(?:\s|[-–/])([a-z]+|\d+|[A-Z]\w*)")
NO_OFFICE = word_set(
    "became was is were remained served part parts kind type form number majority result one "
    "some many any"
)
#: Before a noun these say how much, not what.
DEGREES = word_set("very so more less most too such many much quite rather not no")
NO_PLACES = frozenset({EntityKind.QUANTITY, EntityKind.PERSON, EntityKind.TERM})
DESCRIBED = frozenset({EntityKind.PERSON, EntityKind.ORGANISATION, EntityKind.PLACE})
NO_DOERS = frozenset({EntityKind.DATE, EntityKind.QUANTITY})
FAR_BACK = 40
BARE_SUBJECT = re.compile(
    r"(?:(?:An?|Every) )?(?P<subject>[A-Za-z][a-z\-]+(?: [a-z][a-z\-]+){0,2})(?= (?:is|are) an? )"
)


BARE_DONE = re.compile(
    rf"(?:(?:The|An?) )?(?P<subject>[A-Za-z][a-z\-]+(?: [a-z][a-z\-]+){{0,2}})(?= {_WAS} {_ADVERB}"
    r"(?:invented|discovered|developed|designed|introduced|proposed|pioneered|built) )"
)

#: What a statement tells about the kinds of its subject and its object, where nothing else does.
KINDS_OF = {
    "wrote": (EntityKind.PERSON, EntityKind.WORK),
    "composed": (EntityKind.PERSON, EntityKind.WORK),
    "directed": (EntityKind.PERSON, EntityKind.WORK),
    "married": (EntityKind.PERSON, EntityKind.PERSON),
    "born in": (EntityKind.PERSON, EntityKind.PLACE),
    "died in": (EntityKind.PERSON, EntityKind.PLACE),
    "lived in": (EntityKind.PERSON, EntityKind.PLACE),
    "invented": (EntityKind.PERSON, None),
    "located in": (None, EntityKind.PLACE),
    "capital of": (EntityKind.PLACE, EntityKind.PLACE),
}
PREPOSITIONS = word_set(
    "of in at by from with to on for or into near between over under through during against "
    "within about like than as including"
)

_ENDS = "|".join(sorted(PHRASE_ENDS))
#: A head noun alone says little: "a branch of the theory".
OF_WHAT = re.compile(
    rf" of (?:the |an? )?(?!(?:the|an?|{_ENDS})\b)(?P<word>[A-Za-z][\w\-]*)"
    rf"(?: (?!(?:{_ENDS})\b)[A-Za-z][\w\-]*){{0,3}}"
)
#: What these mean stands in another sentence.
POINTING = word_set("this that these those his her its their such")
