// The chat itself: heading, turns, the field to ask in, and the live region.

import { Announcer } from "./announcer.js";
import { Composer } from "./composer.js";
import { icon, ICONS, make } from "./element.js";
import { TurnView } from "./turn-view.js";
import { kindOf } from "./verdict.js";

/** Shows a conversation and takes questions. */
export class Panel {
  #words;
  #conversation;
  #tell;
  #announcer = new Announcer();
  #parts;
  #welcome;
  #turns;
  #renew;
  /** @type {Map<import("./types.js").Turn, TurnView>} */
  #views = new Map();

  /**
   * @param {object} parts
   * @param {import("./words.js").Words} parts.words
   * @param {import("./client.js").Client} parts.client
   * @param {import("./conversation.js").Conversation} parts.conversation
   * @param {{title: string, intro: string, questions: string[]}} parts.texts
   * @param {number} parts.level of the heading; those of questions and notes are below it
   * @param {(() => void)?} parts.close what closes the panel, where it can be closed
   * @param {(name: string, detail: object) => void} parts.tell tells the host page
   */
  constructor({ words, client, conversation, texts, level, close, tell }) {
    this.#words = words;
    this.#conversation = conversation;
    this.#tell = tell;
    const ask = (question, instead) => this.ask(question, instead);
    this.#parts = { words, client, conversation, level, announcer: this.#announcer, ask, stop: () => this.#stop() };
    this.composer = new Composer(words, ask);
    this.#welcome = this.#makeWelcome(texts);
    this.#turns = make("div", { class: "turns" });
    this.log = make("div", { class: "log", role: "group", "aria-label": words.say("conversation"), tabindex: "0" }, this.#welcome, this.#turns);
    this.element = make(
      "div",
      { class: "panel", part: "panel" },
      this.#header(texts.title, level, close),
      this.log,
      make("div", { class: "foot" }, this.composer.element, make("p", { class: "fine-print", text: words.say("fine_print") })),
      this.#announcer.element,
    );
    for (const turn of conversation.turns) this.#show(turn);
    this.#arrange();
  }

  /**
   * Ask a question; false where an answer is on its way already.
   * @param {string} question
   * @param {import("./types.js").Turn} [instead] the turn whose place it takes
   */
  ask(question, instead) {
    if (this.#conversation.asking) return false;
    const old = instead && this.#views.get(instead);
    const turn = this.#conversation.begin(question, instead);
    const view = this.#show(turn, old);
    this.#arrange();
    this.composer.busy(true);
    this.#announcer.clear();
    this.#announcer.say(this.#words.say("searching"));
    if (old) this.composer.focus();
    view.element.scrollIntoView({ block: this.#scrolls() ? "start" : "nearest" });
    this.#tell("ask", { question });
    this.#follow(turn, view);
    return true;
  }

  /** Forget the conversation. */
  clear() {
    this.#conversation.clear();
    this.composer.busy(false);
    this.#views.clear();
    this.#turns.replaceChildren();
    this.#arrange();
    this.#announcer.clear();
    this.#announcer.say(this.#words.say("renewed"));
    this.composer.focus();
  }

  /** Show the last turn, as when the panel opens on a conversation. */
  scrollToEnd() {
    if (this.#scrolls()) this.log.scrollTop = this.log.scrollHeight;
  }

  async #follow(turn, view) {
    await this.#conversation.ask(turn, (event) => {
      view.show(event);
      if (event.type === "answer.delta") this.#announcer.hear(String(event.text ?? ""));
    });
    if (this.#views.get(turn) !== view) return;
    const focused = view.element.contains(view.element.getRootNode().activeElement);
    view.finish();
    this.composer.busy(false);
    this.#arrange();
    this.#announce(turn);
    if (focused && !view.element.contains(view.element.getRootNode().activeElement)) this.composer.focus();
    this.#tell(turn.reply ? "answer" : "end", { question: turn.question, state: turn.state, reply: turn.reply, trouble: turn.trouble });
  }

  #announce(turn) {
    const kind = kindOf(turn);
    this.#announcer.finish();
    if (turn.reply?.status === "not_in_sources") {
      this.#announcer.clear();
      const reason = turn.reply.status_reason;
      this.#announcer.say(reason && this.#words.knows(reason) ? this.#words.say(reason) : turn.reply.answer);
    } else if (kind !== "answered") this.#announcer.say(this.#words.say(kind));
    const count = new Set(turn.citations.map((citation) => citation.source_id)).size;
    if (turn.reply && count) this.#announcer.say(this.#words.say("done", { count }));
  }

  #stop() {
    this.#conversation.stop();
    this.composer.focus();
  }

  /**
   * @param {import("./types.js").Turn} turn
   * @param {TurnView} [instead]
   */
  #show(turn, instead) {
    const view = new TurnView(turn, this.#parts);
    this.#views.set(turn, view);
    if (instead) instead.element.replaceWith(view.element);
    else this.#turns.append(view.element);
    return view;
  }

  #arrange() {
    const begun = this.#conversation.turns.length > 0;
    this.#welcome.hidden = begun;
    this.#renew.hidden = !begun;
  }

  /** Whether the turns scroll in a box of their own, and not with the page. */
  #scrolls() {
    return getComputedStyle(this.log).overflowY === "auto";
  }

  #header(title, level, close) {
    this.#renew = this.#iconButton("renew", ICONS.renew, () => this.clear());
    return make(
      "header",
      { class: "head", part: "head" },
      make(`h${level}`, { class: "title", id: "title", part: "title", dir: "auto", text: title }),
      this.#renew,
      close ? this.#iconButton("close", ICONS.close, close) : null,
    );
  }

  #iconButton(key, path, click) {
    const name = this.#words.say(key);
    return make("button", { type: "button", class: `tool ${key}`, "aria-label": name, title: name, on: { click } }, icon(path));
  }

  #makeWelcome({ intro, questions }) {
    const items = questions.map((question) =>
      make("li", {}, make("button", { type: "button", class: "suggestion", part: "suggestion", dir: "auto", text: question, on: { click: () => this.#suggest(question) } })),
    );
    return make(
      "div",
      { class: "welcome" },
      make("p", { class: "intro", dir: "auto", text: intro }),
      ...(items.length ? [make("p", { class: "label", text: this.#words.say("suggestions") }), make("ul", { class: "suggestions" }, ...items)] : []),
    );
  }

  #suggest(question) {
    if (this.ask(question)) this.composer.focus();
  }
}
