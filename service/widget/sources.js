// The articles behind an answer: a card for each, their quotes in context, and a copy of both as text.

/** @import { Client } from "./service.js" */
/** @import { Words } from "./words.js" */

import { countPoints, externalLink, make, plain, rendered, slicePoints, webAddress } from "./dom.js";

/** Largest number of articles beside an abstention. */
const CLOSEST = 3;
/**
 * The least cosine between a question and a passage for the passage to count as close. For questions that the articles
 * do not touch the best passage had up to 0.26 (“Who is the prime minister of France?” 0.09), for questions that they
 * touch and do not answer 0.34 to 0.55. Below it, an article beside an abstention would look like a hint at an answer.
 */
const CLOSE = 0.3;
/** Code points of context before and after a quote. */
const CONTEXT = 160;
/** Words at each end of a quote with which a browser finds it in the publisher's page. */
const EDGE = 6;

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
    card.quotes.append(quoteBox(citation, source, this.#parts, false));
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
    const numbers = make("span", { class: "numbers" });
    const quotes = make("div", { class: "quotes" });
    const body = make("div", { class: "card-body", hidden: true }, quotes, this.#duplicates(source));
    const button = this.#heading(source, numbers);
    button.addEventListener("click", () => {
      body.hidden = !body.hidden;
      button.setAttribute("aria-expanded", String(!body.hidden));
    });
    this.#list.append(make("li", { class: "card", part: "source" }, button, body));
    this.#title.textContent = this.#parts.words.say("sources");
    this.element.hidden = false;
    const card = { numbers, quotes };
    this.#cards.set(source.article_id, card);
    return card;
  }

  /**
   * @param {Source} source
   * @param {HTMLElement} numbers
   */
  #heading(source, numbers) {
    const { words } = this.#parts;
    const count = (source.duplicates ?? []).length;
    return make(
      "button",
      { type: "button", class: "card-head", "aria-expanded": "false" },
      numbers,
      make(
        "span",
        { class: "card-text", dir: "auto" },
        make("span", { class: "card-title", lang: source.language, text: titleOf(source, words) }),
        aboutLine(source, words),
        count ? make("span", { class: "about also-count", text: words.say("also_count", { count }) }) : null,
      ),
    );
  }

  /** @param {Source} source */
  #duplicates({ duplicates }) {
    const { words, client } = this.#parts;
    if (!duplicates?.length) return null;
    const items = duplicates.map((other) => {
      const name = [other.source, titleOf(other, words)].filter(Boolean).join(": ");
      return make("li", {}, externalLink(client.articlePage(other.article_id), name, words.say("new_tab")));
    });
    return make("div", { class: "also" }, make("p", { class: "label", text: words.say("also") }), make("ul", { role: "list" }, ...items));
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
 * Make a quote with its article and links, as it opens under a sentence or in a card.
 * @param {Citation} citation
 * @param {Source} source
 * @param {{words: Words, client: Client}} parts
 * @param {boolean} named whether the article is named: not where the card around the quote names it
 */
export function quoteBox(citation, source, { words, client }, named) {
  const label = words.say("quoted");
  return make(
    "div",
    { class: "quote-box", tabindex: "-1", role: "group", "aria-label": label, "data-citation": citation.id },
    make("p", { class: "label", text: label, "aria-hidden": "true" }),
    differs(citation) ? compareLine("compare", words) : null,
    quoteInContext(citation, source),
    named ? make("p", { class: "from", dir: "auto" }, make("cite", { class: "card-title", lang: source.language, text: titleOf(source, words) })) : null,
    named ? aboutLine(source, words) : null,
    links(citationPage(citation, client), source, words, citation.cited_text),
  );
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
 * Make the quotes of a sentence whose wording differs, as they stand below it; without such a citation, return null.
 * @param {Citation[]} citations
 * @param {(citation: Citation) => Source | undefined} sourceOf
 * @param {Words} words
 */
export function quotesToCompare(citations, sourceOf, words) {
  const quotes = citations.filter(({ verification }) => verification?.status === "partial").map((citation) =>
    make("blockquote", { class: "quote", dir: "auto", lang: sourceOf(citation)?.language }, ...rendered(citation.cited_text, 0, 0, ...highlightOf(citation))),
  );
  return quotes.length ? make("div", { class: "beside", part: "compare" }, compareLine("verdict_differs", words), ...quotes) : null;
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
    make("blockquote", { class: "quote", dir: "auto", lang: source.language }, ...rendered(head(source.snippet))),
    links(page, source, words),
  );
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
 * Return title, publisher and date in one line of text.
 * @param {Source | undefined} source
 * @param {Words} words
 */
export function describe(source, words) {
  return [titleOf(source, words), source?.source, words.day(source?.published_at ?? null)].filter(Boolean).join(", ");
}

/**
 * Make the line of date and publisher; each in the direction of its own script.
 * @param {Source} source
 * @param {Words} words
 */
export function aboutLine(source, words) {
  const parts = [words.day(source.published_at), source.source].filter(Boolean).flatMap((part) => [" · ", make("bdi", { text: part })]);
  return make("span", { class: "about" }, ...parts.slice(1));
}

/**
 * @param {Citation} citation
 * @param {Client} client
 */
function citationPage(citation, client) {
  return client.articlePage(citation.article_id, citation.start_char_index, citation.end_char_index, citation.highlight);
}

/**
 * Make the quote of a citation, marked between what is before and after it in the passage.
 * @param {Citation} citation
 * @param {Source} source
 */
function quoteInContext(citation, source) {
  const start = citation.start_char_index - source.start_char_index;
  const end = citation.end_char_index - source.start_char_index;
  // If the passage does not match at this position, show the quote without context.
  const matches = start >= 0 && slicePoints(source.snippet, start, end) === citation.cited_text;
  const before = matches ? tail(slicePoints(source.snippet, 0, start)) : "";
  const after = matches ? head(slicePoints(source.snippet, end)) : "";
  const at = before.length;
  const [first, last] = highlightOf(citation);
  const nodes = rendered(before + citation.cited_text + after, at, at + citation.cited_text.length, at + first, at + last);
  return make("blockquote", { class: "quote", dir: "auto", lang: source.language }, ...nodes);
}

/**
 * Return the answer's words in the quote without Markdown, or all of its words if the reply does not give their place.
 * @param {Citation} citation
 */
export function answerWords(citation) {
  const [first, last] = highlightOf(citation);
  const bold = rendered(citation.cited_text, 0, 0, first, last).filter(({ nodeName }) => nodeName === "B");
  return bold.length ? bold.map(({ textContent }) => textContent).join("") : plain(citation.cited_text);
}

/**
 * Return the place of the answer's words in the quote, in UTF-16 units; an empty one if the reply does not give it.
 * @param {Citation} citation
 * @returns {[number, number]}
 */
function highlightOf({ cited_text: quote, start_char_index: start, end_char_index: end, highlight }) {
  const { start_char_index: first = end, end_char_index: last = end } = highlight ?? {};
  if (!(start <= first && first < last && last <= end)) return [0, 0];
  const before = slicePoints(quote, 0, first - start).length;
  return [before, before + slicePoints(quote, first - start, last - start).length];
}

/**
 * Return the beginning of a text, cut between words.
 * @param {string} text
 */
function head(text) {
  if (countPoints(text) <= CONTEXT) return text;
  return `${slicePoints(text, 0, CONTEXT).replace(/\s+\S*$/u, "")} …`;
}

/**
 * Return the end of a text, cut between words.
 * @param {string} text
 */
function tail(text) {
  const length = countPoints(text);
  if (length <= CONTEXT) return text;
  return `… ${slicePoints(text, length - CONTEXT).replace(/^\S*\s+/u, "")}`;
}

/**
 * Make the links to the article here and at its publisher, there at the quote in browsers with text fragments.
 * @param {string} page
 * @param {Source} source
 * @param {Words} words
 * @param {string} [quote]
 */
function links(page, source, words, quote = "") {
  const here = externalLink(page, words.say("open_article"), words.say("new_tab"));
  const address = webAddress(source.url);
  if (!address) return make("p", { class: "links" }, here);
  const name = source.source ? words.say("original", { publisher: source.source }) : words.say("original_page");
  return make("p", { class: "links" }, here, externalLink(withText(address, plain(quote)), name, words.say("new_tab")));
}

/**
 * @param {string} address
 * @param {string} quote
 */
function withText(address, quote) {
  const words = quote.split(/\s+/u).filter(Boolean);
  if (!words.length) return address;
  const ends = words.length > 2 * EDGE ? [words.slice(0, EDGE), words.slice(-EDGE)] : [words];
  // `encodeURIComponent` keeps hyphens, which have a meaning in text fragments.
  const text = ends.map((part) => encodeURIComponent(part.join(" ")).replace(/-/gu, "%2D")).join(",");
  return `${address}${address.includes("#") ? "" : "#"}:~:text=${text}`;
}

/**
 * Return the question, the answer, each source with its quotes and their places, and the service and the date.
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
  return [question, plain(reply.answer), ...sources, origin].join("\n\n");
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
