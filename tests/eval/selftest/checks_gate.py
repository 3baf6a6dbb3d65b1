"""Checks of the gate's rules."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import timedelta

from eval.gate import Accepted, changes_between
from eval.records import GoldItem
from eval.run import Selection
from tests.eval.selftest.bench import TODAY, Bench, breaks, mean, passes, unless
from tests.eval.selftest.fakes import Respond, changing, oracle
from tests.eval.selftest.replies import Reply, refused, true_reply

LARGE_TYPE = 15
"""Copies of each question that make a type large enough for floors of its own."""


def same_and_better(bench: Bench) -> Iterator[str]:
    """The same answers pass, and so does one more correct answer."""
    yield from passes(bench.judged(bench.truth))
    worse = bench.measured(bench.run(_silent_on(bench, {"why-002"})))
    decision = bench.decide(bench.gold, bench.truth, worse, (), TODAY)
    yield from passes(decision)
    yield from unless("1 improved" in str(decision), f"the improvement is not counted: {decision}")


def lost_question(bench: Bench) -> Iterator[str]:
    """One regression fails; a critical one breaks a rule of its own, in the holdout as well."""
    yield from breaks(bench.decision(_silent_on(bench, {"why-002"})), "regression", code=1, stage="abstention")
    critical = next(item.id for item in bench.gold.items if item.critical)
    yield from breaks(bench.decision(_silent_on(bench, {critical})), "critical question", code=1, stage="abstention")
    items = [item.model_copy(update={"critical": item.split == "holdout"}) for item in bench.gold.items]
    hiding = replace(bench, gold=replace(bench.gold, items=tuple(items)))
    yield from breaks(hiding.decision(_silent_on(bench, {"who-002"})), "critical question", code=1)


def hidden_holdout(bench: Bench) -> Iterator[str]:
    """The holdout fails without naming a question."""
    hidden = {item.id for item in bench.gold.items if item.split == "holdout"}
    decision = bench.decision(_silent_on(bench, hidden))
    yield from breaks(decision, "holdout", code=1)
    said = decision.model_dump_json()
    named = [name for name in sorted(hidden) if name in said]
    yield from unless(not named, f"named are {named}")


def accepted_loss(bench: Bench) -> Iterator[str]:
    """An accepted regression passes until it expires."""
    now = bench.measured(bench.run(_silent_on(bench, {"why-002"})))
    meant = Accepted(id="why-002", reason="its article is withdrawn", expires=TODAY)
    yield from passes(bench.judged(now, [meant], TODAY - timedelta(days=1)))
    for day in (TODAY, TODAY + timedelta(days=1)):
        yield from breaks(bench.judged(now, [meant], day), "regression", code=1)


def one_type_collapses(bench: Bench) -> Iterator[str]:
    """A type that fails breaks its own floor, even if the overall mean rises and every regression is accepted."""
    large = bench.larger(LARGE_TYPE)
    before = large.measured(large.run(_silent_on(bench, {item.id for item in bench.gold.items if _is_old(item)})))
    now = large.measured(large.run(_blind_to(bench, "where")))
    rises = mean(now.grades, "truthfulness") > mean(before.grades, "truthfulness")
    yield from unless(rises, "the mean does not rise, so that this check says nothing")
    lost = [flip.id for flip in changes_between(before.grades, now.grades) if flip.kind == "regressed"]
    meant = [Accepted(id=name, reason="meant for this check", expires=TODAY + timedelta(days=1)) for name in lost]
    decision = large.decide(large.gold, now, before, meant, TODAY)
    yield from breaks(decision, "floor", code=1)
    named = {breach.detail.split(" is ")[0] for breach in decision.breaches}
    yield from unless(named == {"recall@5 of where"}, f"broken are {sorted(named)}")


def subset(bench: Bench) -> Iterator[str]:
    """A subset can be in order, and is not a pass."""
    for order in (Selection(types=("who",)), Selection(ids=("why-001",)), Selection(limit=5)):
        decision = bench.judged(bench.measured(bench.run(oracle(bench.gold), order)))
        yield from unless(decision.exit_code == 0, f"exits with {decision.exit_code}")
        yield from unless(not str(decision).startswith("PASS"), f"the grade is {decision}")


def budgets(bench: Bench) -> Iterator[str]:
    """A tenth more context tokens or calls is allowed, more is not."""
    longer = changing(bench.gold, lambda _, reply: {**reply, "sources": [_padded(s) for s in reply["sources"]]})
    calling = changing(bench.gold, lambda _, reply: {**reply, "usage": {**reply["usage"], "llm_calls": 2}})
    for respond in (longer, calling):
        yield from breaks(bench.decision(respond), "budget", code=1)


def _silent_on(bench: Bench, ids: Collection[str]) -> Respond:
    """An oracle that abstains on some questions."""
    return _with(bench, lambda item: item.question in {i.question for i in bench.gold.items if i.id in ids}, silent)


def _blind_to(bench: Bench, type_: str) -> Respond:
    """An oracle that finds nothing for a type."""
    return _with(bench, lambda item: item.type == type_, lambda bench, item: true_reply(item, bench.gold.articles, []))


def silent(bench: Bench, item: GoldItem) -> Reply:
    """Return an abstention with the oracle's passages."""
    return {**true_reply(item, bench.gold.articles), **_refusal(bench)}


def _refusal(bench: Bench) -> Reply:
    kept = ("status", "status_reason", "answer", "citations")
    return {name: value for name, value in refused(bench.gold.articles, ()).items() if name in kept}


def _with(bench: Bench, where: Callable[[GoldItem], bool], say: Callable[[Bench, GoldItem], Reply]) -> Respond:
    return lambda item: say(bench, item) if where(item) else true_reply(item, bench.gold.articles)


def _is_old(item: GoldItem) -> bool:
    return item.type in ("why", "when", "who", "what")


def _padded(source: Reply) -> Reply:
    return {**source, "snippet": source["snippet"] + " and so on" * (len(source["snippet"]) // 40)}


GATE = (
    same_and_better,
    lost_question,
    hidden_holdout,
    accepted_loss,
    one_type_collapses,
    subset,
    budgets,
)
