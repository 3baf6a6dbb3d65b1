// A link to words in a publisher's page: a text fragment, to which browsers scroll and which they mark.

/** The most words of a quote that a link names in full, and those at each end of a longer one. */
const FULL = 12;
const EDGE = 6;
const PARAGRAPHS = /\n\s*\n/u;

/**
 * Return a web address with a text fragment for a quote. Browsers without text fragments open the page.
 * @param {string} address
 * @param {string} quote without Markdown
 */
export function withText(address, quote) {
  const ends = endsOf(quote);
  if (!ends.length) return address;
  const text = `text=${ends.map(encode).join(",")}`;
  if (address.includes(":~:")) return `${address}&${text}`;
  return `${address}${address.includes("#") ? "" : "#"}:~:${text}`;
}

/**
 * Return the words by which a browser finds a quote: all, or its first and last ones. A browser looks for a single text
 * within one paragraph, so that a quote of several paragraphs is always found by its ends.
 * @param {string} quote
 * @returns {string[]}
 */
function endsOf(quote) {
  const paragraphs = quote.split(PARAGRAPHS).map((each) => each.replace(/\s+/gu, " ").trim()).filter(Boolean);
  if (paragraphs.length === 1 && wordsOf(paragraphs[0]).length <= FULL) return paragraphs;
  return paragraphs.length ? [start(paragraphs[0]), end(paragraphs[paragraphs.length - 1])] : [];
}

/** @param {string} text */
function start(text) {
  const last = wordsOf(text)[EDGE - 1];
  return last ? text.slice(0, last.index + last.segment.length) : text;
}

/** @param {string} text */
function end(text) {
  const [first] = wordsOf(text).slice(-EDGE);
  return first ? text.slice(first.index) : text;
}

/**
 * Return the words of a text with their places, by the rules of its script: Chinese and Thai have no spaces between them.
 * @param {string} text
 */
function wordsOf(text) {
  return [...new Intl.Segmenter(undefined, { granularity: "word" }).segment(text)].filter(({ isWordLike }) => isWordLike);
}

/**
 * Encode a text for a fragment. `encodeURIComponent` keeps hyphens, which have a meaning there.
 * @param {string} text
 */
function encode(text) {
  return encodeURIComponent(text).replace(/-/gu, "%2D");
}
