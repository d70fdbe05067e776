"""The words that finding names rests on: which are never names, and which tell what a name is.

Lists are short on purpose. They hold what tells kinds apart in ordinary English prose; a name that
none of them knows is still found, and its kind stays open.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

MAX_NAME_LENGTH = 200


class EntityKind(StrEnum):
    """What an entity is; `NAME` is a proper name of which no evidence says more."""

    PERSON = "person"
    ORGANISATION = "organisation"
    PLACE = "place"
    WORK = "work"
    EVENT = "event"
    NAME = "name"
    TERM = "term"
    DATE = "date"
    QUANTITY = "quantity"
    FAMILY = "family"
    CHECKPOINT = "checkpoint"
    TAG = "tag"
    SETTING = "setting"


#: Kinds that share their names: evidence elsewhere may turn one into another.
_NAMED = frozenset(
    {
        EntityKind.PERSON,
        EntityKind.ORGANISATION,
        EntityKind.PLACE,
        EntityKind.WORK,
        EntityKind.EVENT,
        EntityKind.NAME,
    }
)

_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "‘": "'"})
_POSSESSIVE = re.compile(r"'s?$")
_KEY_WORD = re.compile(r"[\w+#&%°$€£]+(?:['\-.][\w+#]+)*")
_LEADING_ARTICLE = re.compile(r"^(?:the|a|an) (?=\S)")
_LONE_LETTERS = re.compile(r"\b(?:\w )+\w\b")


def name_space(kind: EntityKind) -> str:
    """Within which names are told apart: all proper names share one, other kinds have their own.

    So a word and the name that is spelt like it ("turkey", "Turkey") stay two entities.
    """
    return "named" if kind in _NAMED else kind.value


@lru_cache(maxsize=50_000)
def alias_key(text: str) -> str:
    """What spellings of one name have in common: case, accents, "the" and dots do not count.

    >>> alias_key("The Émile  Zola's"), alias_key("J. R. R. Tolkien"), alias_key("U.S.")
    ('emile zola', 'jrr tolkien', 'us')
    """
    plain = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    plain = "".join(each for each in plain if not unicodedata.combining(each)).casefold()
    plain = _POSSESSIVE.sub("", plain.strip())
    words = [word.replace(".", " ") if _is_dotted(word) else word for word in _words(plain)]
    key = _LEADING_ARTICLE.sub("", " ".join(" ".join(words).split()))
    key = _LONE_LETTERS.sub(lambda match: match.group().replace(" ", ""), key)
    return (key or plain)[:MAX_NAME_LENGTH]


def _words(plain: str) -> list[str]:
    return _KEY_WORD.findall(plain)


def _is_dotted(word: str) -> bool:
    return "." in word and not any(each.isdigit() for each in word)


def word_set(words: str) -> frozenset[str]:
    """The words of a line, as lists of words are written in the rules."""
    return frozenset(words.split())


#: Capitalised at the start of a sentence because it is one, never a name by themselves.
NOT_NAMES = word_set(
    "a about above according accordingly across actually additional additionally after afterward "
    "afterwards again against all almost along already also although always am amid among "
    "amongst an and another any anyone anything apart are around as aside at away back based be "
    "because been before beginning behind being below beneath beside besides between beyond both "
    "but by can cannot certain certainly clearly common compared concerning consequently "
    "considering contrary could currently depending despite did different do does due during each "
    "earlier early eight either eleven eleventh else elsewhere enough especially even eventually "
    "ever every everyone everything evidence examples except existing fewer few fifth finally "
    "first firstly five following for former formerly four fourth frequently from further "
    "furthermore general generally given had half has have having he hence her here hers him his "
    "historically how however hundreds i if important in include included includes including "
    "indeed individual initial initially inside instead into is it its itself just key kinds "
    "knowing large largely last late later latter least less lesser let like likewise little "
    "local long looking major making many may maybe me mean meanwhile might modern more moreover "
    "most mostly much must my near nearby nearly neither never nevertheless new next nine no "
    "nobody none nonetheless nor not note notable notably nothing now nowadays nowhere numerous "
    "of off often old on once one only onto opposite or original originally other others "
    "otherwise our out outside over overall own part particularly people perhaps popular "
    "possibly previous previously prior probably proponents quite rather recent recently "
    "regarding research results same scholars scientists second secondly see set seven several "
    "shall she should similar similarly since six small so some somebody someone something "
    "sometimes somewhere soon special specifically starting still studies subsequently such "
    "suddenly supporters ten than that the their them then there thereafter therefore these they "
    "thing things third this those though thousands three through throughout thus to today "
    "together too total toward towards traditionally twelve two typically ultimately under "
    "unfortunately unless unlike until up upon us use used using usually various very was we "
    "well were what whatever when whenever where whereas wherever whether which while who "
    "whoever whole whom whose why widely will with within without would yes yet you your "
    "critics historians researchers experts members students workers women men children "
    "figure table chapter section page volume appendix mr mrs ms dr ad bc ce bce"
)

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
CALENDAR = word_set(
    "january february march april may june july august september october november december "
    "monday tuesday wednesday thursday friday saturday sunday christmas easter spring summer "
    "autumn winter"
)

#: Adjectives of peoples and places: before a noun they are no name of their own.
DEMONYMS = word_set(
    "african algerian american arab arabic arabian argentine asian athenian atlantic australian "
    "austrian babylonian bavarian belgian bolivian brazilian british bulgarian byzantine canadian "
    "carolingian caribbean catholic catholics celtic chilean chinese christian colombian croatian "
    "cuban czech danish dutch egyptian english ethiopian european finnish flemish florentine "
    "french german germanic greek hellenistic hindu hungarian icelandic indian indonesian iranian "
    "iraqi irish islamic israeli italian jamaican japanese jewish kenyan korean latin lebanese "
    "lutheran macedonian mediterranean mexican mongol mongolian moroccan muslim nazi nigerian "
    "norman norse north norwegian orthodox ottoman pacific pakistani palestinian parisian persian "
    "peruvian polish portuguese presbyterian protestant prussian punic roman romanian russian "
    "saxon scandinavian scottish serbian slavic south southern northern eastern western soviet "
    "spanish sunni shia swedish swiss syrian texan thai tibetan tunisian turkish ukrainian "
    "venetian victorian vietnamese viking welsh western democratic republican calvinist huguenot"
)

PERSON_TITLES = word_set(
    "mr mrs ms miss dr prof professor sir dame lord lady president chancellor minister senator "
    "governor mayor judge justice general colonel captain major lieutenant admiral sergeant "
    "bishop archbishop cardinal rabbi imam reverend rev father author poet physicist chemist "
    "mathematician philosopher historian economist biologist archaeologist archeologist "
    "engineer architect astronomer "
    "composer painter sculptor novelist writer journalist director actor actress singer "
    "inventor explorer scientist leader psychologist sociologist scholar theologian "
    "physician secretary"
)
#: These belong to the name: without them it would be somebody else's.
ROYAL_TITLES = word_set(
    "king queen pope saint st prince princess emperor empress duke duchess count earl sultan tsar "
    "czar khan"
)

ORGANISATION_NOUNS = word_set(
    "university college institute school academy company corporation corp inc ltd llc bank party "
    "church army navy ministry department agency council committee commission association "
    "organization organisation union club society foundation league orchestra press records "
    "airlines airways court parliament senate congress assembly bureau authority board "
    "brotherhood federation confederation group laboratory laboratories museum library "
    "hospital government administration alliance trust opec nato unesco observatory panel "
    "center centre union consortium conservatory regiment brigade division police"
)
PLACE_NOUNS = word_set(
    "river lake mountain mountains mount ocean sea island islands county city town village street "
    "avenue road valley bay desert forest park bridge province state states kingdom republic "
    "peninsula gulf cape creek hill hills heights basin coast plain plains plateau strait harbor "
    "harbour airport station square district region territory colony falls canyon glacier "
    "rainforest boulevard tower castle palace cathedral stadium hall fort ridge delta"
)
EVENT_NOUNS = word_set(
    "war wars battle revolution conquest treaty olympics crusade crusades rebellion revolt "
    "massacre siege uprising election elections championship conference congress summit bowl cup "
    "festival famine plague death depression crisis renaissance reformation enlightenment "
    "expedition campaign earthquake flood hurricane peace"
)
WORK_NOUNS = word_set(
    "book novel poem play opera film movie song album essay article paper painting symphony "
    "magazine newspaper journal sonnet ballad story treatise titled entitled"
)
#: A place follows, in "the city of X".
OF_PLACE = word_set(
    "city town village island state province county kingdom republic duchy gulf bay port district"
)

GIVEN_NAMES = word_set(
    "aaron abigail abraham ada adam adolf agnes alan albert alexander alfred alice alan amelia "
    "andrew angela ann anna anne anthony antoine antonio arthur august barbara benjamin bernard "
    "bernhard bertrand bill brian bruce carl carlos caroline catherine charles charlotte chris "
    "christian christine christopher claire claude clara cornelius daniel daphne david deborah "
    "denis diana dmitri donald dorothy douglas edgar edmund eduard edward edwin eleanor elena "
    "elizabeth ellen emil emily emma emmanuel enrico eric erik ernest ernst erwin eugene eva "
    "evelyn felix ferdinand florence frances francis francisco frank franklin franz fred "
    "frederick friedrich gabriel galileo gary george gerald gertrude giovanni giuseppe gottfried "
    "grace graham gregory gustav guy hannah hans harold harriet harry heinrich helen helena henri "
    "henrietta henry herbert herman hermann howard hugh ian igor immanuel irene isaac isabella "
    "ivan jack jacob jacques james jan jane janet jason jean jeremy jerome jessica jesse jim "
    "joan joe johann johannes john johnny jonathan jorge jose josef joseph joshua juan judith "
    "julia julian julius karen karl kate katherine keith kenneth kevin kurt larry laura lawrence "
    "leo leon leonard leonardo leonhard leopold lewis lincoln linda lise lisa louis louise lucas "
    "lucy ludwig luis luther lyndon madeleine manuel marco marcus margaret maria marie mario mark "
    "marshall martha martin mary matthew maurice max maximilian megan melissa michael michel "
    "michelle miguel mikhail mohammed muhammad nancy napoleon natalie nathan neil nelson nicholas "
    "nicolas nicole niels nikola nikolai noah noel norbert norman oliver olivia oscar oskar otto "
    "pablo patricia patrick paul pedro peter philip philippe pierre rachel ralph raymond rebecca "
    "rene richard robert roberto robin roger roland ronald rosa rosalind rose roy rudolf russell "
    "ruth samuel sandra sara sarah scott sergei sharon sigmund simon sofia sophia sophie stanley "
    "stefan stephen steve steven stuart susan sylvia teresa theodor theodore theresa thomas tim "
    "timothy toni tony ulysses ursula valentina vera victor victoria vincent vladimir walter "
    "warren werner wilhelm will william willy winston wolfgang yuri zachary"
)

REGIONS = word_set(
    "afghanistan africa alabama alaska albania algeria america andorra angola antarctica arabia "
    "argentina arizona arkansas armenia asia australia austria azerbaijan bahrain bangladesh "
    "bavaria belarus belgium bolivia bosnia botswana brazil britain brittany bulgaria burgundy "
    "burma california cambodia cameroon canada chad chile china colombia colorado connecticut "
    "croatia cuba cyprus czechia delaware denmark ecuador egypt england eritrea estonia ethiopia "
    "europe fiji finland flanders florida france gaul georgia germany ghana greece greenland "
    "guatemala guinea guyana haiti hawaii holland honduras hungary iceland idaho illinois india "
    "indiana indonesia iowa iran iraq ireland israel italy jamaica japan jordan kansas kazakhstan "
    "kentucky kenya korea kurdistan kuwait kyrgyzstan laos latvia lebanon liberia libya lithuania "
    "louisiana luxembourg macedonia madagascar maine malawi malaysia mali malta manchuria "
    "maryland massachusetts mauritius mexico michigan minnesota mississippi missouri moldova "
    "monaco mongolia montana montenegro morocco mozambique myanmar namibia nebraska nepal "
    "netherlands nevada nicaragua nigeria normandy norway ohio oklahoma oman ontario oregon "
    "pakistan palestine panama paraguay pennsylvania persia peru philippines poland polynesia "
    "portugal provence prussia qatar quebec romania russia rwanda samoa saxony scandinavia "
    "scotland senegal serbia siberia sicily singapore slovakia slovenia somalia spain sudan "
    "sumatra suriname sweden switzerland syria taiwan tanzania tasmania tennessee texas thailand "
    "tibet tunisia turkey turkmenistan tuscany uganda ukraine uruguay utah uzbekistan venezuela "
    "vermont vietnam virginia wales washington wisconsin wyoming yemen yugoslavia zambia zimbabwe"
)
CITIES = word_set(
    "alexandria amsterdam ankara antwerp athens atlanta baghdad baltimore bangkok barcelona basel "
    "beijing beirut belgrade berlin bern birmingham bogota bologna bonn bordeaux boston bremen "
    "brisbane bristol brussels bucharest budapest cairo calcutta cambridge canberra chicago "
    "cincinnati cleveland cologne constantinople copenhagen dallas damascus delhi denver detroit "
    "dresden dublin edinburgh florence frankfurt fresno geneva genoa ghent glasgow hamburg "
    "hanoi havana heidelberg helsinki houston istanbul jakarta jerusalem johannesburg kiev kyiv "
    "lagos leeds leiden leipzig leningrad lima lisbon liverpool london lyon madrid manchester "
    "manila marseille mecca melbourne memphis miami milan milwaukee minneapolis montreal moscow "
    "mumbai munich nagasaki nairobi naples nashville orleans osaka oslo oxford paris philadelphia "
    "phoenix pittsburgh portland prague pretoria princeton rome rotterdam sacramento salzburg "
    "santiago sarajevo seattle seoul seville shanghai sofia stockholm strasbourg stuttgart "
    "sydney tehran tokyo toronto tunis turin utrecht vancouver venice vienna vilnius warsaw "
    "zagreb zurich"
)
COMPOUND_PLACES = frozenset(
    {
        "united states", "united kingdom", "united states of america", "new york", "new zealand",
        "new jersey", "new mexico", "new hampshire", "new england", "new orleans", "new delhi",
        "north america", "south america", "central america", "latin america", "north carolina",
        "south carolina", "north dakota", "south dakota", "west virginia", "rhode island",
        "los angeles", "san francisco", "san diego", "san jose", "san antonio", "hong kong",
        "south africa", "north africa", "west africa", "east africa", "saudi arabia", "costa rica",
        "puerto rico", "el salvador", "sri lanka", "great britain", "northern ireland",
        "south korea", "north korea", "soviet union", "middle east", "far east", "east germany",
        "west germany", "central asia", "western europe", "eastern europe", "southern california",
        "holy roman empire", "roman empire", "ottoman empire", "byzantine empire",
        "british empire", "washington dc", "u.s", "us", "uk", "usa", "ussr", "buenos aires",
        "rio de janeiro", "sao paulo", "tel aviv", "cape town", "st petersburg", "st louis",
    }
)  # fmt: skip
