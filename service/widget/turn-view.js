// A question and its answer on the page.

import { ActionsView } from "./actions-view.js";
import { AnswerText } from "./answer-text.js";
import { make } from "./element.js";
import { notesOn } from "./notes-view.js";
import { SourcesView } from "./sources-view.js";
import { explanation, kindOf, lookOf, verdictLine } from "./verdict.js";

/** Shows one turn, while it comes and once it is over. */
export class TurnView {
  #turn;
  #parts;
  #words;
  #text;
  #sources;
  #status;
  #progress;
  #body;
  /** @type {HTMLElement?} the marker whose quote is open */
  #chosen = null;

  /**
   * @param {import("./types.js").Turn} turn
   * @param {{words: any, client: any, conversation: any, announcer: any, level: number, ask: Function, stop: () => void}} parts
   */
  constructor(turn, parts) {
    this.#turn = turn;
    this.#parts = parts;
    this.#words = parts.words;
    this.#text = new AnswerText((citation) => this.#label(citation), (citation, button) => this.#open(citation, button));
    this.#sources = new SourcesView(parts.words, parts.client, parts.level + 2);
    this.#progress = make("span", { text: this.#words.say("searching") });
    const stop = make("button", { type: "button", class: "plain stop", text: this.#words.say("stop"), on: { click: parts.stop } });
    this.#status = make("div", { class: "working" }, make("span", { class: "pulse", "aria-hidden": "true" }), this.#progress, stop);
    this.#body = make("div", { class: "reply" }, this.#status, this.#text.element, this.#sources.element);
    const asked = make(`h${parts.level + 1}`, { class: "question", part: "question", dir: "auto" });
    asked.append(make("span", { class: "unseen", text: `${this.#words.say("you_asked")} ` }), turn.question);
    this.element = make("article", { class: "turn", part: "turn", "data-look": "working", on: { keydown: (event) => this.#key(event) } }, asked, this.#body);
    if (turn.state !== "asking") this.finish();
  }

  /**
   * An event of the stream has been taken into the turn.
   * @param {any} event
   */
  show(event) {
    if (event.type === "retrieval.completed") {
      const passages = this.#turn.sources.length;
      if (passages) this.#progress.textContent = this.#words.say("reading", { count: passages });
    } else if (event.type === "answer.delta") {
      this.#text.add(String(event.text ?? ""));
    } else if (event.type === "citation.added") {
      this.#text.cite(event.citation);
      this.#sources.cite(event.citation, this.#turn.sources);
    }
  }

  /** The turn is over: what kind of answer it is, and all that goes with it. */
  finish() {
    const turn = this.#turn;
    const kind = kindOf(turn);
    const shown = this.#shownText();
    this.element.dataset.look = lookOf(kind);
    this.#text.set(shown, turn.citations);
    this.#text.element.hidden = !shown;
    if (turn.reply) this.#sources.set(turn.reply);
    const why = explanation(kind, turn, this.#words);
    const notes = turn.reply ? notesOn(turn.reply, this.#parts) : [];
    this.#status.remove();
    this.#body.replaceChildren(
      verdictLine(kind, this.#words),
      this.#text.element,
      ...(why ? [make("p", { class: "why", dir: "auto", text: why })] : []),
      ...notes,
      this.#sources.element,
      new ActionsView(turn, shown, this.#parts).element,
    );
  }

  /** Move the focus to what can be done about a turn that failed, if there is such a thing. */
  focusRetry() {
    this.element.querySelector(".retry")?.focus();
  }

  /** The answer, or for an abstention our words for its reason, in the reader's language. */
  #shownText() {
    const { reply, text } = this.#turn;
    const reason = reply?.status === "not_in_sources" ? reply.status_reason : null;
    return reason && this.#words.knows(reason) ? this.#words.say(reason) : text;
  }

  /** @param {import("./types.js").Citation} citation */
  #label(citation) {
    const source = this.#turn.sources.find((each) => each.id === citation.source_id);
    return this.#words.say("citation", { marker: citation.marker, title: source?.title ?? this.#words.say("untitled") });
  }

  /**
   * @param {import("./types.js").Citation} citation
   * @param {HTMLElement} button
   */
  #open(citation, button) {
    const quote = this.#sources.open(citation);
    for (const marker of this.#text.element.querySelectorAll(".marker")) marker.setAttribute("aria-expanded", String(marker === button));
    this.#chosen = button;
    if (!quote) return;
    quote.focus({ preventScroll: true });
    quote.scrollIntoView({ block: "nearest" });
  }

  /**
   * Escape in a quote leads back to the marker that opened it.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    if (event.key !== "Escape" || !this.#chosen?.isConnected || !event.composedPath()[0].closest?.(".quotes")) return;
    event.preventDefault();
    event.stopPropagation();
    this.#chosen.focus();
  }
}
