"""Citations, quotes and their support, with the worked examples of ALCE."""

from typing import Any

import pytest

from eval.metrics import citation_figures, is_dangling, is_exact
from tests.eval.pieces import articles, item, saying
from tests.eval.selftest.replies import Reply, refused

OPENED = "The new pier opened on 5 March 2025."
RIBBON = "Ines Corrand cut the ribbon."
COST = "The pier cost 3.4 million crowns."
LONG = "The pier is 90 metres long."
UNPAINTED = "It was not painted."


def _figures(reply: Reply) -> dict[str, float]:
    return citation_figures(item(), reply, articles())


def _citing(sentence: str, *quotes: tuple[str, str]) -> Reply:
    """Return a sentence with a marker for each quote of an article."""
    marks = {article: at for at, article in enumerate(dict.fromkeys(article for article, _ in quotes), 1)}
    parts = saying(*((sentence, article, quote) for article, quote in quotes))
    text = sentence.rstrip(".") + " " + "".join(f"[{at}]" for at in marks.values()) + "."
    spanned = [
        {**c, "start_index": 0, "end_index": len(text), "marker": marks[c["article_id"]]} for c in parts["citations"]
    ]
    return {**parts, "answer": text, "citations": spanned}


def _changed(reply: Reply, **fields: Any) -> Reply:  # noqa: ANN401 - fields of a citation
    return {**reply, "citations": [{**citation, **fields} for citation in reply["citations"]]}


def test_a_quoting_answer_is_perfect() -> None:
    """Sentences that equal their quotes have the best figures."""
    assert _figures(saying(OPENED, RIBBON, (LONG, "stall", LONG))) == {
        "dangling": 0,
        "quote_exactness": 1.0,
        "citation_recall": 1.0,
        "citation_precision": 1.0,
        "gold_sources": 1.0,
    }


def test_abstaining_has_no_figure() -> None:
    """An abstention has no citation figures."""
    assert _figures(refused(articles(), ["pier"])) == {}


def test_citing_nothing_scores_nothing() -> None:
    """Without a citation, recall and precision are 0, and quote exactness is absent."""
    reply = {**saying(OPENED), "citations": [], "answer": OPENED}
    assert _figures(reply) == {"dangling": 0, "citation_recall": 0.0, "citation_precision": 0.0}


def test_recall_counts_sentences() -> None:
    """ALCE's recall: of three sentences one is supported, one is not, one has no citation."""
    reply = saying(OPENED, ("Oskar Lind painted it.", "pier", RIBBON))
    reply = {**reply, "answer": reply["answer"] + " Everybody was happy."}
    assert _figures(reply)["citation_recall"] == pytest.approx(1 / 3)
    assert _figures({**reply, "answer": reply["answer"] + " The crowd slept."})["citation_recall"] == pytest.approx(
        1 / 4
    )
    before = "Well. " + reply["answer"]
    moved = [{**c, "start_index": c["start_index"] + 6, "end_index": c["end_index"] + 6} for c in reply["citations"]]
    assert _figures({**reply, "answer": before, "citations": moved})["citation_recall"] == pytest.approx(1 / 4)


def test_the_first_and_the_last_letter_count() -> None:
    """A word of one letter before or after the cited sentence is a sentence without a citation."""
    reply = saying(OPENED)
    (citation,) = reply["citations"]
    moved = {**citation, "start_index": 2, "end_index": citation["end_index"] + 2}
    assert _figures({**reply, "answer": f"A {reply['answer']}", "citations": [moved]})["citation_recall"] == 0.5
    assert _figures({**reply, "answer": f"{reply['answer']} A"})["citation_recall"] == 0.5


def test_two_quotes_can_bear_out_together() -> None:
    """ALCE: a sentence that needs both of its citations has recall 1, and both are precise."""
    figures = _figures(_citing("Ines Corrand opened the pier, 90 metres long.", ("pier", RIBBON), ("stall", LONG)))
    assert (figures["citation_recall"], figures["citation_precision"]) == (1.0, 1.0)


def test_an_unneeded_citation_is_imprecise() -> None:
    """ALCE's over-citation: the sentence is supported without the second citation, which is not precise."""
    figures = _figures(_citing(RIBBON, ("pier", RIBBON), ("stall", LONG)))
    assert (figures["citation_recall"], figures["citation_precision"]) == (1.0, 0.5)


def test_two_citations_that_each_suffice_are_both_precise() -> None:
    """ALCE: a citation that supports the sentence alone is precise, whatever others do."""
    figures = _figures(_citing("It cost 3.4 million crowns.", ("pier", COST), ("pier", f"{RIBBON} {COST}")))
    assert figures["citation_precision"] == 1.0


def test_citations_of_what_is_not_borne_out_are_imprecise() -> None:
    """ALCE: if the quotes together do not support the sentence, all are imprecise."""
    figures = _figures(_citing("Oskar Lind painted the pier.", ("pier", RIBBON), ("stall", LONG)))
    assert (figures["citation_recall"], figures["citation_precision"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("sentence", "quote", "borne"),
    [
        ("The new pier opened on 6 March 2025.", OPENED, False),
        ("The new pier opened on 5 May 2025.", OPENED, False),
        ("The pier opened in March 2025.", OPENED, True),
        ("On that day Petra Volk cut the ribbon.", RIBBON, False),
        ("Ribbons: Ines Corrand cut one.", RIBBON, True),
        ("The pier cost 3.5 million crowns.", COST, False),
        ("It cost 3.4 million crowns to build that thing.", COST, True),
        ("It was remarkably cheap, cleverly built, sturdy, cost little.", COST, False),
        ("It was painted.", UNPAINTED, False),
        ("It was not painted.", UNPAINTED, True),
        ("It was never painted.", UNPAINTED, True),
        ("It wasn't painted.", UNPAINTED, True),
        ("The pier is not 90 metres long.", LONG, False),
        ("The pier isn't 90 metres long.", LONG, False),
        ("The pier is 90 metres long, not painted.", f"{LONG} {UNPAINTED}", True),
        ("The pier is 90 metres long.", f"{LONG} {UNPAINTED}", True),
        ("It was.", UNPAINTED, False),
    ],
)
def test_hard_words_decide_whether_a_quote_bears_a_sentence_out(sentence: str, quote: str, borne: bool) -> None:
    """Numbers, names and negations must agree, and half of the other words."""
    article = "pier" if quote in articles()["pier"].body else "stall"
    assert _figures(saying((sentence, article, quote)))["citation_recall"] == float(borne)


def test_half_of_the_words_is_enough() -> None:
    """Coverage of exactly one half supports a sentence, less does not."""
    assert _figures(saying(("Someone cut something ribbon.", "pier", RIBBON)))["citation_recall"] == 1.0
    assert _figures(saying(("Someone cut something ribbony.", "pier", RIBBON)))["citation_recall"] == 0.0


def test_dashes_of_any_kind_are_one() -> None:
    """A result with an en dash is supported by the same result, with an en dash or a hyphen."""
    played = articles(match="Ardmere won 2–1. Colliers lost 1-2 last year.")
    for sentence, quote in (("Ardmere won 2–1.",) * 2, ("Ardmere won 2-1.", "Ardmere won 2–1.")):
        reply = saying(("x", "pier", RIBBON))
        reply = {**reply, "answer": f"{sentence} [1]"}
        cited = {"cited_text": quote, "article_id": "match", "start_index": 0, "end_index": len(sentence) + 4}
        assert citation_figures(item(), _changed(reply, **cited), played)["citation_recall"] == 1.0


@pytest.mark.parametrize(
    "fields",
    [
        {"source_id": "src_2"},
        {"source_id": "src_9"},
        {"article_id": "stall"},
        {"marker": 2},
        {"end_index": 10},
        {"start_index": 40},
    ],
)
def test_a_citation_that_leads_elsewhere_is_dangling(fields: dict[str, object]) -> None:
    """Another source, an unknown one, another article or marker, a sentence without the marker: each is dangling."""
    reply = saying(RIBBON)
    assert not is_dangling(reply["citations"][0], reply)
    changed = _changed(reply, **fields)
    assert is_dangling(changed["citations"][0], changed)
    assert _figures(changed)["dangling"] >= 1


def test_a_marker_without_a_citation_is_dangling() -> None:
    """Each marker without a citation counts once, however often the answer has it."""
    reply = saying(RIBBON)
    assert _figures({**reply, "answer": reply["answer"] + " [7] [7] [8]"})["dangling"] == 2
    assert _figures({**reply, "citations": []})["dangling"] == 1


def test_a_quote_is_exact_at_its_place_only() -> None:
    """A quote with other words, another position, another article or no words is not exact."""
    citation = saying(RIBBON)["citations"][0]
    assert is_exact(citation, articles())
    start, end = citation["start_char_index"], citation["end_char_index"]
    for fields in (
        {"cited_text": "Ines Corrand cut a ribbon."},
        {"start_char_index": start + 1},
        {"end_char_index": end - 1},
        {"start_char_index": start + 1, "end_char_index": end + 1},
        {"article_id": "stall"},
        {"article_id": "unknown"},
        {"cited_text": "", "end_char_index": start},
    ):
        assert not is_exact({**citation, **fields}, articles())


def test_exactness_is_a_share() -> None:
    """One false quote of two gives an exactness of one half."""
    reply = saying(OPENED, RIBBON)
    first, second = reply["citations"]
    assert _figures({**reply, "citations": [first, {**second, "cited_text": "Ines"}]})["quote_exactness"] == 0.5


def test_gold_sources_is_the_best_share_of_a_sufficient_set() -> None:
    """Cited articles are measured against the best alternative set."""
    evidence = [{"id": f"e{at}", "article": name, "quote": "x"} for at, name in enumerate(("pier", "stall", "mill"))]
    either = item(evidence=evidence, evidence_sets=[["e1", "e2"], ["e0", "e1", "e2"]], facts=None)
    assert citation_figures(either, saying(OPENED), articles())["gold_sources"] == pytest.approx(1 / 3)
    assert citation_figures(either, saying((LONG, "stall", LONG)), articles())["gold_sources"] == 0.5
    assert "gold_sources" not in citation_figures(item(evidence=None, facts=None), saying(OPENED), articles())
