// A quote: its words in context, what they mean by the article's date, and its article with links.

/** @import { Client } from "./service.js" */
/** @import { Words } from "./words.js" */

import { countPoints, externalLink, make, plain, rendered, slicePoints, webAddress } from "./dom.js";
import { withText } from "./fragment.js";

/** Code points of context before and after a quote: below its sentence, and in the column beside it. */
const BEFORE = 80;
const NEAR = 160;
const LEAD = 260;
const BESIDE = 600;
/** Publishers of copies that are named beside a quote. */
const NAMED = 3;
const PARAGRAPH = /\n\s*\n/u;

/**
 * Make a quote with its article and links, as it opens under a sentence, beside it, or in a card.
 * @param {Citation} citation
 * @param {Source} source
 * @param {{words: Words, client: Client}} parts
 * @param {"below" | "beside" | "card"} place
 */
export function quoteBox(citation, source, { words, client }, place) {
  const label = words.say("quoted");
  // The card around a quote names the article.
  const article = place === "card" ? [] : [nameOf(source, words), aboutLine(source, words), copiesLine(source, words)];
  const around = contextOf(source.snippet, source.start_char_index, citation, place === "beside" ? source.start_char_index : null);
  // If the passage does not match at this position, show the quote without context.
  const quote = make("blockquote", { class: "quote", lang: tagOf(source) }, ...quoteNodes(citation, source, words, around ?? ["", ""]));
  return make(
    "div",
    { class: "quote-box", tabindex: "-1", role: "group", "aria-label": label, "data-citation": citation.id },
    place === "beside" ? null : make("p", { class: "label", text: label, "aria-hidden": "true" }),
    differs(citation) ? compareLine("compare", words) : null,
    // All of it at the side where the script of its title or its quote begins.
    make(
      "div",
      { dir: "auto" },
      ...(place === "beside" ? [...article, quote] : [quote, ...article]),
      links(citationPage(citation, client), source, words, citation.cited_text),
    ),
  );
}

/**
 * Show a quote in the paragraphs of its article, and the authors; an article that has changed is ignored.
 * @param {HTMLElement} box as `quoteBox` made it
 * @param {Citation} citation
 * @param {Source} source
 * @param {ArticleText} article
 * @param {Words} words
 */
export function complete(box, citation, source, article, words) {
  const around = contextOf(article.body, 0, citation, source.start_char_index);
  if (!around) return;
  box.querySelector(".quote")?.replaceChildren(...quoteNodes(citation, source, words, around));
  const authors = (article.authors ?? []).filter((name) => typeof name === "string").slice(0, 3);
  if (authors.length) box.querySelector(".about")?.append(" · ", make("bdi", { text: authors.join(", ") }));
}

/**
 * @param {Source} source
 * @param {Words} words
 */
function nameOf(source, words) {
  return make("p", { class: "from" }, make("cite", { class: "card-title", lang: tagOf(source), text: titleOf(source, words) }));
}

/**
 * Make a line with some publishers of an article's copies; null if it has none.
 * @param {Source} source
 * @param {Words} words
 */
function copiesLine({ source: own, duplicates }, words) {
  const names = [...new Set(duplicates.map(({ source }) => source))].filter((name) => name && name !== own);
  if (!names.length) return null;
  const more = names.length - NAMED;
  const said = [...names.slice(0, NAMED), ...(more > 0 ? [words.say("also_more", { count: more })] : [])];
  const list = said.flatMap((name) => [", ", make("bdi", { text: name })]).slice(1);
  return make("p", { class: "about copies" }, `${words.say("also")}: `, ...list);
}

/**
 * @param {string} key
 * @param {Words} words
 */
function compareLine(key, words) {
  // The direction of its own script, at the edge where the quote begins.
  return make("p", { class: "compare" }, make("bdi", { text: words.say(key) }));
}

/**
 * Make the quotes of a sentence whose wording differs, as they are shown below it; without such a citation, return null.
 * @param {Citation[]} citations
 * @param {(citation: Citation) => Source | undefined} sourceOf
 * @param {Words} words
 */
export function quotesToCompare(citations, sourceOf, words) {
  const quotes = citations.filter(({ verification }) => verification?.status === "partial").map((citation) => {
    const source = sourceOf(citation);
    return make("blockquote", { class: "quote", dir: "auto", lang: tagOf(source) }, ...quoteNodes(citation, source, words));
  });
  return quotes.length ? make("div", { class: "beside", part: "compare" }, compareLine("verdict_differs", words), ...quotes) : null;
}

/**
 * Return whether the wording of a sentence differs from its quote.
 * @param {Citation} citation
 */
export function differs(citation) {
  return citation.verification?.status !== "verified";
}

/**
 * @param {{title: string?} | undefined} source
 * @param {Words} words
 */
export function titleOf(source, words) {
  return source?.title ?? words.say("untitled");
}

/**
 * Return the language of an article as a valid tag for `lang`, or null.
 * @param {{language: string?} | undefined} source
 */
export function tagOf(source) {
  try {
    return source?.language ? Intl.getCanonicalLocales(source.language)[0] : null;
  } catch {
    return null;
  }
}

/**
 * Return title, publisher and date in one line of text.
 * @param {Source | undefined} source
 * @param {Words} words
 */
export function describe(source, words) {
  return [titleOf(source, words), source?.source, words.day(source?.published_at ?? null)].filter(Boolean).join(", ");
}

/**
 * Make the line of date and publisher; each in the direction of its own script.
 * @param {{published_at: string?, source: string?}} source
 * @param {Words} words
 * @param {string | null} [tag] what sets the report apart, such as “latest”
 */
export function aboutLine(source, words, tag = null) {
  const parts = [words.day(source.published_at), source.source].filter(Boolean).flatMap((part) => [" · ", make("bdi", { text: part })]);
  return make("span", { class: "about" }, ...parts.slice(1), ...(tag ? [" ", make("span", { class: "tag", text: tag })] : []));
}

/**
 * @param {Citation} citation
 * @param {Client} client
 */
export function citationPage(citation, client) {
  return client.articlePage(citation.article_id, citation.start_char_index, citation.end_char_index, citation.highlight);
}

/**
 * Return the text before and after a quote; null if the quote is not at its place.
 * @param {string} text
 * @param {number} offset of the text in the article's body, in code points
 * @param {Citation} citation
 * @param {number?} seen the start of the passage in the body: then the context ends with a paragraph, and it begins with
 *   the quote's paragraph or with one before it in the passage. Null: some words at each side.
 * @returns {[string, string]?}
 */
function contextOf(text, offset, citation, seen) {
  const points = [...text];
  const [start, end] = [citation.start_char_index - offset, citation.end_char_index - offset];
  if (start < 0 || points.slice(start, end).join("") !== citation.cited_text) return null;
  const [before, after] = [points.slice(0, start).join(""), points.slice(end).join("")];
  if (seen === null) return [tail(before, BEFORE), head(after, NEAR)];
  return [beginningOf(before, countPoints(before) - (seen - offset)), restOf(after)];
}

/**
 * Return the beginning of a quote's paragraph, and the paragraph before it if both are short. One that only the article
 * has, and not the passage, would move the quote down when the article arrives.
 * @param {string} before
 * @param {number} known code points of the passage before the quote
 */
function beginningOf(before, known) {
  const paragraphs = before.split(PARAGRAPH);
  const last = tail(paragraphs.pop() ?? "", LEAD);
  const full = `${paragraphs.pop() ?? ""}\n\n${last}`;
  return countPoints(full) <= Math.min(LEAD, known) ? full.trimStart() : last;
}

/**
 * Return the rest of a paragraph, and the next one if both are short.
 * @param {string} text
 */
function restOf(text) {
  const [rest, next] = text.split(PARAGRAPH, 2);
  return head(next !== undefined && countPoints(rest + next) <= BESIDE ? `${rest}\n\n${next}` : rest, BESIDE).trimEnd();
}

/**
 * Render a quote, marked between what is before and after it, with its date words explained.
 * @param {Citation} citation
 * @param {Source | undefined} source
 * @param {Words} words
 * @param {[string, string]} [around]
 */
function quoteNodes(citation, source, words, around) {
  const [before, after] = around ?? ["", ""];
  const at = before.length;
  const [first, last] = placeIn(citation, citation.highlight);
  const notes = (citation.dates ?? []).flatMap((date) => {
    const place = placeIn(citation, date);
    return place[0] < place[1] ? [{ at: at + place[1], node: whenNote(date, source, words) }] : [];
  });
  const marked = around ? [at, at + citation.cited_text.length] : [0, 0];
  return rendered(before + citation.cited_text + after, marked[0], marked[1], at + first, at + last, notes);
}

/**
 * Make the note beside words such as “on Thursday”: the date that they mean, in brackets and not selectable, so that a
 * copied quote has the words of the article only.
 * @param {ResolvedDate} date
 * @param {Source | undefined} source
 * @param {Words} words
 */
export function whenNote({ date }, source, words) {
  const said = `[${words.date(date, source?.published_at ?? null)}]`;
  return make("span", { class: "when", lang: words.lang }, "\u00a0", make("bdi", { text: said }));
}

/**
 * Return the answer's words in the quote without Markdown, or all of its words if the reply does not give their place.
 * @param {Citation} citation
 */
export function answerWords(citation) {
  const [first, last] = placeIn(citation, citation.highlight);
  const bold = rendered(citation.cited_text, 0, 0, first, last).filter(({ nodeName }) => nodeName === "B");
  return bold.length ? bold.map(({ textContent }) => textContent).join("") : plain(citation.cited_text);
}

/**
 * Return a place of the body as a place in the quote, in UTF-16 units; an empty one if it is not inside the quote.
 * @param {Citation} citation
 * @param {{start_char_index: number, end_char_index: number} | null | undefined} place
 * @returns {[number, number]}
 */
function placeIn({ cited_text: quote, start_char_index: start, end_char_index: end }, place) {
  const { start_char_index: first = end, end_char_index: last = end } = place ?? {};
  if (!(start <= first && first < last && last <= end)) return [0, 0];
  const before = slicePoints(quote, 0, first - start).length;
  return [before, before + slicePoints(quote, first - start, last - start).length];
}

/**
 * Return the beginning of a text, cut between words.
 * @param {string} text
 * @param {number} [limit] in code points
 */
export function head(text, limit = NEAR) {
  if (countPoints(text) <= limit) return text;
  return `${slicePoints(text, 0, limit).replace(/\s+\S*$/u, "")} …`;
}

/**
 * Return the end of a text, cut between words.
 * @param {string} text
 * @param {number} limit in code points
 */
function tail(text, limit) {
  const length = countPoints(text);
  if (length <= limit) return text;
  return `… ${slicePoints(text, length - limit).replace(/^\S*\s+/u, "")}`;
}

/**
 * Make the links to the article at its publisher, at the quote in browsers with text fragments, and to the copy here.
 * @param {string} page
 * @param {Pick<Source, "url" | "source">} source
 * @param {Words} words
 * @param {string} [quote]
 */
export function links(page, source, words, quote = "") {
  const here = externalLink(page, words.say("open_article"), words.say("new_tab"));
  const address = webAddress(source.url);
  if (!address) return make("p", { class: "links" }, here);
  const name = source.source ? words.say("original", { publisher: source.source }) : words.say("original_page");
  return make("p", { class: "links" }, externalLink(withText(address, plain(quote)), name, words.say("new_tab"), address), here);
}
