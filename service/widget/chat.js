// <dateline-chat>: the element that a page places, or that the script tag places for it.

import answerStyle from "./answer.css" with { type: "css" };
import panelStyle from "./panel.css" with { type: "css" };
import themeStyle from "./theme.css" with { type: "css" };
import { Client } from "./client.js";
import { Conversation } from "./conversation.js";
import { make } from "./element.js";
import { claim, History, reclaim, release } from "./history.js";
import { Launcher } from "./launcher.js";
import { Panel } from "./panel.js";
import { Words } from "./words.js";

const SILENCE_S = 45;
const DAY_S = 86_400;

/** Where the script came from: the service that answers, unless the page names another. */
export const home = { base: "" };

/** A cited chat with one Dateline service. */
export class DatelineChat extends HTMLElement {
  static observedAttributes = ["title", "intro", "lang", "dir", "strings", "questions", "mode", "level", "fill", "filters", "timeout", "api"].map(
    (name) => `data-${name}`,
  );

  /** @type {Conversation?} */
  #conversation = null;
  /** The service and the id that the conversation is for, and the name under which it is kept. */
  #subject = "";
  #name = "";
  /** @type {Launcher?} */
  #launcher = null;
  /** @type {Panel?} */
  #panel = null;

  /** Whether something changed while an answer was on its way: it takes effect once the answer is there. */
  #late = false;

  connectedCallback() {
    this.#launcher?.restore();
    this.#refresh();
  }

  disconnectedCallback() {
    // An element that is moved is taken out and put in again; only one that is gone stops.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#conversation?.stop();
      this.#launcher?.drop();
      release(this.#name);
    });
  }

  attributeChangedCallback() {
    if (this.#panel && this.isConnected) this.#refresh();
  }

  /** Open the dialog; nothing happens in inline mode. */
  open() {
    this.#launcher?.open();
  }

  /** Close the dialog. */
  close() {
    this.#launcher?.close();
  }

  /**
   * Ask a question as if it had been typed; false while an answer is on its way.
   * @param {string} question
   */
  ask(question) {
    const asked = String(question).trim();
    if (!asked || !this.#panel) return false;
    this.open();
    return this.#panel.ask(asked);
  }

  /** Begin a new conversation. */
  clear() {
    this.#panel?.clear();
  }

  /** Show everything as attributes and place are now, but for an answer that is on its way. */
  #refresh() {
    this.#late = this.#conversation?.asking ?? false;
    if (!this.#late) this.#render();
  }

  #render() {
    const { opened } = this.#launcher ?? {};
    const draft = this.#panel?.composer.text;
    const focused = Boolean(this.shadowRoot?.activeElement);
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [themeStyle, panelStyle, answerStyle];
    const words = new Words(this.#language(), this.#json("data-strings", {}));
    const client = new Client(this.#base(), 1000 * this.#silence());
    const conversation = this.#converse();
    conversation.use(client, this.#json("data-filters", undefined));
    const texts = { title: this.dataset.title || words.say("title"), intro: this.dataset.intro || words.say("intro"), questions: this.#questions() };
    const level = Math.round(Math.min(4, Math.max(1, Number(this.dataset.level) || 2)));
    const floating = this.dataset.mode === "launcher";
    const boxed = floating || this.dataset.fill !== undefined;
    const tell = (name, detail = {}) => this.#tell(name, detail);
    this.#launcher = floating ? new Launcher(texts.title, tell) : null;
    const close = floating ? () => this.#launcher?.close() : null;
    this.#panel = new Panel({ words, client, conversation, texts, level, boxed, close, tell });
    root.replaceChildren(this.#frame(words, this.#launcher, this.#panel));
    this.#launcher?.float();
    if (draft) this.#panel.composer.set(draft);
    if (opened) this.#launcher?.reopen();
    else if (focused) this.#panel.composer.focus();
  }

  /** The conversation with the service; with another service it is another one. */
  #converse() {
    const subject = `${this.#base()}:${this.id}`;
    if (this.#conversation && this.#subject === subject) reclaim(this.#name);
    else {
      release(this.#name);
      this.#subject = subject;
      this.#name = claim(subject);
      this.#conversation = new Conversation(new History(this.#name));
    }
    return this.#conversation;
  }

  #frame(words, launcher, panel) {
    const direction = this.dataset.dir || words.direction;
    if (!launcher) return make("section", { class: "root inline", lang: words.lang, dir: direction, "aria-labelledby": "title" }, panel.element);
    launcher.hold(panel);
    return make("div", { class: "root", lang: words.lang, dir: direction }, launcher.button, launcher.dialog);
  }

  /** The language: this element's, or that of the page around it. */
  #language() {
    return this.dataset.lang || this.closest("[lang]")?.getAttribute("lang") || "en";
  }

  /** Where the service is. Within a page that has no address of its own, only a whole address says so. */
  #base() {
    try {
      const url = new URL(this.dataset.api || home.base || "/", location.href);
      return url.href.endsWith("/") ? url.href : `${url.href}/`;
    } catch {
      return home.base;
    }
  }

  /** Seconds without a sign of life, as far as a clock of the browser counts them. */
  #silence() {
    const seconds = Number(this.dataset.timeout);
    return seconds > 0 ? Math.min(seconds, DAY_S) : SILENCE_S;
  }

  /** The suggested questions: a JSON list or a text with bars between them, else the list items in the element. */
  #questions() {
    const given = this.dataset.questions;
    const listed = given?.trim().startsWith("[") ? this.#json("data-questions", []) : given?.split("|");
    const items = listed ?? [...this.querySelectorAll("li")].map((item) => item.textContent);
    return items.map((item) => String(item ?? "").trim()).filter(Boolean).slice(0, 8);
  }

  /**
   * An attribute that holds JSON; one that does not is reported on the console and counts as absent.
   * @param {string} name
   * @param {any} otherwise
   */
  #json(name, otherwise) {
    const given = this.getAttribute(name);
    if (!given) return otherwise;
    try {
      return JSON.parse(given) ?? otherwise;
    } catch {
      console.warn(`dateline-chat: ${name} is not JSON: ${given}`);
      return otherwise;
    }
  }

  /**
   * @param {string} name
   * @param {object} detail
   */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`dateline:${name}`, { detail, bubbles: true, composed: true }));
    if (this.#late && this.isConnected) this.#refresh();
  }
}
