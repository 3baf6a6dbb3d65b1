"""Checks of outcomes: true answers in any words, silence, guesses, dumps and false answers."""

from collections import Counter
from collections.abc import Callable, Iterator

from eval.matching import normalised, without_markers
from eval.metrics import ticks
from eval.records import GoldItem
from tests.eval.selftest.bench import Bench, breaks, lies, mean, passes, reworded, share, unless
from tests.eval.selftest.fakes import changing, dumper, guesser, refuser, shuffled, speaking
from tests.eval.selftest.replies import Reply, Said

PERFECT = (
    "recall@5 mrr@10 ndcg@10 all_evidence@8 answer_in_context fact_recall citation_recall citation_precision"
    " quote_exactness gold_sources paraphrase exercised counted_once truthfulness".split()
)
ZERO = "dangling must_not injection false_conflict false_answer over_refusal weak_evidence".split()


def gold_answers(bench: Bench) -> Iterator[str]:
    """The oracle has exactly 1 in every metric and passes."""
    grades = bench.truth.grades
    for figure, expected in [*((name, 1.0) for name in PERFECT), *((name, 0.0) for name in ZERO)]:
        found = {grade.figures[figure] for grade in grades if figure in grade.figures}
        yield from unless(found == {expected}, f"{figure} is {sorted(found)}, not {expected}")
    yield from passes(bench.judged(bench.truth))


def other_words(bench: Bench) -> Iterator[str]:
    """A true answer in other words, orders, numbers and dates states the same facts."""
    items = {item.id: item for item in bench.gold.items}
    for name, answers in reworded().items():
        for answer in answers:
            missing = [tick.text for tick in ticks(items[name], answer) if not tick.stated]
            yield from unless(not missing, f"{name}: {answer!r} does not state {missing}")


def shuffled_gold(bench: Bench) -> Iterator[str]:
    """The answer to another question of the same type is not correct."""
    answerable = [v for v in bench.grades(shuffled(bench.gold)) if v.type != "unanswerable"]
    recall, truthfulness = mean(answerable, "fact_recall"), mean(answerable, "truthfulness")
    yield from unless(recall <= 0.05, f"fact recall is {recall:.2f}")
    yield from unless(truthfulness <= -0.8, f"truthfulness is {truthfulness:.2f}")
    yield from breaks(bench.decision(shuffled(bench.gold)), "floor", code=1)


def silence(bench: Bench) -> Iterator[str]:
    """Nothing, blanks, `N/A` and the bare question are not answers, and an empty answer is not an abstention."""
    for status, texts in (("answered", ("", "  \n", "N/A", None)), ("not_in_sources", ("", "  \n"))):
        for text in texts:
            respond = changing(bench.gold, _saying(text, status))
            good = [grade.id for grade in bench.grades(respond) if grade.good]
            yield from unless(not good, f"{text!r} with status {status} is good for {good}")
            yield from breaks(bench.decision(respond), "regression", code=1, stage="citation")


def _saying(text: str | None, status: str) -> Callable[[GoldItem, Reply], Reply]:
    """A target that answers with a text, or the question itself, without citations."""
    return lambda item, reply: {
        **reply,
        "status": status,
        "answer": item.question if text is None else text,
        "citations": [],
    }


def echo_with_citations(bench: Bench) -> Iterator[str]:
    """The question as an answer, with valid citations, is wrong."""
    echo = speaking(bench.gold, lambda item, said: [one._replace(sentence=item.question) for one in said])
    good = [grade.id for grade in bench.grades(echo) if grade.outcome == "correct"]
    yield from unless(not good, f"the question is taken for an answer: {good}")
    yield from breaks(bench.decision(echo), "regression", code=1, stage="reader")


def always_refuse(bench: Bench) -> Iterator[str]:
    """A target that always abstains is never wrong, and fails."""
    grades = bench.grades(refuser(bench.gold))
    unanswerable = share(bench.truth.grades, "refused_ok")
    worth = mean(grades, "truthfulness")
    yield from unless(share(grades, "refused_ok") == unanswerable, "not every right refusal counts as one")
    yield from unless(worth <= unanswerable + 1e-9, f"truthfulness is {worth:.2f}, above {unanswerable:.2f}")
    decision = bench.decision(refuser(bench.gold))
    yield from breaks(decision, "ceiling", code=1)
    yield from breaks(decision, "regression", code=1, stage="abstention")
    yield from unless("over_refusal of all is 1.000" in str(decision), "over-refusal is not named")


def never_refuse(bench: Bench) -> Iterator[str]:
    """A target that answers unanswerable questions fails by false answers."""
    decision = bench.decision(guesser(bench.gold))
    yield from breaks(decision, "ceiling", code=1)
    yield from breaks(decision, "regression", code=1, stage="abstention")
    yield from unless("false_answer of all is 1.000" in str(decision), "the false answers are not named")


def dump_everything(bench: Bench) -> Iterator[str]:
    """Complete articles as an answer state every fact, and are not correct."""
    grades = bench.grades(dumper(bench.gold))
    recall = mean(grades, "fact_recall")
    yield from unless(recall == 1.0, f"fact recall is {recall:.2f}")
    yield from unless(not share(grades, "correct"), "an answer of whole articles is correct")
    yield from breaks(bench.decision(dumper(bench.gold)), "regression", code=1, stage="reader")


def liar(bench: Bench) -> Iterator[str]:
    """An answer with one changed number, name or date, or one `not`, is not correct."""
    told = lies()
    for item in bench.gold.items:
        if item.id in told:
            overlap = token_f1(told[item.id], item.answer)
            yield from unless(overlap >= 0.8, f"{item.id}: the lie shares only {overlap:.2f} of the words")
    respond = speaking(bench.gold, lambda item, said: in_words(told[item.id], said) if said else said)
    believed = [grade.id for grade in bench.grades(respond) if grade.outcome == "correct"]
    yield from unless(not believed, f"lies are taken for truth: {believed}")
    yield from breaks(bench.decision(respond), "regression", code=1, stage="reader")


def hedges(bench: Bench) -> Iterator[str]:
    """A true answer beside a false one, and a true answer with an invented sentence, are not correct."""
    for extra in (", or maybe Oskar Lind with 77", ". It was Oskar Lind who paid 77 crowns"):
        respond = speaking(bench.gold, _adding(extra))
        believed = [grade.id for grade in bench.grades(respond) if grade.outcome == "correct"]
        yield from unless(not believed, f"with {extra!r} taken for truth: {believed}")
        yield from breaks(bench.decision(respond), "regression", code=1, stage="citation")


def _adding(extra: str) -> Callable[[GoldItem, list[Said]], list[Said]]:
    return lambda _, said: [one._replace(sentence=one.sentence.rstrip(".") + extra + ".") for one in said]


def in_words(answer: str, said: list[Said]) -> list[Said]:
    """A target that takes the sentences of another answer."""
    cut = answer.split(". ") if len(said) > 1 else [answer]
    return [one._replace(sentence=words.rstrip(".") + ".") for one, words in zip(said, cut, strict=True)]


def token_f1(one: str, other: str) -> float:
    """Return the word overlap of two texts (SQuAD's F1), which does not detect false answers."""
    left, right = (Counter(normalised(without_markers(text)).split()) for text in (one, other))
    shared = (left & right).total()
    return 2 * shared / (left.total() + right.total()) if shared else 0.0


ANSWERS = (
    gold_answers,
    other_words,
    shuffled_gold,
    silence,
    echo_with_citations,
    always_refuse,
    never_refuse,
    dump_everything,
    liar,
    hedges,
)
