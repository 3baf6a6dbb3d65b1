// A quote in its context: the passage around it, and the quote marked in it, exactly.

import { make } from "./element.js";
import { countPoints, slicePoints } from "./points.js";

const AROUND = 220;

/**
 * The quote of a citation, marked, between what stands before and after it in the passage.
 * @param {import("./types.js").Citation} citation
 * @param {import("./types.js").Source} source
 */
export function quoteInContext(citation, source) {
  const start = citation.start_char_index - source.start_char_index;
  const end = citation.end_char_index - source.start_char_index;
  const mark = make("mark", { text: citation.cited_text });
  // Where the passage does not hold the quote at this place, the quote stands alone: a wrong context is worse than none.
  const holds = start >= 0 && slicePoints(source.snippet, start, end) === citation.cited_text;
  const before = holds ? tail(slicePoints(source.snippet, 0, start)) : "";
  const after = holds ? head(slicePoints(source.snippet, end)) : "";
  return make("blockquote", { class: "quote", dir: "auto" }, before, mark, after);
}

/**
 * The beginning of a passage, cut on a word.
 * @param {string} text
 */
export function head(text) {
  if (countPoints(text) <= AROUND) return text;
  return `${slicePoints(text, 0, AROUND).replace(/\s+\S*$/u, "")} …`;
}

/** @param {string} text */
function tail(text) {
  const length = countPoints(text);
  if (length <= AROUND) return text;
  return `… ${slicePoints(text, length - AROUND).replace(/^\S*\s+/u, "")}`;
}
