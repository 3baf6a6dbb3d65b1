// The articles of an answer: a card for each, which opens on the quotes that the answer took from it.

import { make, outward } from "./element.js";
import { aboutLine, passageBox, quoteBox, titleOf } from "./quote.js";

/** An abstention shows at most so many articles that come close. */
const CLOSEST = 3;
/**
 * The least cosine between a question and a passage for the passage to count as close. For questions that the articles
 * do not touch the best passage had up to 0.26 (“Who is the prime minister of France?” 0.09), for questions that they
 * touch and do not answer 0.34 to 0.55. Below it, an article beside an abstention would look like a hint at an answer.
 */
const CLOSE = 0.3;

/** Shows the articles that an answer cites or, where it cites none, those that come close. */
export class SourcesView {
  #parts;
  /** @type {Map<string, {numbers: HTMLElement, quotes: HTMLElement}>} by article */
  #cards = new Map();
  #list = make("ol", { class: "cards", role: "list" });
  #title;

  /** @param {{words: any, client: any, level: number}} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#title = make(`h${parts.level + 2}`, { class: "label" });
    this.element = make("div", { class: "sources", part: "sources", hidden: true }, this.#title, this.#list);
  }

  /**
   * A citation has come: its article's card, and its quote in it.
   * @param {import("./types.js").Citation} citation
   * @param {import("./types.js").Source[]} sources
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
   * The sources of the whole reply.
   * @param {import("./types.js").Reply} reply
   */
  set(reply) {
    this.#clear();
    const ordered = [...reply.citations].sort((one, other) => one.marker - other.marker);
    for (const citation of ordered) this.cite(citation, reply.sources);
    for (const source of closest(reply)) this.#add(source).quotes.append(passageBox(source, this.#parts));
    this.#title.textContent = this.#parts.words.say(reply.status === "not_in_sources" ? "closest" : "sources");
  }

  #clear() {
    this.#cards.clear();
    this.#list.replaceChildren();
    this.element.hidden = true;
  }

  /** @param {import("./types.js").Source} source */
  #add(source) {
    const { words } = this.#parts;
    const numbers = make("span", { class: "numbers" });
    const quotes = make("div", { class: "quotes" });
    const body = make("div", { class: "card-body", hidden: true }, quotes, this.#also(source));
    const button = this.#heading(source, numbers);
    button.addEventListener("click", () => {
      body.hidden = !body.hidden;
      button.setAttribute("aria-expanded", String(!body.hidden));
    });
    this.#list.append(make("li", { class: "card", part: "source" }, button, body));
    this.#title.textContent = words.say("sources");
    this.element.hidden = false;
    const card = { numbers, quotes };
    this.#cards.set(source.article_id, card);
    return card;
  }

  /**
   * @param {import("./types.js").Source} source
   * @param {HTMLElement} numbers
   */
  #heading(source, numbers) {
    const { words } = this.#parts;
    const others = (source.duplicates ?? []).length;
    return make(
      "button",
      { type: "button", class: "card-head", "aria-expanded": "false" },
      numbers,
      make(
        "span",
        { class: "card-text", dir: "auto" },
        make("span", { class: "card-title", lang: source.language, text: titleOf(source, words) }),
        aboutLine([words.day(source.published_at), source.source]),
        others ? make("span", { class: "about also-count", text: words.say("also_count", { count: others }) }) : null,
      ),
    );
  }

  /** @param {import("./types.js").Source} source */
  #also(source) {
    const { words, client } = this.#parts;
    const others = (source.duplicates ?? []).map((other) => {
      const name = [other.source, titleOf(other, words)].filter(Boolean).join(": ");
      return make("li", {}, outward(client.articlePage(other.article_id), name, words.say("new_tab")));
    });
    if (!others.length) return null;
    return make("div", { class: "also" }, make("p", { class: "label", text: words.say("also") }), make("ul", { role: "list" }, ...others));
  }
}

/**
 * For an abstention, the best passage of each of the articles that come close.
 * @param {import("./types.js").Reply} reply
 */
export function closest({ status, sources }) {
  if (status !== "not_in_sources") return [];
  const first = sources.filter((source, at) => sources.findIndex((other) => other.article_id === source.article_id) === at);
  const best = ({ article_id: id }) => Math.max(...sources.filter((each) => each.article_id === id).map(({ scores }) => scores?.dense ?? 0));
  return first.filter((source) => best(source) >= CLOSE).slice(0, CLOSEST);
}
