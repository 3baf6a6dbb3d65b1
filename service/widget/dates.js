// How old the newest report is that an answer rests on.

const DAY_MS = 86_400_000;

/**
 * The newest date among the sources that are cited, or null.
 * @param {import("./types.js").Citation[]} citations
 * @param {import("./types.js").Source[]} sources
 * @returns {string?} as the source has it
 */
export function newestCited(citations, sources) {
  const cited = new Set(citations.map(({ source_id: id }) => id));
  const dated = sources.filter(({ id, published_at: at }) => cited.has(id) && at && !Number.isNaN(Date.parse(at)));
  return dated.map(({ published_at: at }) => at).sort((one, other) => Date.parse(other) - Date.parse(one))[0] ?? null;
}

/**
 * The newest report in words, such as “31 March 2026, 8 months ago”; null where no date is known.
 * @param {import("./types.js").Turn} turn
 * @param {import("./words.js").Words} words
 * @returns {{day: string, ago: string}?}
 */
export function latestReport({ citations, sources }, words) {
  const newest = newestCited(citations, sources);
  if (!newest) return null;
  return { day: words.day(newest), ago: words.ago(daysSince(newest)) };
}

/**
 * Whole days from the day of a moment to today, both in UTC.
 * @param {string} moment
 */
function daysSince(moment) {
  return Math.floor(Date.now() / DAY_MS) - Math.floor(Date.parse(moment) / DAY_MS);
}
