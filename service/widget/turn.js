// A question and its answer on the page: the text with its markers and quotes, the verdict, and the actions.

/** @import { Client, Conversation } from "./service.js" */
/** @import { Words } from "./words.js" */

import { icon, ICONS, make, plain } from "./dom.js";
import { aboutLine, answerWords, copyText, describe, differs, quoteBox, quotesToCompare, SourcesView, toClipboard } from "./sources.js";
import { explanation, kindOf, latestText, lookOf, notesOn, verdictLine } from "./verdict.js";

/** Words in the name of a marker, which distinguish markers of one article: those of the answer, or of the quote. */
const WORDS_OF_QUOTE = 6;
// A marker, the end of the word before it and the punctuation after it: they stay on one line.
const TIE = /(\S{0,20}\s?(?:\[\d{1,4}\])+[.,;:!?…"'”’»)。؟]*)/u;
const VERBATIM = ["exact", "normalised"];
const REASONS = ["wrong_citation", "not_in_sources", "outdated", "incomplete", "other"];
/** Milliseconds for which a button shows that it has copied. */
const COPIED_MS = 4_000;

let lastId = 0;

/**
 * @typedef {object} Parts
 * @property {Words} words
 * @property {Client} client
 * @property {Conversation} conversation
 * @property {import("./dom.js").Announcer} announcer
 * @property {number} level of the panel's heading
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
  /** @type {{button: HTMLElement, quotes: HTMLElement}?} the marker whose quotes are open */
  #open = null;

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
      choose: (citations, button) => this.#choose(citations, button),
    });
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
      { class: "turn", part: "turn", "data-look": "working", on: { keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) } },
      asked,
      this.#body,
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
  }

  /** Show the turn as ended: its verdict, text, notes, sources and actions. */
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
    this.#status.remove();
    // The text stays in the page, so that the focus stays in it.
    this.#body.prepend(verdictLine(kind, turn, this.#words), ...(latest ? [make("p", { class: "about latest", text: latest })] : []));
    this.#text.element.after(...(why ? [make("p", { class: "why", text: why })] : []), ...notesOn(kind, turn, this.#parts));
    const actions = new Actions(turn, this.#parts).element;
    if (actions.childElementCount) this.#body.append(actions);
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

  /**
   * Open the quotes of a marker under its sentence, or close them if they are open.
   * @param {Citation[]} citations
   * @param {HTMLElement} button
   */
  #choose(citations, button) {
    const wasOpen = this.#open?.button === button;
    this.#close();
    if (wasOpen) return;
    const boxes = citations.flatMap((citation) => {
      const source = this.#sourceOf(citation);
      return source ? [quoteBox(citation, source, this.#parts, true)] : [];
    });
    if (!boxes.length) return;
    const quotes = make("div", { class: "proof", id: `proof-${++lastId}` }, ...boxes);
    const sentence = button.closest(".sentence");
    sentence?.after(quotes);
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-controls", quotes.id);
    this.#open = { button, quotes };
    boxes[0].focus({ preventScroll: true });
    // If sentence and box do not fit together, the quoted words come first, and the marker is right above them.
    for (const each of [quotes, sentence, quotes.querySelector("mark")]) each.scrollIntoView({ block: "nearest" });
  }

  #close() {
    if (!this.#open) return;
    const { button, quotes } = this.#open;
    this.#open = null;
    quotes.remove();
    button.setAttribute("aria-expanded", "false");
    button.removeAttribute("aria-controls");
  }

  /**
   * Close a quote on Escape in it or on its marker, and return the focus to the marker.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    const from = /** @type {Node} */ (event.composedPath()[0]);
    if (event.key !== "Escape" || !this.#open || !(this.#open.quotes.contains(from) || this.#open.button === from)) return;
    event.preventDefault();
    event.stopPropagation();
    const { button } = this.#open;
    this.#close();
    button.focus();
  }
}

/**
 * A sentence and its citations; text between sentences has none.
 * @typedef {{text: string, citations: Citation[]}} Sentence
 */

/**
 * The text of an answer while it arrives: each sentence under its article's date and publisher, each marker a button
 * under which its quotes open.
 */
class AnswerText {
  /** @type {{key: string, articles: string, group: HTMLElement, element: HTMLElement}[]} */
  #shown = [];
  #parts;

  /**
   * @param {object} parts
   * @param {Words} parts.words
   * @param {(citation: Citation) => Source | undefined} parts.sourceOf
   * @param {(citation: Citation) => string} parts.label names a marker for screen readers
   * @param {(citations: Citation[], button: HTMLElement) => void} parts.choose handles a click on a marker
   */
  constructor(parts) {
    this.#parts = parts;
    this.element = make("div", { class: "answer", part: "answer" });
  }

  /**
   * Set text and citations. Sentences that have not changed stay, with the quotes that are open in them.
   * @param {string} text
   * @param {Citation[]} citations
   */
  set(text, citations) {
    const sentences = sentencesOf(text, citations).map((each) => ({ ...each, key: keyOf(each) }));
    const changed = sentences.findIndex(({ key }, at) => this.#shown[at]?.key !== key);
    const keep = changed < 0 ? sentences.length : changed;
    for (const { element, group } of this.#shown.splice(keep)) {
      while (element.nextSibling) element.nextSibling.remove();
      element.remove();
      if (!group.querySelector(".sentence")) group.remove();
    }
    for (const sentence of sentences.slice(keep)) this.#add(sentence);
  }

  /** @param {Sentence & {key: string}} sentence */
  #add({ text, citations, key }) {
    const articles = [...new Set(citations.map(({ article_id: id }) => id))].sort().join("\n");
    const last = this.#shown[this.#shown.length - 1];
    const joins = last !== undefined && last.articles === articles;
    const group = joins ? last.group : this.#addGroup(citations);
    const verbatim = citations.find(({ verification }) => VERBATIM.includes(verification?.method));
    const lang = verbatim && this.#parts.sourceOf(verbatim)?.language;
    const element = make("span", { class: "sentence", lang }, ...this.#pieces(joins ? text : text.trimStart(), citations));
    const quotes = quotesToCompare(citations, this.#parts.sourceOf, this.#parts.words);
    group.append(element, ...(quotes ? [quotes] : []));
    this.#shown.push({ key, articles, group, element });
  }

  /** @param {Citation[]} citations */
  #addGroup(citations) {
    const sources = citations.map(this.#parts.sourceOf).filter((source) => source !== undefined);
    const byArticle = new Map(sources.map((source) => [source.article_id, source]));
    const datelines = [...byArticle.values()].map((source) => make("p", { class: "dateline" }, aboutLine(source, this.#parts.words)));
    const group = make("div", { class: "said", dir: "auto" }, ...datelines);
    this.element.append(group);
    return group;
  }

  /**
   * Make the nodes of a sentence, without its Markdown and with its markers as buttons.
   * @param {string} text
   * @param {Citation[]} citations
   */
  #pieces(text, citations) {
    return plain(text).split(TIE).map((part, at) => {
      const pieces = part.split(/(\[\d{1,4}\])/u).map((piece) => this.#piece(piece, citations));
      return make("span", { class: at % 2 ? "tie" : null }, ...pieces);
    });
  }

  /**
   * @param {string} piece
   * @param {Citation[]} citations
   */
  #piece(piece, citations) {
    const marker = /^\[(\d+)\]$/u.exec(piece);
    if (!marker) return piece;
    const matching = citations.filter((citation) => citation.marker === Number(marker[1]));
    return matching.length ? this.#button(matching) : make("span", { class: "pending", text: piece });
  }

  /** @param {Citation[]} citations of one sentence and one marker */
  #button(citations) {
    const [first] = citations;
    const button = make("button", {
      type: "button",
      class: citations.some(differs) ? "marker differs" : "marker",
      part: "marker",
      text: String(first.marker),
      "data-citation": first.id,
      "aria-label": this.#parts.label(first),
      "aria-expanded": "false",
      on: { click: () => this.#parts.choose(citations, button) },
    });
    return button;
  }
}

/** @param {Sentence} sentence */
function keyOf({ text, citations }) {
  return [text, ...citations.map(({ id, verification }) => `${id} ${verification?.status}`)].join("\n");
}

/**
 * Split a text into its sentences. A citation that overlaps the one before it belongs to the same sentence.
 * @param {string} text
 * @param {Citation[]} citations
 * @returns {Sentence[]}
 */
function sentencesOf(text, citations) {
  const points = [...text];
  /** @type {Sentence[]} */
  const sentences = [];
  let at = 0;
  const addUntil = (/** @type {number} */ end, /** @type {Citation[]} */ cited) => {
    const part = points.slice(at, end).join("");
    if (part.trim()) sentences.push({ text: part, citations: cited });
    at = end;
  };
  for (const citation of [...citations].sort((one, other) => one.start_index - other.start_index)) {
    const { start_index: start, end_index: end } = citation;
    if (start < at) sentences[sentences.length - 1]?.citations.push(citation);
    else {
      // White space before a sentence goes with it.
      if (points.slice(at, start).join("").trim()) addUntil(start, []);
      addUntil(end, [citation]);
    }
  }
  addUntil(points.length, []);
  return sentences;
}

/** The actions below a turn that has ended: copy, vote, ask again. An abstention has none. */
class Actions {
  #turn;
  #parts;
  #words;
  /** @type {any} the row of buttons */
  #votes = null;
  /** @type {HTMLElement?} says what a vote sends, before it is given */
  #note = null;
  /** @type {HTMLElement?} the button that opens the form */
  #opener = null;
  /** @type {HTMLElement?} */
  #form = null;
  #sending = false;

  /**
   * @param {Turn} turn
   * @param {Parts} parts
   */
  constructor(turn, parts) {
    this.#turn = turn;
    this.#parts = parts;
    this.#words = parts.words;
    const { reply } = turn;
    this.element = make("div", { class: "actions", part: "actions" });
    if (reply && reply.status !== "not_in_sources") this.element.append(this.#copyButton(reply));
    if (!reply || reply.status_reason === "interrupted") this.element.append(this.#button("plain retry", "retry", () => parts.ask(turn.question, turn)));
    if (reply && reply.status !== "not_in_sources") this.element.append(...this.#vote());
  }

  /**
   * @param {string} look
   * @param {string} key of its text
   * @param {(event: Event) => void} click
   * @param {Record<string, string>} [attributes]
   */
  #button(look, key, click, attributes = {}) {
    return make("button", { type: "button", class: look, text: this.#words.say(key), on: { click }, ...attributes });
  }

  /** @param {Reply} reply */
  #copyButton(reply) {
    const words = this.#words;
    const label = make("span", { text: words.say("copy") });
    let timer = 0;
    const copy = async () => {
      const done = await toClipboard(copyText(this.#turn.question, reply, words, this.#parts.client), this.element);
      label.textContent = words.say(done ? "copied" : "not_copied");
      this.#parts.announcer.say(label.textContent);
      clearTimeout(timer);
      timer = setTimeout(() => (label.textContent = words.say("copy")), COPIED_MS);
    };
    return make("button", { type: "button", class: "plain copy", on: { click: copy } }, icon(ICONS.copy), label);
  }

  #vote() {
    if (this.#turn.vote) return [make("div", { class: "votes" }, this.#thanks())];
    const question = this.#words.say("feedback");
    const note = make("p", { class: "about vote-note", id: `vote-note-${++lastId}`, text: this.#words.say("feedback_note") });
    const described = { "aria-describedby": note.id };
    this.#note = note;
    this.#opener = this.#button("plain vote", "no", () => (this.#form ? this.#closeForm() : this.#openForm()), { ...described, "aria-expanded": "false" });
    this.#votes = make(
      "div",
      { class: "votes", role: "group", "aria-label": question },
      make("span", { class: "asked", text: question }),
      this.#button("plain vote", "yes", () => this.#send("up", [], ""), described),
      this.#opener,
    );
    return [this.#votes, note];
  }

  #thanks() {
    const { vote_id: id } = this.#turn;
    const reference = id ? make("span", { class: "about", text: this.#words.say("reference", { id }) }) : null;
    return make("span", { class: "thanks", tabindex: "-1" }, `${this.#words.say("thanks")} `, reference);
  }

  #openForm() {
    const words = this.#words;
    const boxes = REASONS.map((reason) => make("input", { type: "checkbox", name: reason }));
    const labels = REASONS.map((reason) => words.say(reason === "not_in_sources" ? "not_in_articles" : reason));
    const comment = make("textarea", { rows: "2", maxlength: "2000" });
    const send = () => this.#send("down", boxes.filter((box) => box.checked).map((box) => box.name), comment.value.trim());
    const cancel = (/** @type {Event} */ event) => this.#cancel(event);
    const on = {
      submit: (/** @type {Event} */ event) => event.preventDefault(),
      keydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && cancel(event),
    };
    const form = make(
      "form",
      { class: "complaint", id: `complaint-${++lastId}`, on },
      make("fieldset", {}, make("legend", { text: words.say("what_wrong") }), ...boxes.map((box, at) => make("label", { class: "choice" }, box, labels[at]))),
      make("label", { class: "comment" }, words.say("comment"), comment),
      make("p", { class: "buttons" }, this.#button("solid", "send", send), this.#button("plain", "cancel", cancel)),
    );
    this.#form = form;
    this.element.append(form);
    this.#opener?.setAttribute("aria-expanded", "true");
    this.#opener?.setAttribute("aria-controls", form.id);
    boxes[0].focus();
  }

  #closeForm() {
    this.#form?.remove();
    this.#form = null;
    this.#opener?.setAttribute("aria-expanded", "false");
    this.#opener?.removeAttribute("aria-controls");
  }

  /** @param {Event} event */
  #cancel(event) {
    event.preventDefault();
    event.stopPropagation();
    this.#closeForm();
    this.#opener?.focus();
  }

  /**
   * @param {"up" | "down"} vote
   * @param {string[]} reasons
   * @param {string} comment
   */
  async #send(vote, reasons, comment) {
    if (this.#sending) return;
    this.#sending = true;
    let result = "thanks";
    try {
      await this.#parts.conversation.vote(this.#turn, vote, reasons, comment);
      this.#closeForm();
      this.#votes.replaceChildren(this.#thanks());
      this.#note?.remove();
    } catch {
      result = "not_stored";
      const failed = make("span", { class: "not-stored", tabindex: "-1", text: this.#words.say(result) });
      this.#votes.querySelector(".asked, .not-stored").replaceWith(failed);
    } finally {
      this.#sending = false;
    }
    this.#parts.announcer.say(this.#words.say(result));
    this.#votes.querySelector(".thanks, .not-stored").focus();
  }
}
