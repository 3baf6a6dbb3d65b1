// The chat itself: heading, turns, the field to ask in, and the live region.

/** @import { Conversation } from "./conversation.js" */
/** @import { Words } from "./words.js" */

import { Announcer, countPoints, icon, ICONS, make, plain } from "./dom.js";
import { factsLine } from "./facts.js";
import { closest } from "./sources.js";
import { suggestions, TurnView } from "./turn.js";
import { explanation, kindOf, latestText, verdictText } from "./verdict.js";

/** Code points that a question may have. */
const LENGTH = 2000;
/** The key code of an input method: Safari reports the Enter that ends a composition only by this code. */
const COMPOSING = 229;

/** Shows a conversation and takes questions. */
export class Panel {
  #words;
  #conversation;
  #emit;
  #announcer = new Announcer();
  #parts;
  #welcome;
  #turns;
  #renew;
  /** @type {Map<Turn, TurnView>} */
  #views = new Map();
  #beside = false;

  /**
   * @param {object} parts
   * @param {Words} parts.words
   * @param {import("./service.js").Client} parts.client
   * @param {Conversation} parts.conversation
   * @param {{title: string, intro: string, questions: string[]}} parts.texts
   * @param {number} parts.level of the heading; those of questions and notes are below it
   * @param {boolean} parts.boxed whether the turns scroll in a box of their own, and not with the page
   * @param {(() => void)?} parts.close closes the panel, where it can be closed
   * @param {(name: string, detail: object) => void} parts.emit reports an event to the host page
   */
  constructor({ words, client, conversation, texts, level, boxed, close, emit }) {
    this.#words = words;
    this.#conversation = conversation;
    this.#emit = emit;
    const stop = () => this.#stop();
    this.#parts = { words, client, conversation, level, boxed, announcer: this.#announcer, ask: this.ask.bind(this), stop };
    this.composer = new Composer(words, this.#parts.ask);
    this.#welcome = this.#makeWelcome(texts);
    this.#turns = make("div", { class: "turns" });
    this.#renew = this.#iconButton("renew", ICONS.renew, () => this.clear());
    // Only a box that scrolls is a tab stop.
    const log = { class: "log", role: "group", "aria-label": words.say("conversation"), tabindex: boxed ? "0" : null };
    this.log = make("div", log, this.#welcome, this.#turns);
    this.element = make(
      "div",
      { class: "panel", part: "panel" },
      make(
        "header",
        { class: "head", part: "head" },
        make(`h${level}`, { class: "title", id: "title", part: "title", dir: "auto", text: texts.title }),
        this.#renew,
        close ? this.#iconButton("close", ICONS.close, close) : null,
      ),
      this.log,
      make("div", { class: "foot" }, this.composer.element, make("p", { class: "fine-print", text: words.say("fine_print") })),
      this.#announcer.element,
    );
    for (const turn of conversation.turns) this.#show(turn);
    this.#arrange();
  }

  /**
   * Ask a question; false while an answer is being read.
   * @param {string} question
   * @param {Turn} [replaced] the turn whose place it takes
   */
  ask(question, replaced) {
    if (this.#conversation.asking) return false;
    const old = replaced && this.#views.get(replaced);
    const turn = this.#conversation.begin(question, replaced);
    const view = this.#show(turn, old);
    this.#arrange();
    this.composer.setBusy(true);
    this.#announcer.clear();
    this.#announcer.say(this.#words.say("searching"));
    if (old) this.composer.focus();
    this.#scrollTo(view.element);
    this.#emit("ask", { question });
    this.#follow(turn, view);
    return true;
  }

  /** Forget the conversation. */
  clear() {
    this.#conversation.clear();
    this.composer.setBusy(false);
    this.#views.clear();
    this.#turns.replaceChildren();
    this.#arrange();
    this.#announcer.clear();
    this.#announcer.say(this.#words.say("renewed"));
    this.composer.focus();
  }

  /**
   * Show quotes beside their answers, or below their sentences.
   * @param {boolean} beside
   */
  place(beside) {
    if (beside === this.#beside) return;
    this.#beside = beside;
    this.element.classList.toggle("wide", beside);
    for (const view of this.#views.values()) view.place(beside);
  }

  /** Scroll to the last turn, for example when the panel opens. */
  scrollToEnd() {
    if (this.#scrolls()) this.log.scrollTop = this.log.scrollHeight;
  }

  /**
   * Show the answer as it arrives, and announce it.
   * @param {Turn} turn
   * @param {TurnView} view
   */
  async #follow(turn, view) {
    await this.#conversation.ask(turn, (event) => {
      view.show(event);
      if (event.type === "answer.delta") this.#announcer.append(plain(String(event.text ?? "")));
    });
    if (this.#views.get(turn) !== view) return;
    const hasFocus = () => view.element.contains(view.element.getRootNode().activeElement);
    const focused = hasFocus();
    view.finish();
    this.composer.setBusy(false);
    this.#arrange();
    this.#announce(turn);
    if (focused && !hasFocus()) this.composer.focus();
    const { question, state, reply, trouble } = turn;
    this.#emit(reply ? "answer" : "end", { question, state, reply, trouble });
  }

  /**
   * Announce what is shown around the text: the verdict, the number of articles and of withheld sentences.
   * @param {Turn} turn
   */
  #announce(turn) {
    const words = this.#words;
    const kind = kindOf(turn);
    const { reply } = turn;
    if (kind === "none") this.#announcer.discard();
    else this.#announcer.finish();
    const said = [verdictText(kind, turn, words), latestText(kind, turn, words)];
    const reason = kind === "none" ? reply?.status_reason : null;
    said.push(reason && words.knows(reason) ? words.say(reason) : explanation(kind, turn, words));
    if (reply) {
      said.push(factsLine(reply, words));
      said.push(...reply.conflicts.map(({ topic }) => words.say("conflict", { topic })));
      said.push(...reply.developments.map(({ topic }) => words.say("development", { topic })));
      if (reply.corrections.length) said.push(words.say("done_corrections", { count: reply.corrections.length }));
      if (reply.uncovered.length) said.push(`${words.say("uncovered")}: ${reply.uncovered.join("; ")}`);
      if (reply.unsupported.length) said.push(words.say("withheld", { count: reply.unsupported.length }));
      const near = closest(reply).length;
      if (near) said.push(words.say("done_closest", { count: near }));
      const articles = new Set(turn.citations.map((citation) => citation.article_id)).size;
      if (articles) said.push(words.say("done", { count: articles }));
    }
    this.#announcer.say(said.flatMap((text) => (text ? withStop(text) : [])).join(" "));
  }

  #stop() {
    this.#conversation.stop();
    this.composer.focus();
  }

  /**
   * @param {Turn} turn
   * @param {TurnView} [replaced]
   */
  #show(turn, replaced) {
    const view = new TurnView(turn, this.#parts);
    view.place(this.#beside);
    this.#views.set(turn, view);
    if (replaced) replaced.element.replaceWith(view.element);
    else this.#turns.append(view.element);
    return view;
  }

  #arrange() {
    const begun = this.#conversation.turns.length > 0;
    this.#welcome.hidden = begun;
    this.element.classList.toggle("begun", begun);
    this.#renew.hidden = !begun;
  }

  /**
   * Scroll a new turn to the top. The style makes room for an answer below it, so that nothing scrolls while it grows.
   * @param {HTMLElement} turn
   */
  #scrollTo(turn) {
    const { top } = turn.getBoundingClientRect();
    if (this.#scrolls()) this.log.scrollTop += top + turn.clientTop - this.log.getBoundingClientRect().top;
    else if (this.#conversation.turns.length > 1 || top > innerHeight / 3) turn.scrollIntoView({ block: "start" });
  }

  /** Return whether the turns scroll in a separate box instead of with the page. */
  #scrolls() {
    return getComputedStyle(this.log).overflowY === "auto";
  }

  /**
   * @param {string} key
   * @param {string} path
   * @param {() => void} click
   */
  #iconButton(key, path, click) {
    const name = this.#words.say(key);
    return make("button", { type: "button", class: `tool ${key}`, "aria-label": name, title: name, on: { click } }, icon(path));
  }

  /** @param {{intro: string, questions: string[]}} texts */
  #makeWelcome({ intro, questions }) {
    const ask = (/** @type {string} */ question) => this.ask(question) && this.composer.focus();
    return make("div", { class: "welcome" }, make("p", { class: "intro", dir: "auto", text: intro }), ...suggestions(this.#words.say("suggestions"), questions, ask));
  }
}

/** The field for a question, and its button. */
class Composer {
  #field;
  #button;
  #limit;
  #words;
  #ask;

  /**
   * @param {Words} words
   * @param {(question: string) => boolean} ask returns whether the question is being asked
   */
  constructor(words, ask) {
    this.#words = words;
    this.#ask = ask;
    this.#limit = make("p", { class: "limit", id: "limit", hidden: true });
    this.#field = make("textarea", {
      id: "question",
      class: "field",
      part: "field",
      rows: "1",
      dir: "auto",
      autocomplete: "off",
      enterkeyhint: "send",
      placeholder: words.say("placeholder"),
      on: { input: () => this.#fit(), keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) },
    });
    // A click asks directly, because some frames do not allow submitting a form.
    this.#button = make("button", { type: "button", class: "solid", part: "ask", text: words.say("ask"), on: { click: () => this.#submit() } });
    this.element = make(
      "form",
      { class: "composer", part: "composer", on: { submit: (/** @type {Event} */ event) => event.preventDefault() } },
      make("label", { class: "unseen", for: "question", text: words.say("question") }),
      this.#field,
      this.#button,
      this.#limit,
    );
  }

  /** Put the focus into the field. */
  focus() {
    this.#field.focus();
  }

  /** @returns {string} what is written and not asked yet */
  get text() {
    return this.#field.value;
  }

  set text(text) {
    this.#field.value = text;
    this.#fit();
  }

  /** @param {boolean} busy whether an answer is being read; the button stays, as it may have the focus */
  setBusy(busy) {
    this.#button.setAttribute("aria-disabled", String(busy));
  }

  #submit() {
    const question = this.text.trim();
    if (!question || this.#excess()) this.focus();
    else if (this.#ask(question)) this.text = "";
  }

  /**
   * Ask on Enter, except with Shift or at the end of a composition.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === COMPOSING) return;
    event.preventDefault();
    this.#submit();
  }

  /** Return the number of code points above the limit; a long text is not cut. */
  #excess() {
    return Math.max(0, countPoints(this.text.trim()) - LENGTH);
  }

  /** Fit the field's height to its text, within the style's limit, and say by how much the text is too long. */
  #fit() {
    const count = this.#excess();
    this.#limit.hidden = !count;
    this.#limit.textContent = count ? this.#words.say("question_too_long", { count }) : "";
    if (count) this.#field.setAttribute("aria-describedby", "limit");
    else this.#field.removeAttribute("aria-describedby");
    this.#field.setAttribute("aria-invalid", String(count > 0));
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight + 2}px`;
  }
}

/**
 * Return a text with a stop at its end.
 * @param {string} text
 */
function withStop(text) {
  return /[.!?…:。؟]$/u.test(text) ? text : `${text}.`;
}
