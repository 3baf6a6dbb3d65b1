"""The widget's modules, loaded as ES modules."""

import random
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from playwright.sync_api import BrowserContext

from service.api.templates import WIDGET
from tests.widget.browsing import Visit
from tests.widget.scripted_service import ScriptedService

STREAM = (
    "\ufeff: a comment\r\n"
    "event: first\r\ndata: one\r\ndata:two\r\ndata\r\n\r\n"
    "id: 7\ndata: 🎉 é\n\n"
    "event: empty\n\n"
    "data:  kept space\r\n\r\n"
    ":keep-alive\n\nretry: 5\n\n"
    "data: a:b: c\n\n"
    "data: never ended\n"
)
DATA = ["one\ntwo\n", "🎉 é", " kept space", "a:b: c"]


@pytest.fixture(scope="module")
def modules(desktop: BrowserContext, served: tuple[ScriptedService, int]) -> Iterator[Visit]:
    """Yield a page that can import the modules; one for all tests, because none of them changes it."""
    service, port = served
    service.pages = {
        f"/host/modules/{file.relative_to(WIDGET).as_posix()}": (
            file.read_text(encoding="utf-8"),
            {"Content-Type": "text/javascript; charset=utf-8"},
        )
        for file in WIDGET.rglob("*.js")
    }
    visit = Visit(desktop, desktop.new_page(), service, port)
    yield visit.host('<!doctype html><html lang="en"><title>Modules</title>')
    visit.leave()


def parsed(visit: Visit, pieces: list[list[int]]) -> object:
    """Return the data of the events in a stream that arrives in these pieces."""
    return visit.page.evaluate(
        """async (pieces) => { const { EventParser } = await import("/host/modules/service.js");
        const parser = new EventParser(), decoder = new TextDecoder();
        return pieces.flatMap((piece) => parser.push(decoder.decode(new Uint8Array(piece), { stream: true }))); }""",
        pieces,
    )


def test_events_are_the_same_however_the_network_cuts_them(modules: Visit) -> None:
    """The events are the same byte by byte, in one piece, and in 40 random splits, also inside a character or CRLF."""
    sent = list(STREAM.encode())
    ways = [[sent], [[byte] for byte in sent]]
    for seed in range(40):
        cuts = sorted(random.Random(seed).sample(range(len(sent)), 12))
        ways.append([sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)])

    for way in ways:
        assert parsed(modules, way) == DATA


@pytest.mark.parametrize(("start", "end"), [(0, 1), (1, 4), (3, 9), (0, 99)])
def test_texts_are_sliced_by_code_points(modules: Visit, start: int, end: int) -> None:
    """Offsets are those of Python."""
    text = "a🎉é👩‍👩‍👧 שלום 𝒳z"
    sliced = modules.page.evaluate(
        """async ([text, start, end]) => { const { slicePoints, countPoints } = await import("/host/modules/dom.js");
        return [slicePoints(text, start, end), countPoints(text)]; }""",
        [text, start, end],
    )

    assert sliced == [text[start:end], len(text)]


def test_numbers_choose_their_words(modules: Visit) -> None:
    """The plural rules are those of the language, with two and few in Arabic."""
    said = modules.page.evaluate(
        """async () => { const { Words } = await import("/host/modules/words.js");
        const said = (lang) => [1, 2, 3, 11].map((count) => new Words(lang, {}).say("withheld", { count }));
        return ["en", "de-CH", "ar", "nonsense!"].map(said); }"""
    )

    assert said[0] == ["One sentence left out", *(f"{number} sentences left out" for number in (2, 3, 11))]
    assert said[1][0] == "Ein Satz weggelassen"
    assert len(set(said[2])) == 4
    assert said[3] == said[0]


def test_every_language_has_all_words_and_the_same_gaps(modules: Visit) -> None:
    """Each language has all keys, with no other placeholders than English."""
    tables = modules.page.evaluate(
        """async () => ({ en: (await import("/host/modules/strings-en.js")).ENGLISH,
        de: (await import("/host/modules/strings-de.js")).GERMAN,
        ar: (await import("/host/modules/strings-ar.js")).ARABIC })"""
    )
    explained = modules.page.evaluate('async () => (await import("/host/modules/explanation/texts.js")).TEXTS')
    for language in ("en", "de", "ar"):
        tables[language] |= explained[language]
    for language in ("de", "ar"):
        assert set(tables["en"]) - set(tables[language]) == set()
        for key, text in tables[language].items():
            base = key if key in tables["en"] else f"{key.rpartition('_')[0]}_other"
            assert text
            assert gaps(text) <= gaps(tables["en"][base]), key


WORDS = [
    "The",
    "ferry",
    "twenty-one",
    "£6.4m,",
    "“over”",
    "ميناء",
    "הקו",
    "🎉",
    "don't",
    "&",
    "=",
    "a:~:b",
    "100%",
]


def test_a_link_names_the_ends_of_its_quote(modules: Visit) -> None:
    """A fragment has the quote, or its first and last words, with no sign that has a meaning there; nothing else."""
    chosen = random.Random(5)
    quotes = [" ".join(chosen.choices(WORDS, k=count)) for count in (1, 2, 5, 12, 13, 30) for _ in range(20)]
    quotes += ["one two\n\nthree four five six seven eight nine", "桥梁于周四关闭，" * 40, " \n ", ""]
    links = modules.page.evaluate(
        """async (quotes) => { const { withText } = await import("/host/modules/fragment.js");
        return quotes.map((quote) => withText("https://courier.example/a", quote)); }""",
        quotes,
    )

    for quote, link in zip(quotes, links, strict=True):
        if not quote.strip():
            assert link == "https://courier.example/a"
            continue
        address, _, text = link.partition("#:~:text=")
        parts = [unquote(part, errors="strict") for part in text.split(",")]
        said = " ".join(quote.split())
        assert address == "https://courier.example/a"
        assert not set("-& ") & set(text)
        assert said.startswith(parts[0])
        assert said.endswith(parts[-1])
        assert len(parts) == 1 or len(parts[0]) + len(parts[1]) <= min(len(said), 400)
        assert len(parts) == 2 or ("\n\n" not in quote and parts[0] == said)


def test_a_link_keeps_the_place_that_its_address_has(modules: Visit) -> None:
    """A place in the page, or another text, stays before the quote."""
    links = modules.page.evaluate(
        """async () => { const { withText } = await import("/host/modules/fragment.js");
        const addresses = ["https://a.example/#top", "https://a.example/#:~:text=x"];
        return addresses.map((each) => withText(each, "one-way, now")); }"""
    )

    assert links == [
        "https://a.example/#top:~:text=one%2Dway%2C%20now",
        "https://a.example/#:~:text=x&text=one%2Dway%2C%20now",
    ]


def test_the_facts_about_an_answer_are_no_more_than_the_reply_says(modules: Visit) -> None:
    """Two stories of one publisher are one source; an end of the window is the last day within it."""
    copy = {"article_id": "c", "title": None, "source": "Post", "url": None}
    cases: list[tuple[list[tuple[str | None, bool, bool]], int, list[str], str | None]] = [
        ([("Courier", True, False), ("Courier", True, False)], 2, [], None),
        ([("Courier", True, False), ("Gazette", True, False), ("Post", False, False)], 3, [], "2 independent sources"),
        ([(None, True, False), (None, True, False)], 2, [], "2 independent sources"),
        ([("Courier", True, False), ("Gazette", True, False)], 1, [], None),
        ([("Courier", True, True)], 1, [], "One independent source"),
        ([("Courier", False, True)], 0, [], None),
        ([], 0, ["published_after=2026-05-01"], "Only articles since 1 May 2026"),
        ([], 0, ["published_before=2026-06-01"], "Only articles up to 31 May 2026"),
        ([], 0, ["published_after=2026-05-03", "published_before=2026-05-04"], "Only articles of 3 May 2026"),
        ([], 0, ["sources=Courier", "published_after=soon"], None),
    ]
    replies = [
        {
            "status": "answered",
            "independent_sources": count,
            "as_of": None,
            "retrieval": {"filters_applied": {}, "filters_inferred": inferred},
            "sources": [
                {"article_id": str(at), "source": name, "cited": cited, "duplicates": [copy] if copied else []}
                for at, (name, cited, copied) in enumerate(sources)
            ],
        }
        for sources, count, inferred, _ in cases
    ]
    said = modules.page.evaluate(
        """async (replies) => { const { factsLine } = await import("/host/modules/facts.js");
        const { Words } = await import("/host/modules/words.js");
        return replies.map((reply) => factsLine(reply, new Words("en", {}))); }""",
        replies,
    )

    assert said == [expected for *_, expected in cases]


def test_a_correction_shows_both_texts_and_what_differs(modules: Visit) -> None:
    """Words that differ are bold if most of the texts is equal; a note alone, or only a date, is said as well."""
    corrections = [
        {"corrected_at": "2026-05-03T08:00:00Z", "before": "It costs 6.4 million.", "after": "It costs 9.1 million."},
        {"before": "Nine people came.", "after": "The fair was held on Friday."},
        {"before": "The gap is €6m.", "after": "The gap is €9m."},
        {"after": "It is blue"},
        {"note": "A name was wrong."},
        {"corrected_at": "2026-05-03"},
    ]
    empty = {"article_id": "a", "corrected_at": None, "before": None, "after": None, "corrected_by": None, "note": None}
    said = modules.page.evaluate(
        """async (corrections) => { const { changesText, correctionsOf } = await import("/host/modules/changes.js");
        const { Words } = await import("/host/modules/words.js");
        const words = new Words("en", {});
        const reply = { corrections, sources: [], conflicts: [], developments: [], uncovered: [] };
        const lines = correctionsOf(["a"], reply, { words, client: {}, level: 2 });
        const bold = (line) => [...line.querySelectorAll("b")].map((each) => each.textContent);
        return [lines.map((line) => [line.textContent, bold(line)]), changesText(reply, words)]; }""",
        [empty | each for each in corrections],
    )

    assert said[0] == [
        ["Corrected on 3 May 2026: It costs 9.1 million; before: It costs 6.4 million", ["9.1", "6.4"]],
        ["Corrected: The fair was held on Friday; before: Nine people came", []],
        ["Corrected: The gap is €9m; before: The gap is €6m", ["€9m", "€6m"]],
        ["Corrected: It is blue", []],
        ["Corrected: A name was wrong.", []],
        ["Corrected on 3 May 2026", []],
    ]
    assert said[1][3:] == [line for line, _ in said[0][3:]]


def gaps(text: str) -> set[str]:
    """Return the names in braces."""
    return {part.partition("}")[0] for part in text.split("{")[1:]}


@pytest.mark.parametrize(
    "text", ["It cost 3.5 million. No one paid [1]. “So?” [2][3] Yes", "واحد. اثنان؟ ثلاثة [1].", "一。 No stop"]
)
def test_the_text_is_announced_in_complete_sentences(modules: Visit, text: str) -> None:
    """The announcement is the same letter by letter or at once, without the markers."""
    heard = modules.page.evaluate(
        """async (text) => { const { Announcer } = await import("/host/modules/dom.js");
        return [[...text], [text]].map((pieces) => { const announcer = new Announcer();
          pieces.forEach((piece) => announcer.append(piece)); announcer.finish();
          return [...announcer.element.children].map((child) => child.textContent); }); }""",
        text,
    )
    bare = "".join(text.replace("[1]", "").replace("[2]", "").replace("[3]", "").split())

    assert ["".join("".join(said).split()) for said in heard] == [bare, bare]
    assert not any(part.endswith("3.") for part in heard[0])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The *Grebe* and the **Tirrick**, `as is`", "The Grebe and the Tirrick, as is"),
        ("## Title\nText [here](https://x.example/a_b) ![map](m.png)", "Title\nText here map"),
        ("> Said **all of *it***\n> twice", "Said all of it\ntwice"),
        ("__strong__ and _slanted_ words", "strong and slanted words"),
        ("It is 2 * 3 * 4, or 5*3 and 2*4", "It is 2 * 3 * 4, or 5*3 and 2*4"),
        ("snake_case_name, price* and *terms apply", "snake_case_name, price* and *terms apply"),
        ("C# and #news, a > b", "C# and #news, a > b"),
        ("The source says so [2][13].", "The source says so [2][13]."),
        ("`*kept*` <b>", "*kept* <b>"),
        ("*" * 5_000, "*" * 5_000),
        ("[" * 5_000, "[" * 5_000),
    ],
)
def test_marks_of_markdown_are_left_out_and_nothing_else(modules: Visit, text: str, plain: str) -> None:
    """Markdown is removed; the same characters in prose stay. Long runs take linear time."""
    shown = modules.page.evaluate(
        """async (text) => { const { plain, rendered } = await import("/host/modules/dom.js");
        const shown = document.createElement("p"); shown.append(...rendered(text));
        return [plain(text), shown.textContent]; }""",
        text,
    )

    assert shown == [plain, plain]


@pytest.mark.parametrize(("first", "last"), [(0, 3), (4, 11), (2, 14), (6, 9), (8, 10), (0, 30), (5, 5)])
def test_a_part_of_a_marked_text_is_bold_across_emphasis(modules: Visit, first: int, last: int) -> None:
    """The bold elements have that part and nothing else, inside the one mark."""
    text = "The **Old *Lamp*** is lit [2]."
    bold, whole, marks = modules.page.evaluate(
        """async ([text, first, last]) => { const { rendered } = await import("/host/modules/dom.js");
        const shown = document.createElement("p"); shown.append(...rendered(text, 4, 24, first, last));
        return [[...shown.querySelectorAll("b")].map((each) => each.textContent).join(""), shown.textContent,
          shown.querySelectorAll("mark").length]; }""",
        [text, first, last],
    )

    assert (bold, whole, marks) == (text[first:last].replace("*", ""), "The Old Lamp is lit [2].", 1)


@pytest.mark.parametrize(("start", "end"), [(0, 3), (4, 11), (2, 14), (6, 9), (0, 30)])
def test_a_mark_covers_its_part_of_a_text_across_emphasis(modules: Visit, start: int, end: int) -> None:
    """One element marks the part; the rest of the text is complete, without Markdown."""
    text = "The **Old *Lamp*** is lit [2]."
    marked, whole, marks = modules.page.evaluate(
        """async ([text, start, end]) => { const { rendered } = await import("/host/modules/dom.js");
        const shown = document.createElement("p"); shown.append(...rendered(text, start, end));
        const marks = [...shown.querySelectorAll("mark")];
        return [marks[0].textContent, shown.textContent, marks.length]; }""",
        [text, start, end],
    )

    assert whole == "The Old Lamp is lit [2]."
    assert marked == text[start:end].replace("*", "")
    assert marks == 1
