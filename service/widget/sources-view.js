// The sources of an answer: a card for each, which opens on the quotes that the answer took from it.

import { make, outward, webAddress } from "./element.js";
import { head, quoteInContext } from "./quote.js";

/** Shows the sources that an answer cites or, where it cites none, the closest articles. */
export class SourcesView {
  #words;
  #client;
  /** @type {Map<string, {button: HTMLElement, body: HTMLElement, quotes: HTMLElement}>} */
  #cards = new Map();
  #list = make("ol", { class: "cards" });
  #title;

  /**
   * @param {import("./words.js").Words} words
   * @param {import("./client.js").Client} client
   * @param {number} level of the heading
   */
  constructor(words, client, level) {
    this.#words = words;
    this.#client = client;
    this.#title = make(`h${level}`, { class: "label" });
    this.element = make("div", { class: "sources", part: "sources", hidden: true }, this.#title, this.#list);
  }

  /**
   * A citation has come: its card, and its quote in it.
   * @param {import("./types.js").Citation} citation
   * @param {import("./types.js").Source[]} sources
   */
  cite(citation, sources) {
    const source = sources.find((each) => each.id === citation.source_id);
    if (!source) return;
    const card = this.#cards.get(source.id) ?? this.#add(source, citation.marker);
    card.quotes.append(this.#quote(citation, source));
  }

  /**
   * The sources of the whole reply.
   * @param {import("./types.js").Reply} reply
   */
  set(reply) {
    this.#clear();
    const ordered = [...reply.citations].sort((one, other) => one.marker - other.marker);
    for (const citation of ordered) this.cite(citation, reply.sources);
    if (reply.status === "not_in_sources") for (const source of closest(reply.sources)) this.#add(source, null);
    this.#title.textContent = this.#words.say(reply.status === "not_in_sources" ? "closest" : "sources");
  }

  /**
   * Open a citation's card at its quote; returns the quote, to focus.
   * @param {import("./types.js").Citation} citation
   * @returns {HTMLElement?}
   */
  open(citation) {
    const card = this.#cards.get(citation.source_id);
    if (!card) return null;
    unfold(card.button, card.body, true);
    const quotes = [...card.quotes.children];
    for (const quote of quotes) quote.classList.toggle("chosen", quote.dataset.citation === citation.id);
    return quotes.find((quote) => quote.dataset.citation === citation.id) ?? null;
  }

  #clear() {
    this.#cards.clear();
    this.#list.replaceChildren();
    this.element.hidden = true;
  }

  /**
   * @param {import("./types.js").Source} source
   * @param {number?} marker
   */
  #add(source, marker) {
    const quotes = make("div", { class: "quotes" });
    const body = make("div", { class: "card-body", hidden: true }, quotes, this.#also(source), this.#original(source));
    const button = this.#heading(source, marker);
    button.addEventListener("click", () => unfold(button, body, body.hidden));
    if (marker === null) quotes.append(this.#passage(source));
    this.#list.append(make("li", { class: "card", part: "source" }, button, body));
    this.#title.textContent = this.#words.say("sources");
    this.element.hidden = false;
    const card = { button, body, quotes };
    this.#cards.set(source.id, card);
    return card;
  }

  /**
   * @param {import("./types.js").Source} source
   * @param {number?} marker
   */
  #heading(source, marker) {
    const others = (source.duplicates ?? []).length;
    return make(
      "button",
      { type: "button", class: "card-head", "aria-expanded": "false" },
      marker === null ? null : make("span", { class: "number", text: String(marker) }),
      make(
        "span",
        { class: "card-text" },
        make("span", { class: "card-title", dir: "auto", text: source.title ?? this.#words.say("untitled") }),
        aboutLine([source.source, this.#words.day(source.published_at)]),
        others ? make("span", { class: "about also-count", text: this.#words.say("also_count", { count: others }) }) : null,
      ),
    );
  }

  /**
   * @param {import("./types.js").Citation} citation
   * @param {import("./types.js").Source} source
   */
  #quote(citation, source) {
    const page = this.#client.articlePage(citation.article_id, citation.start_char_index, citation.end_char_index);
    const say = (key) => this.#words.say(key);
    return make(
      "div",
      { class: "quote-box", tabindex: "-1", role: "group", "aria-label": say("quoted"), "data-citation": citation.id },
      make("p", { class: "label", text: say("quoted"), "aria-hidden": "true" }),
      quoteInContext(citation, source),
      make("p", { class: "links" }, outward(page, say("open_article"), say("new_tab"))),
    );
  }

  /** @param {import("./types.js").Source} source */
  #passage(source) {
    const page = this.#client.articlePage(source.article_id, source.start_char_index, source.end_char_index);
    return make(
      "div",
      { class: "quote-box" },
      make("p", { class: "label", text: this.#words.say("passage") }),
      make("blockquote", { class: "quote", dir: "auto", text: head(source.snippet) }),
      make("p", { class: "links" }, outward(page, this.#words.say("open_article"), this.#words.say("new_tab"))),
    );
  }

  /** @param {import("./types.js").Source} source */
  #also(source) {
    const others = (source.duplicates ?? []).map((other) => {
      const name = [other.source, other.title ?? this.#words.say("untitled")].filter(Boolean).join(": ");
      return make("li", {}, outward(this.#client.articlePage(other.article_id), name, this.#words.say("new_tab")));
    });
    if (!others.length) return null;
    return make("div", { class: "also" }, make("p", { class: "label", text: this.#words.say("also") }), make("ul", {}, ...others));
  }

  /** @param {import("./types.js").Source} source */
  #original(source) {
    const address = webAddress(source.url);
    if (!address) return null;
    return make("p", { class: "links" }, outward(address, this.#words.say("original"), this.#words.say("new_tab")));
  }
}

/**
 * Who and when; each part in the direction of its own script.
 * @param {(string | null)[]} parts
 */
function aboutLine(parts) {
  const told = parts.filter(Boolean).flatMap((part) => [" · ", make("bdi", { text: part })]);
  return make("span", { class: "about" }, ...told.slice(1));
}

/**
 * @param {HTMLElement} button
 * @param {HTMLElement} body
 * @param {boolean} open
 */
function unfold(button, body, open) {
  body.hidden = !open;
  button.setAttribute("aria-expanded", String(open));
}

/**
 * The best passage of each of the three closest articles.
 * @param {import("./types.js").Source[]} sources
 */
function closest(sources) {
  const first = sources.filter((source, at) => sources.findIndex((other) => other.article_id === source.article_id) === at);
  return first.slice(0, 3);
}
