"""Full stops that do not end a sentence: abbreviations, initials and ordinals of the languages that are offered.

A rule sees the words beside the stop and nothing else: a text does not always state its language, and a chunk
must be cut into the same sentences as its article. So an abbreviation that is also a word that ends sentences
(English `sun.`, `no.`, Spanish `art.`) counts only before a number. An ordinal (`14. Mai`, `1. FC`) is known by the
noun behind it or by the determiner before it; any other number in front of a capital ends the sentence ("He finished
14. Maria won."), because English ends sentences so, and German seldom writes an ordinal without one of the two.
"""

import re

ABBREVIATION_LENGTH = 40
"""Characters before a stop that are looked at."""

_ENGLISH = (
    "mr mrs ms messrs dr prof gen lt sgt cpl pvt col capt cmdr maj brig adm sen rep gov pres hon rev msgr fr supt"
    " insp det cllr vs cf e.g i.e incl excl approx ca vol pp ed eds arts fig figs sec dept"
)
_GERMAN = (
    "hr hrn frl hl dipl bzw bspw evtl ggf inkl exkl einschl zzgl abzgl vgl sog d.h z.b u.a o.g i.d.r v.a z.t u.u"
    " geb gest ziff hrsg kath dgl"
)
_ROMANCE = (
    "sra srta sres dra dres lic gral avda ud uds excmo ilmo mme mmes mlle mgr cie env sig sigg sig.ra dott dott.ssa"
    " avv mons geom exmo eng p.ej p.ex av"
)
_NORTHERN = "dhr mevr drs bijv d.w.z o.a m.b.t i.v.m resp bl.a t.ex f.eks dvs d.v.s s.k f.d skt hhv fhv esim ns kgl"
_EASTERN = (
    "ing mgr judr mudr phdr rndr sv ul nám např tzv tj mj np tzn m.in inż hab św ks pl ún г гг ул им проф акад т.е"
    " напр см св sn"
)
_NEVER_END = frozenset(f"{_ENGLISH} {_GERMAN} {_ROMANCE} {_NORTHERN} {_EASTERN}".split())

# They end a sentence only where a word follows that begins one.
_MAY_END = frozenset(
    (
        "inc ltd co corp plc llc lda ltda jr sr etc bros a.m p.m ph.d est st mt ft ave rd blvd al univ calif fla ariz"
        " mich minn okla tenn wis colo conn jan feb mar apr jun jul aug sep sept oct nov dec"
        " usw mio mil mrd tsd std chr jh jhd str bhf hbf okt dez mär ecc osv jne enz mln mld mia mdr milj uu atd apod"
        " itd itp tys tis млн млрд тыс руб др"
    ).split()
)

# Abbreviations before a number; before anything else most of them are words, which may end a sentence.
_BEFORE_NUMBER = frozenset(
    (
        "no nos nr nrn nro núm num art max min mind abs abb anm kap tel kb pag pág blz kl klo sat sun mon tue tues wed"
        " thu thur thurs fri janv févr avr juil déc ene abr dic giu lug ott fev"
    ).split()
)

_STARTERS = frozenset(
    (
        "a an the this that these those it its he she they we i you his her their our my there here in on at by for"
        " from with after before when while as if but and or so yet however meanwhile since until although though under"
        " over during officials police according both most some many no not all each one two three what who why how"
        " where now then today"
        # German, Dutch, Danish, Norwegian, Swedish
        " der die das den dem des ein eine er sie es wir ich im am auf bei mit nach vor zum zur für von vom aus als"
        " wenn weil dass und aber doch dann da dort hier diese dieser dieses dies seit bis auch nur noch sein seine ihr"
        " ihre alle laut zudem außerdem damit dabei danach dazu trotz wegen während unter über um was wer wie wo kein"
        " keine nicht het een hij zij wij dit dat op voor maar det de han hun hon vi og til ved efter etter"
        # French, Spanish, Italian, Portuguese
        " le la les un une il elle ils elles ce cette ces en mais et el una él ella pero y lo gli per con ma nel nella"
        " os um uma ele ela mas na em"
    ).split()
)
_INITIALS = re.compile(r"(?:\w\.)+\w")
_SPACED = re.compile(r"(?:^|\s)[^\W\d_]\.\s[^\W\d_]{1,3}$")  # p. ex., t. ex., f. eks.
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘„«—–/]+$")
_NUMBER = re.compile(r"(?:[\d.]+-)?(?P<number>\d{1,3}|[IVX]{2,6})")

# Names of months in languages whose ordinals have a full stop; the second set looks like English.
_MONTHS = frozenset(
    (
        "januar jänner februar märz mai juni juli oktober dezember maj marts desember ledna února března dubna května"
        " máje června července srpna září října listopadu prosince"
    ).split()
)
_SHARED_MONTHS = frozenset("april august september november december jan feb apr jun jul aug sep sept okt nov".split())
_ORDINAL_NOUNS = frozenset(
    (
        "jahrhundert jahrhunderts jahrestag jahrestags geburtstag geburtstags weltkrieg weltkriegs bundesliga liga"
        " spieltag obergeschoss stock quartal halbjahr lebensjahr auflage instanz platz etage verdenskrig lig yüzyıl"
        " fc sc sv fsv ffc tsv vfb vfl tus cfr kc fk nk"
    ).split()
)
_DETERMINED = re.compile(
    r"(?:^|[\s(„“\"»])(?:(?<!\bI )am|zum|vom|im|beim|ab|seit|der|die|das|den|dem|det|eine?[mnrs]?|zur|ins|diese[mnrs]?"
    r"|jede[mnrs]?|(?:sein|ihr|unser)e?[mnrs]?|\d{1,3}\.(?:,| und| oder| bis| og| eller)?)\s+\S+$",
    re.IGNORECASE,
)
_GENITIVE = re.compile(r"\bdes\s+\S+$", re.IGNORECASE)
_LISTED = re.compile(r"(?:[,;(–—-]|\bbis)\s*\S+$", re.IGNORECASE)
_DAY_AND_MONTH = re.compile(r"\b\d{1,2}\.\s+\d{1,2}$")


def full_stop_ends(before: str, next_word: str) -> bool:
    """Whether one full stop behind `before`, a sentence or the end of it, ends that sentence before `next_word`.

    `next_word` does not begin with a small letter.
    """
    match = _WORD_BEFORE.search(before)
    if match is None:
        return True
    word = match.group().strip("*_\\")
    if number := _NUMBER.fullmatch(word):
        return not _is_ordinal(before.strip("*_\\ "), number["number"], next_word.lower())
    if _SPACED.search(before) and word.islower():
        return _begins_sentence(next_word)
    return not _is_abbreviation(word.rpartition("-")[2], next_word)


def _is_abbreviation(written: str, next_word: str) -> bool:
    word, numbered = written.lower(), next_word[0].isdigit()
    if len(word) == 1:
        return word.isalpha()
    if word in _NEVER_END:
        # ING is a bank and Ing. a title; where everything is in capitals they cannot be told apart.
        return numbered or not written.isupper() or next_word.isupper() or "." in word
    if word in _MAY_END or word.endswith("str") or _INITIALS.fullmatch(word):
        return numbered or not _begins_sentence(next_word)
    coded = len(next_word) == 1 and not _begins_sentence(next_word)  # No. F-2014
    return ((numbered or coded) and word in _BEFORE_NUMBER) or written == "MM"


def _begins_sentence(word: str) -> bool:
    """Return whether a word begins sentences; in capitals it is a name, such as the ET of "6 p.m. ET"."""
    return word.lower() in _STARTERS and not (len(word) > 1 and word.isupper())


def _is_ordinal(before: str, number: str, following: str) -> bool:
    if before == number:
        return True  # a number alone is not a sentence
    is_day = number.isdecimal() and 1 <= int(number) <= 31
    if following.isdecimal():
        return is_day and (int(following) <= 12 or (len(following) == 4 and bool(_DAY_AND_MONTH.search(before))))
    if following in _ORDINAL_NOUNS or (is_day and following in _MONTHS):
        return True
    if following in _STARTERS:
        return False
    if is_day and following in _SHARED_MONTHS and _LISTED.search(before):
        return True
    return bool(_DETERMINED.search(before)) or (following.endswith("s") and bool(_GENITIVE.search(before)))
