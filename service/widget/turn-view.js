// A question and its answer on the page.

import { ActionsView } from "./actions-view.js";
import { AnswerText } from "./answer-text.js";
import { latestReport } from "./dates.js";
import { make } from "./element.js";
import { notesOn } from "./notes-view.js";
import { differs, quoteBox, titleOf } from "./quote.js";
import { plain } from "./markdown.js";
import { SourcesView } from "./sources-view.js";
import { explanation, kindOf, latestText, lookOf, verdictLine } from "./verdict.js";

/** Words of a quote in the name of its marker: markers of one article are told apart by them. */
const WORDS_OF_QUOTE = 6;
let opened = 0;

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
  /** @type {{button: HTMLElement, proof: HTMLElement}?} the marker whose quotes are open, and these */
  #open = null;

  /**
   * @param {import("./types.js").Turn} turn
   * @param {{words: any, client: any, conversation: any, announcer: any, level: number, ask: (question: string, instead?: any) => boolean, stop: () => void}} parts
   */
  constructor(turn, parts) {
    this.#turn = turn;
    this.#parts = parts;
    this.#words = parts.words;
    this.#text = new AnswerText({
      words: parts.words,
      sourceOf: (citation) => this.#sourceOf(citation),
      label: (citation) => this.#label(citation),
      choose: (citations, button) => this.#choose(citations, button),
    });
    this.#sources = new SourcesView(parts);
    this.#progress = make("span", { text: this.#words.say("searching") });
    const stop = make("button", { type: "button", class: "plain stop", text: this.#words.say("stop"), on: { click: parts.stop } });
    this.#status = make("div", { class: "working" }, make("span", { class: "pulse", "aria-hidden": "true" }), this.#progress, stop);
    this.#body = make("div", { class: "reply" }, this.#status, this.#text.element, this.#sources.element);
    // The hidden words in front are in the reader's language, and say nothing about the direction of the question.
    const hidden = make("span", { class: "unseen", text: `${this.#words.say("you_asked")} ` });
    const asked = make(`h${parts.level + 1}`, { class: "question", part: "question" }, hidden, make("span", { class: "asked", dir: "auto", text: turn.question }));
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
    } else if (event.type === "answer.delta" || event.type === "citation.added") {
      this.#text.set(this.#turn.text, this.#turn.citations);
      if (event.type === "citation.added") this.#sources.cite(event.citation, this.#turn.sources);
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
    if (this.#open && !this.#open.button.isConnected) this.#open = null;
    if (turn.reply) this.#sources.set(turn.reply);
    const latest = latestText(kind, turn, this.#words);
    const why = explanation(kind, turn, this.#words);
    const notes = turn.reply ? notesOn(turn.reply, kind, latestReport(turn, this.#words), this.#parts) : [];
    const above = [verdictLine(kind, turn, this.#words), ...(latest ? [make("p", { class: "about latest", text: latest })] : [])];
    const below = [...(why ? [make("p", { class: "why", text: why })] : []), ...notes];
    this.#status.remove();
    // The text stays in place, so that a reader of a quote in it keeps the focus.
    this.#body.prepend(...above);
    this.#text.element.after(...below);
    const actions = new ActionsView(turn, this.#parts).element;
    if (actions.childElementCount) this.#body.append(actions);
  }

  /** The answer, or for an abstention our words for its reason, in the reader's language. */
  #shownText() {
    const { reply, text } = this.#turn;
    const reason = reply?.status === "not_in_sources" ? reply.status_reason : null;
    return reason && this.#words.knows(reason) ? this.#words.say(reason) : text;
  }

  /** @param {import("./types.js").Citation} citation */
  #sourceOf(citation) {
    return this.#turn.sources.find((each) => each.id === citation.source_id);
  }

  /** @param {import("./types.js").Citation} citation */
  #label(citation) {
    const source = this.#sourceOf(citation);
    const about = [titleOf(source, this.#words), source?.source, this.#words.day(source?.published_at ?? null)].filter(Boolean).join(", ");
    const words = plain(citation.cited_text).split(/\s+/u);
    const quote = words.length > WORDS_OF_QUOTE ? `${words.slice(0, WORDS_OF_QUOTE).join(" ")}…` : words.join(" ");
    const label = this.#words.say("citation", { marker: citation.marker, about, quote });
    return differs(citation) ? `${label} ${this.#words.say("compare")}` : label;
  }

  /**
   * Open the quotes of a marker under its sentence; those that are open close.
   * @param {import("./types.js").Citation[]} citations
   * @param {HTMLElement} button
   */
  #choose(citations, button) {
    const again = this.#open?.button === button;
    this.#close();
    if (again) return;
    const boxes = citations.flatMap((citation) => {
      const source = this.#sourceOf(citation);
      return source ? [quoteBox(citation, source, this.#parts, true)] : [];
    });
    if (!boxes.length) return;
    const proof = make("div", { class: "proof", id: `proof-${++opened}` }, ...boxes);
    const sentence = button.closest(".sentence");
    sentence.after(proof);
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-controls", proof.id);
    this.#open = { button, proof };
    boxes[0].focus({ preventScroll: true });
    // Where sentence and box do not fit together, the quoted words come first, and the marker is right above them.
    for (const each of [proof, sentence, proof.querySelector("mark")]) each.scrollIntoView({ block: "nearest" });
  }

  #close() {
    if (!this.#open) return;
    const { button, proof } = this.#open;
    this.#open = null;
    proof.remove();
    button.setAttribute("aria-expanded", "false");
    button.removeAttribute("aria-controls");
  }

  /**
   * Escape in a quote, or on its marker, closes it and leads back to the marker.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    const from = /** @type {Node} */ (event.composedPath()[0]);
    if (event.key !== "Escape" || !this.#open || !(this.#open.proof.contains(from) || this.#open.button === from)) return;
    event.preventDefault();
    event.stopPropagation();
    const { button } = this.#open;
    this.#close();
    button.focus();
  }
}
