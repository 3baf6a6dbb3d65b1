// The articles behind an answer: a card for each, their quotes in context, and a copy of both as text.

/** @import { Client } from "./service.js" */
/** @import { Words } from "./words.js" */

import { changesText } from "./changes.js";
import { factsLine } from "./facts.js";
import { externalLink, make, plain, rendered } from "./dom.js";
import { aboutLine, citationPage, describe, differs, head, links, quoteBox, tagOf, titleOf } from "./quotes.js";

/** Largest number of articles beside an abstention. */
const CLOSEST = 3;
/**
 * The least cosine between a question and a passage for the passage to count as close. For questions that the articles
 * do not touch the best passage had up to 0.26 (“Who is the prime minister of France?” 0.09), for questions that they
 * touch and do not answer 0.34 to 0.55. Below it, an article beside an abstention would look like a hint at an answer.
 */
const CLOSE = 0.3;
/** Copies of an article that are listed at once; more are listed on request. */
const COPIES = 4;

/** The cards of the cited articles or, for an abstention, of related ones. */
export class SourcesView {
  #parts;
  /** @type {Map<string, {numbers: HTMLElement, quotes: HTMLElement}>} by article */
  #cards = new Map();
  #list = make("ol", { class: "cards", role: "list" });
  #title;

  /** @param {{words: Words, client: Client, level: number}} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#title = make(`h${parts.level + 2}`, { class: "label" });
    this.element = make("div", { class: "sources", part: "sources", hidden: true }, this.#title, this.#list);
  }

  /**
   * Add a citation's quote to the card of its article.
   * @param {Citation} citation
   * @param {Source[]} sources
   */
  cite(citation, sources) {
    const source = sources.find((each) => each.id === citation.source_id);
    if (!source) return;
    const card = this.#cards.get(source.article_id) ?? this.#add(source);
    const number = String(citation.marker);
    if (![...card.numbers.children].some((each) => each.textContent === number)) card.numbers.append(make("span", { class: "number", text: number }));
    card.quotes.append(quoteBox(citation, source, this.#parts, "card"));
  }

  /**
   * Show the sources of a complete reply.
   * @param {Reply} reply
   */
  set(reply) {
    this.#cards.clear();
    this.#list.replaceChildren();
    this.element.hidden = true;
    for (const citation of [...reply.citations].sort((one, other) => one.marker - other.marker)) this.cite(citation, reply.sources);
    for (const source of closest(reply)) this.#add(source).quotes.append(passageBox(source, this.#parts));
    this.#title.textContent = this.#parts.words.say(reply.status === "not_in_sources" ? "closest" : "sources");
  }

  /** @param {Source} source */
  #add(source) {
    const { words } = this.#parts;
    const numbers = make("span", { class: "numbers" });
    const quotes = make("div", { class: "quotes" });
    const body = make("div", { class: "card-body", hidden: true }, quotes, this.#duplicates(source));
    const copies = source.duplicates.length;
    const heading = make(
      "span",
      { class: "card-text", dir: "auto" },
      make("span", { class: "card-title", lang: tagOf(source), text: titleOf(source, words) }),
      aboutLine(source, words),
      copies ? make("span", { class: "about also-count", text: words.say("also_count", { count: copies }) }) : null,
    );
    const click = () => {
      body.hidden = !body.hidden;
      button.setAttribute("aria-expanded", String(!body.hidden));
    };
    const button = make("button", { type: "button", class: "card-head", "aria-expanded": "false", on: { click } }, numbers, heading);
    this.#list.append(make("li", { class: "card", part: "source" }, button, body));
    this.#title.textContent = words.say("sources");
    this.element.hidden = false;
    const card = { numbers, quotes };
    this.#cards.set(source.article_id, card);
    return card;
  }

  /** @param {Source} source */
  #duplicates({ duplicates }) {
    const { words, client } = this.#parts;
    if (!duplicates.length) return null;
    const items = duplicates.map((other) => {
      const name = [other.source, titleOf(other, words)].filter(Boolean).join(": ");
      return make("li", { dir: "auto" }, externalLink(client.articlePage(other.article_id), name, words.say("new_tab")));
    });
    const list = (/** @type {HTMLElement[]} */ shown) => make("ul", { role: "list" }, ...shown);
    const count = items.length - COPIES;
    // Not for one copy more: it takes the room of the line that hides it.
    const rest = count > 1 ? items.splice(COPIES) : [];
    const more = rest.length ? make("details", {}, make("summary", { text: words.say("also_more", { count }) }), list(rest)) : null;
    return make("div", { class: "also" }, make("p", { class: "label", text: words.say("also") }), list(items), more);
  }
}

/**
 * Return the first passage of each related article; for answers, return an empty list.
 * @param {Reply} reply
 */
export function closest({ status, sources }) {
  if (status !== "not_in_sources") return [];
  const first = sources.filter((source, at) => sources.findIndex((other) => other.article_id === source.article_id) === at);
  const best = (/** @type {Source} */ { article_id: id }) => Math.max(...sources.filter((each) => each.article_id === id).map(({ scores }) => scores?.dense ?? 0));
  return first.filter((source) => best(source) >= CLOSE).slice(0, CLOSEST);
}

/**
 * Make a retrieved passage without a quote.
 * @param {Source} source
 * @param {{words: Words, client: Client}} parts
 */
function passageBox(source, { words, client }) {
  const page = client.articlePage(source.article_id, source.start_char_index, source.end_char_index);
  return make(
    "div",
    { class: "quote-box" },
    make("p", { class: "label", text: words.say("passage") }),
    make("blockquote", { class: "quote", dir: "auto", lang: tagOf(source) }, ...rendered(head(source.snippet))),
    links(page, source, words),
  );
}

/**
 * Return the question, the answer with what limits it, each source with its quotes and their places, and the service, the
 * date and the address of the answer's page.
 * @param {string} question
 * @param {Reply} reply
 * @param {Words} words
 * @param {Client} client
 */
export function copyText(question, reply, words, client) {
  const markers = [...new Set(reply.citations.map(({ marker }) => marker))].sort((one, other) => one - other);
  const sources = markers.map((marker) => {
    const citations = reply.citations.filter((citation) => citation.marker === marker);
    const source = reply.sources.find((each) => each.id === citations[0].source_id);
    const quoteOf = (/** @type {Citation} */ citation) => `“${plain(citation.cited_text)}”${differs(citation) ? ` ${words.say("compare")}` : ""}`;
    const quotes = new Map(citations.map((citation) => [citationPage(citation, client), quoteOf(citation)]));
    return [`[${marker}] ${describe(source, words)}`, ...[...quotes].map(([page, quote]) => `${quote}\n${page}`)].join("\n");
  });
  const origin = words.say("copied_from", { service: client.host, day: words.day(reply.created_at) });
  const link = client.permalink(reply.permalink);
  const limits = [factsLine(reply, words), ...changesText(reply, words)].filter(Boolean);
  return [question, plain(reply.answer), ...limits, ...sources, link ? `${origin}\n${link}` : origin].join("\n\n");
}

/**
 * Copy a text to the clipboard; return false if the browser does not allow it.
 * @param {string} text
 * @param {Node} near a place for the field that browsers without a clipboard API copy from
 * @returns {Promise<boolean>}
 */
export async function toClipboard(text, near) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const focused = /** @type {any} */ (near.getRootNode()).activeElement;
    const field = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
    field.value = text;
    near.appendChild(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    focused?.focus();
    return done;
  }
}
