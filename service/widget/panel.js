// The chat itself: heading, turns, the field to ask in, and the live region.

import { Announcer } from "./announcer.js";
import { Composer } from "./composer.js";
import { icon, ICONS, make } from "./element.js";
import { plain } from "./markdown.js";
import { closest } from "./sources-view.js";
import { TurnView } from "./turn-view.js";
import { explanation, kindOf, latestText, verdictText } from "./verdict.js";

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
   * @param {boolean} parts.boxed whether the turns scroll in a box of their own, and not with the page
   * @param {(() => void)?} parts.close what closes the panel, where it can be closed
   * @param {(name: string, detail: object) => void} parts.tell tells the host page
   */
  constructor({ words, client, conversation, texts, level, boxed, close, tell }) {
    this.#words = words;
    this.#conversation = conversation;
    this.#tell = tell;
    const ask = (question, instead) => this.ask(question, instead);
    this.#parts = { words, client, conversation, level, announcer: this.#announcer, ask, stop: () => this.#stop() };
    this.composer = new Composer(words, ask);
    this.#welcome = this.#makeWelcome(texts);
    this.#turns = make("div", { class: "turns" });
    // A box that scrolls is a stop for the keyboard; one that does not is none.
    const log = { class: "log", role: "group", "aria-label": words.say("conversation"), tabindex: boxed ? "0" : null };
    this.log = make("div", log, this.#welcome, this.#turns);
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
    this.#bringUp(view.element);
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
      if (event.type === "answer.delta") this.#announcer.hear(plain(String(event.text ?? "")));
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

  /** What sighted readers see around the text: the verdict, what it rests on, and what was left out. */
  #announce(turn) {
    const say = (key, values) => this.#words.say(key, values);
    const kind = kindOf(turn);
    const { reply } = turn;
    if (kind === "none") this.#announcer.drop();
    else this.#announcer.finish();
    const said = [verdictText(kind, turn, this.#words), latestText(kind, turn, this.#words)];
    if (kind === "none" && reply.status_reason && this.#words.knows(reply.status_reason)) said.push(say(reply.status_reason));
    else said.push(explanation(kind, turn, this.#words));
    if (reply) {
      said.push(...reply.conflicts.map(({ topic }) => say("conflict", { topic })));
      if (reply.unsupported.length) said.push(say("withheld", { count: reply.unsupported.length }));
      const near = closest(reply).length;
      if (near) said.push(say("done_closest", { count: near }));
      const articles = new Set(turn.citations.map((citation) => citation.article_id)).size;
      if (articles) said.push(say("done", { count: articles }));
    }
    this.#announcer.say(said.filter(Boolean).map(stopped).join(" "));
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

  /**
   * Bring a new turn to the top. The style makes room for a whole answer below it, so that nothing scrolls while it grows.
   * @param {HTMLElement} turn
   */
  #bringUp(turn) {
    const { top } = turn.getBoundingClientRect();
    if (this.#scrolls()) this.log.scrollTop += top + turn.clientTop - this.log.getBoundingClientRect().top;
    else if (this.#conversation.turns.length > 1 || top > innerHeight / 3) turn.scrollIntoView({ block: "start" });
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
      ...(items.length ? [make("p", { class: "label", text: this.#words.say("suggestions") }), make("ul", { class: "suggestions", role: "list" }, ...items)] : []),
    );
  }

  #suggest(question) {
    if (this.ask(question)) this.composer.focus();
  }
}

/**
 * A text with a stop at its end.
 * @param {string} text
 */
function stopped(text) {
  return /[.!?…:。؟]$/u.test(text) ? text : `${text}.`;
}
