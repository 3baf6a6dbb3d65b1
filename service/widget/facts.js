// The facts about an answer in one line: its independent sources, its day, and the dates of the articles that may answer.

/** @import { Words } from "./words.js" */

/**
 * Return what limits an answer, in one line: the number of independent sources, its day, and the dates of its articles.
 * @param {Reply} reply
 * @param {Words} words
 * @returns {string?}
 */
export function factsLine(reply, words) {
  const { independent_sources: stories, as_of: asOf, sources, status } = reply;
  const cited = sources.filter((source) => source.cited);
  // To a reader, two stories of one publisher are not independent.
  const count = Math.min(stories, new Set(cited.map(({ source, article_id: id }) => source ?? id)).size);
  // One source is worth a word only if it stands for copies.
  const copied = cited.some(({ duplicates }) => duplicates.length);
  const facts = [
    status !== "not_in_sources" && (count > 1 || (count === 1 && copied)) ? words.say("independent", { count }) : null,
    asOf ? words.say("as_of", { day: words.day(asOf) }) : null,
    inferredText(reply.retrieval, words),
  ];
  return facts.filter(Boolean).join(" · ") || null;
}

/**
 * Return the dates that the service read from the question, such as “Only articles since 1 May 2026”.
 * @param {Reply["retrieval"]} retrieval
 * @param {Words} words
 * @returns {string?}
 */
function inferredText(retrieval, words) {
  const inferred = Object.fromEntries((retrieval?.filters_inferred ?? []).map((each) => each.split("=")));
  // The end is exclusive: midnight belongs to the day before.
  const [from, to] = [[inferred.published_after, 0], [inferred.published_before, 1]].map(([date, less]) => {
    const time = Date.parse(date) - less;
    return Number.isNaN(time) ? "" : words.day(new Date(time).toISOString());
  });
  if (from && to) return from === to ? words.say("only_on", { day: from }) : words.say("only_between", { from, to });
  return from ? words.say("only_since", { day: from }) : to && words.say("only_until", { day: to });
}
