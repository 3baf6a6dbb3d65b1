// A question and its answer on the page: the text with its markers and quotes, the verdict, and the actions.

/** @import { Conversation } from "./conversation.js" */
/** @import { Client } from "./service.js" */
/** @import { Words } from "./words.js" */

import { Actions } from "./actions.js";
import { changesIn, correctionsOf } from "./changes.js";
import { make, plain } from "./dom.js";
import { factsLine } from "./facts.js";
import { Proof } from "./proof.js";
import { answerWords, describe, differs } from "./quotes.js";
import { AnswerText } from "./sentences.js";
import { SourcesView } from "./sources.js";
import { explanation, kindOf, latestText, lookOf, notesOn, verdictLine } from "./verdict.js";

/** Words in the name of a marker, which distinguish markers of one article: those of the answer, or of the quote. */
const WORDS_OF_QUOTE = 6;
/** The most questions to ask next. */
const NEXT = 4;

/**
 * @typedef {object} Parts
 * @property {Words} words
 * @property {Client} client
 * @property {Conversation} conversation
 * @property {import("./dom.js").Announcer} announcer
 * @property {number} level of the panel's heading
 * @property {boolean} boxed whether the turns scroll in a box of their own
 * @property {(question: string, replaced?: Turn) => boolean} ask
 * @property {() => void} stop
 */

/** One turn, while its answer arrives and after it. */
export class TurnView {
  #turn;
  #parts;
  #words;
  #text;
  #sources;
  #status;
  #progress;
  #body;
  #proof;

  /**
   * @param {Turn} turn
   * @param {Parts} parts
   */
  constructor(turn, parts) {
    const { words } = parts;
    this.#turn = turn;
    this.#parts = parts;
    this.#words = words;
    this.#text = new AnswerText({
      words,
      sourceOf: (citation) => this.#sourceOf(citation),
      label: (citation) => this.#label(citation),
      choose: (marker) => this.#proof.choose(marker),
    });
    this.#proof = new Proof({ ...parts, sourceOf: (citation) => this.#sourceOf(citation), markers: () => this.#text.markers });
    this.#sources = new SourcesView(parts);
    this.#progress = make("span", { text: words.say("searching") });
    const stop = make("button", { type: "button", class: "plain stop", text: words.say("stop"), on: { click: parts.stop } });
    this.#status = make("div", { class: "working" }, make("span", { class: "pulse", "aria-hidden": "true" }), this.#progress, stop);
    this.#body = make("div", { class: "reply" }, this.#status, this.#text.element, this.#sources.element);
    // The hidden words are in the page's language and do not decide the direction of the question.
    const hidden = make("span", { class: "unseen", text: `${words.say("you_asked")} ` });
    const asked = make(`h${parts.level + 1}`, { class: "question", part: "question" }, hidden, make("span", { class: "asked", dir: "auto", text: turn.question }));
    this.element = make(
      "article",
      { class: "turn", part: "turn", "data-look": "working", on: { keydown: (/** @type {KeyboardEvent} */ event) => this.#proof.key(event) } },
      asked,
      this.#body,
      this.#proof.side,
    );
    if (turn.state !== "asking") this.finish();
  }

  /**
   * Show an event that has updated the turn.
   * @param {any} event
   */
  show(event) {
    const { text, citations, sources } = this.#turn;
    if (event.type === "retrieval.completed" && sources.length) this.#progress.textContent = this.#words.say("reading", { count: sources.length });
    if (event.type === "answer.delta" || event.type === "citation.added") this.#text.set(text, citations);
    if (event.type === "citation.added") this.#sources.cite(event.citation, sources);
    this.#proof.follow();
  }

  /**
   * Show the quotes beside the answer, or below their sentences.
   * @param {boolean} beside
   */
  place(beside) {
    this.#proof.place(beside);
  }

  /** Show the turn as ended: its verdict, text, notes, sources and actions. */
  finish() {
    const turn = this.#turn;
    const kind = kindOf(turn);
    const shown = this.#shownText();
    this.element.dataset.look = lookOf(kind);
    this.#text.set(shown, turn.citations);
    this.#text.element.hidden = !shown;
    const { reply } = turn;
    if (reply) {
      this.#sources.set(reply);
      this.#text.finish((articles) => correctionsOf(articles, reply, this.#parts));
    }
    this.#proof.follow();
    const latest = latestText(kind, turn, this.#words);
    const why = explanation(kind, turn, this.#words);
    this.#status.remove();
    // The text stays in the page, so that the focus stays in it.
    const facts = reply ? factsLine(reply, this.#words) : null;
    this.#body.prepend(
      verdictLine(kind, turn, this.#words),
      ...(latest ? [make("p", { class: "about latest", text: latest })] : []),
      ...(facts ? [make("p", { class: "about facts", text: facts })] : []),
    );
    const changes = reply ? changesIn(reply, this.#parts) : [];
    this.#text.element.after(...(why ? [make("p", { class: "why", text: why })] : []), ...changes, ...notesOn(kind, turn, this.#parts));
    if (reply?.trace) this.#body.append(Object.assign(make("dateline-explanation"), { reply, plain, words: this.#words }));
    const actions = new Actions(turn, this.#parts).element;
    if (actions.childElementCount) this.#body.append(actions);
    const next = suggestions(this.#words.say("ask_next"), reply?.ask_next.slice(0, NEXT) ?? [], this.#parts.ask);
    if (next.length) this.#body.append(make("div", { class: "next" }, ...next));
  }

  /** Return the answer or, for an abstention, its reason in the page's language. */
  #shownText() {
    const { reply, text } = this.#turn;
    const reason = reply?.status === "not_in_sources" ? reply.status_reason : null;
    return reason && this.#words.knows(reason) ? this.#words.say(reason) : text;
  }

  /** @param {Citation} citation */
  #sourceOf(citation) {
    return this.#turn.sources.find((each) => each.id === citation.source_id);
  }

  /** @param {Citation} citation */
  #label(citation) {
    const words = answerWords(citation).split(/\s+/u);
    const quote = words.length > WORDS_OF_QUOTE ? `${words.slice(0, WORDS_OF_QUOTE).join(" ")}…` : words.join(" ");
    const label = this.#words.say("citation", { marker: citation.marker, about: describe(this.#sourceOf(citation), this.#words), quote });
    return differs(citation) ? `${label} ${this.#words.say("compare")}` : label;
  }
}

/**
 * Make a list of questions to ask, under its label; nothing without a question.
 * @param {string} label
 * @param {string[]} questions
 * @param {(question: string) => void} ask
 * @returns {HTMLElement[]}
 */
export function suggestions(label, questions, ask) {
  const items = questions.map((question) =>
    make("li", {}, make("button", { type: "button", class: "suggestion", part: "suggestion", dir: "auto", text: question, on: { click: () => ask(question) } })),
  );
  return items.length ? [make("p", { class: "label", text: label }), make("ul", { class: "suggestions", role: "list" }, ...items)] : [];
}
