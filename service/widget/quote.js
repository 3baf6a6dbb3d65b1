// A quote in its context, the article it is from, and the ways to read on.

import { make, outward, webAddress } from "./element.js";
import { plain, rendered } from "./markdown.js";
import { countPoints, slicePoints } from "./points.js";

const AROUND = 160;
/** Words at each end of a quote by which a browser finds it in the publisher's page. */
const EDGE = 6;

/**
 * A quote with its article and links, as it opens under a sentence or in a card.
 * @param {import("./types.js").Citation} citation
 * @param {import("./types.js").Source} source
 * @param {{words: any, client: any}} parts
 * @param {boolean} named whether the article is named: not where the card around it names it
 */
export function quoteBox(citation, source, { words, client }, named) {
  const page = client.articlePage(citation.article_id, citation.start_char_index, citation.end_char_index);
  const say = (key) => words.say(key);
  return make(
    "div",
    { class: "quote-box", tabindex: "-1", role: "group", "aria-label": say("quoted"), "data-citation": citation.id },
    make("p", { class: "label", text: say("quoted"), "aria-hidden": "true" }),
    differs(citation) ? make("p", { class: "compare", text: say("compare") }) : null,
    quoteInContext(citation, source),
    named ? make("p", { class: "from", dir: "auto" }, make("cite", { class: "card-title", lang: source.language, text: titleOf(source, words) })) : null,
    named ? aboutLine([words.day(source.published_at), source.source]) : null,
    make("p", { class: "links" }, outward(page, say("open_article"), say("new_tab")), publisherLink(source, words, citation.cited_text)),
  );
}

/**
 * The passage that was read, where no quote was taken from it.
 * @param {import("./types.js").Source} source
 * @param {{words: any, client: any}} parts
 */
export function passageBox(source, { words, client }) {
  const page = client.articlePage(source.article_id, source.start_char_index, source.end_char_index);
  return make(
    "div",
    { class: "quote-box" },
    make("p", { class: "label", text: words.say("passage") }),
    make("blockquote", { class: "quote", dir: "auto", lang: source.language }, ...rendered(head(source.snippet))),
    make("p", { class: "links" }, outward(page, words.say("open_article"), words.say("new_tab")), publisherLink(source, words)),
  );
}

/**
 * Whether the sentence says in other words what its quote says.
 * @param {import("./types.js").Citation} citation
 */
export function differs(citation) {
  return citation.verification?.status !== "verified";
}

/**
 * @param {{title: string?} | undefined} source
 * @param {any} words
 * @returns {string}
 */
export function titleOf(source, words) {
  return source?.title ?? words.say("untitled");
}

/**
 * When and who; each part in the direction of its own script.
 * @param {(string | null | undefined)[]} parts
 */
export function aboutLine(parts) {
  const shown = parts.filter(Boolean).flatMap((part) => [" · ", make("bdi", { text: part })]);
  return make("span", { class: "about" }, ...shown.slice(1));
}

/**
 * The quote of a citation, marked, between what stands before and after it in the passage.
 * @param {import("./types.js").Citation} citation
 * @param {import("./types.js").Source} source
 */
export function quoteInContext(citation, source) {
  const start = citation.start_char_index - source.start_char_index;
  const end = citation.end_char_index - source.start_char_index;
  // Where the passage does not hold the quote at this place, the quote stands alone: a wrong context is worse than none.
  const holds = start >= 0 && slicePoints(source.snippet, start, end) === citation.cited_text;
  const before = holds ? tail(slicePoints(source.snippet, 0, start)) : "";
  const after = holds ? head(slicePoints(source.snippet, end)) : "";
  const whole = before + citation.cited_text + after;
  const nodes = rendered(whole, before.length, before.length + citation.cited_text.length);
  return make("blockquote", { class: "quote", dir: "auto", lang: source.language }, ...nodes);
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

/**
 * A link to the article where its publisher has it, at the quote in browsers that can find a text.
 * @param {import("./types.js").Source} source
 * @param {any} words
 * @param {string} [quote]
 */
export function publisherLink(source, words, quote = "") {
  const address = webAddress(source.url);
  if (!address) return null;
  const name = source.source ? words.say("original", { publisher: source.source }) : words.say("original_page");
  return outward(withText(address, plain(quote)), name, words.say("new_tab"));
}

/**
 * @param {string} address
 * @param {string} quote
 */
function withText(address, quote) {
  const wanted = quote.split(/\s+/u).filter(Boolean);
  if (!wanted.length) return address;
  const ends = wanted.length > 2 * EDGE ? [wanted.slice(0, EDGE), wanted.slice(-EDGE)] : [wanted];
  // A hyphen has a meaning of its own there, and `encodeURIComponent` leaves it.
  const text = ends.map((part) => encodeURIComponent(part.join(" ")).replace(/-/gu, "%2D")).join(",");
  return `${address}${address.includes("#") ? "" : "#"}:~:text=${text}`;
}
