// <dateline-chat> and its script tag: the element that a page places, or that the script places for it.

import answerStyle from "./answer.css" with { type: "css" };
import panelStyle from "./panel.css" with { type: "css" };
import themeStyle from "./theme.css" with { type: "css" };
// First, so that the texts of all languages are beside each other and compress better.
import { Words } from "./words.js";
import { Conversation, History } from "./conversation.js";
import { icon, ICONS, make } from "./dom.js";
import { Panel } from "./panel.js";
import { Client } from "./service.js";

const TIMEOUT_S = 45;
const DAY_S = 86_400;
const FOCUSABLE = 'a[href], button, textarea, input, summary, [tabindex="0"]';

/** The width of the element in pixels from which quotes are beside the answer, if the page scrolls. */
const WIDE = 1020;

/** The address of the script: the default address of the service. */
let scriptBase = "";

/** The key on the script tag: the default key for that address. */
let scriptKey = "";

/** A cited chat with one Dateline service. */
class DatelineChat extends HTMLElement {
  static observedAttributes = ["title", "intro", "lang", "strings", "questions", "mode", "level", "fill", "filters", "timeout", "api", "key"].map(
    (name) => `data-${name}`,
  );

  /** @type {Conversation?} */
  #conversation = null;
  /** The service that the conversation belongs to. */
  #service = "";
  /** @type {Launcher?} */
  #launcher = null;
  /** @type {Panel?} */
  #panel = null;
  /** Whether an attribute changed while an answer was arriving; the change takes effect after the answer. */
  #stale = false;
  // In the next frame: a change of the layout within the callback is an error on the page.
  #sizes = new ResizeObserver(() => requestAnimationFrame(() => this.#place()));

  connectedCallback() {
    this.#launcher?.restore();
    this.#sizes.observe(this);
    this.#refresh();
  }

  disconnectedCallback() {
    // A move removes the element and inserts it again; only a removed element stops.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#conversation?.stop();
      this.#launcher?.reset();
    });
  }

  attributeChangedCallback() {
    if (this.#panel && this.isConnected) this.#refresh();
  }

  /** Open the dialog; in inline mode, do nothing. */
  open() {
    this.#launcher?.open();
  }

  /** Close the dialog. */
  close() {
    this.#launcher?.close();
  }

  /**
   * Ask a question as if it had been typed; return false while an answer is arriving.
   * @param {string} question
   */
  ask(question) {
    const text = String(question).trim();
    if (!text || !this.#panel) return false;
    this.open();
    return this.#panel.ask(text);
  }

  /** Begin a new conversation. */
  clear() {
    this.#panel?.clear();
  }

  /** Render by the current attributes and place, unless an answer is arriving. */
  #refresh() {
    this.#stale = this.#conversation?.asking ?? false;
    if (!this.#stale) this.#render();
  }

  #render() {
    const opened = this.#launcher?.dialog.open;
    const draft = this.#panel?.composer.text;
    const focused = Boolean(this.shadowRoot?.activeElement);
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [themeStyle, panelStyle, answerStyle];
    const words = new Words(this.#language(), this.#json("data-strings", {}));
    const client = new Client(this.#base(), 1000 * this.#timeout(), this.#key());
    const conversation = this.#converse();
    conversation.use(client, this.#json("data-filters", undefined));
    const texts = { title: this.dataset.title || words.say("title"), intro: this.dataset.intro || words.say("intro"), questions: this.#questions() };
    const level = Math.round(Math.min(4, Math.max(1, Number(this.dataset.level) || 2)));
    const floating = this.dataset.mode === "launcher";
    const boxed = this.#boxed;
    const emit = (/** @type {string} */ name, detail = {}) => this.#emit(name, detail);
    const close = floating ? () => this.close() : null;
    this.#panel = new Panel({ words, client, conversation, texts, level, boxed, close, emit });
    this.#launcher = floating ? new Launcher(texts.title, this.#panel, emit) : null;
    const place = { lang: words.lang, dir: words.direction };
    root.replaceChildren(
      this.#launcher
        ? make("div", { class: "root", ...place }, this.#launcher.button, this.#launcher.dialog)
        : make("section", { class: "root inline", "aria-labelledby": "title", ...place }, this.#panel.element),
    );
    this.#launcher?.float();
    this.#place();
    if (draft) this.#panel.composer.text = draft;
    if (opened) this.#launcher?.show();
    else if (focused) this.#panel.composer.focus();
  }

  /** Whether the turns scroll in a box, and not with the page. */
  get #boxed() {
    return this.dataset.mode === "launcher" || this.dataset.fill !== undefined;
  }

  /** Show quotes beside the answer if there is room, and not in a box. */
  #place() {
    this.#panel?.place(!this.#boxed && this.clientWidth >= WIDE);
  }

  /** Return the conversation with the service; another service has another one, and so has each element. */
  #converse() {
    const service = this.#base();
    if (!this.#conversation || this.#service !== service) {
      this.#service = service;
      const order = [...document.querySelectorAll("dateline-chat:not([id])")].indexOf(this);
      this.#conversation = new Conversation(new History(`${service}:${this.id || (order > 0 ? `#${order}` : "")}`));
    }
    return this.#conversation;
  }

  /** Return the language of this element, or of the page around it. */
  #language() {
    return this.dataset.lang || this.closest("[lang]")?.getAttribute("lang") || "en";
  }

  /** Return the service's address; a page without an address of its own needs a complete one. */
  #base() {
    try {
      const url = new URL(this.dataset.api || scriptBase || "/", location.href);
      return url.href.endsWith("/") ? url.href : `${url.href}/`;
    } catch {
      return scriptBase;
    }
  }

  /** Return the key for the service; that of the script tag is sent only to the address of the script. */
  #key() {
    return this.dataset.key ?? (this.#base() === scriptBase ? scriptKey : "");
  }

  /** Return the seconds without a byte that end a request, within the range of a browser's timer. */
  #timeout() {
    const seconds = Number(this.dataset.timeout);
    return seconds > 0 ? Math.min(seconds, DAY_S) : TIMEOUT_S;
  }

  /** Return the suggested questions: a JSON list or a text with bars between them, else the list items in the element. */
  #questions() {
    const given = this.dataset.questions;
    const listed = given?.trim().startsWith("[") ? this.#json("data-questions", []) : given?.split("|");
    /** @type {unknown[]} */
    const items = listed ?? [...this.querySelectorAll("li")].map((item) => item.textContent);
    return items.map((item) => String(item ?? "").trim()).filter(Boolean).slice(0, 8);
  }

  /**
   * Return an attribute that holds JSON; one that is not valid is reported on the console and ignored.
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
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`dateline:${name}`, { detail, bubbles: true, composed: true }));
    if (this.#stale && this.isConnected) this.#refresh();
  }
}

/** A button in a corner of the page, and the dialog that it opens. */
class Launcher {
  #panel;
  #emit;
  /** @type {HTMLElement?} what had the focus when the dialog was opened */
  #opener = null;

  /**
   * @param {string} title
   * @param {Panel} panel
   * @param {(name: string) => void} emit reports to the host page that the dialog opened or closed
   */
  constructor(title, panel, emit) {
    this.#panel = panel;
    this.#emit = emit;
    this.button = make(
      "button",
      { type: "button", class: "launcher", part: "launcher", popover: "manual", "aria-haspopup": "dialog", "aria-expanded": "false", on: { click: () => this.open() } },
      icon(ICONS.ask),
      make("span", { dir: "auto", text: title }),
    );
    const on = {
      close: () => this.#closed(),
      keydown: (/** @type {KeyboardEvent} */ event) => this.#trap(event),
      // A click outside the dialog closes it.
      click: (/** @type {Event} */ event) => event.target === this.dialog && this.close(),
    };
    this.dialog = make("dialog", { class: "dialog", part: "dialog", "aria-labelledby": "title", on }, panel.element);
  }

  /** Put the button into the browser's top layer, above every layer of the page. */
  float() {
    if (this.button.isConnected && !this.button.matches(":popover-open")) this.button.showPopover();
  }

  /** Return button and dialog to the top layer after the element was moved. */
  restore() {
    this.float();
    if (!this.dialog.open) return;
    this.dialog.removeAttribute("open");
    this.show();
  }

  /** Close the dialog of a removed element. */
  reset() {
    this.dialog.removeAttribute("open");
    this.button.setAttribute("aria-expanded", "false");
  }

  /** Open the dialog, with the focus in the field. */
  open() {
    if (this.dialog.open) return;
    const focused = /** @type {HTMLElement?} */ (document.activeElement);
    // For a focus in the shadow tree, the page sees only the host: then it is on the button.
    this.#opener = focused === document.body || focused === this.button.getRootNode().host ? null : focused;
    this.show();
    this.#emit("open");
  }

  /** Open the dialog without an event. */
  show() {
    this.dialog.showModal();
    this.button.setAttribute("aria-expanded", "true");
    this.#panel.composer.focus();
    this.#panel.scrollToEnd();
  }

  /** Close the dialog; the focus returns to its opener. */
  close() {
    this.dialog.close();
  }

  #closed() {
    this.button.setAttribute("aria-expanded", "false");
    if (this.#opener?.isConnected) this.#opener.focus();
    else this.button.focus();
    this.#emit("close");
  }

  /**
   * Keep the focus in the dialog: Tab leads from its last stop to the first, not to the browser's own controls.
   * @param {KeyboardEvent} event
   */
  #trap(event) {
    if (event.key !== "Tab") return;
    const stops = [...this.dialog.querySelectorAll(FOCUSABLE)].filter((each) => each.checkVisibility());
    const [from, to] = event.shiftKey ? [stops[0], stops[stops.length - 1]] : [stops[stops.length - 1], stops[0]];
    if (this.dialog.getRootNode().activeElement !== from) return;
    event.preventDefault();
    to.focus();
  }
}

const script = /** @type {HTMLScriptElement?} */ (document.currentScript);

if (!customElements.get("dateline-chat")) {
  if (script?.src) scriptBase = new URL(".", script.src).href;
  scriptKey = script?.dataset.key ?? "";
  customElements.define("dateline-chat", DatelineChat);
}

// Also if the element is defined already: a page that replaces its body runs the script again, without a chat.
if (document.readyState === "loading") addEventListener("DOMContentLoaded", place, { once: true });
else place();

/** Add a launcher, or a chat after the script tag, unless the page has an element or the mode is `none`. */
function place() {
  const mode = script?.dataset.mode ?? "launcher";
  if (mode === "none" || document.querySelector("dateline-chat")) return;
  const chat = document.createElement("dateline-chat");
  for (const { name, value } of script?.attributes ?? []) if (name.startsWith("data-")) chat.setAttribute(name, value);
  chat.setAttribute("data-mode", mode);
  if (mode === "inline" && script?.isConnected && script.closest("body")) script.after(chat);
  else document.body.append(chat);
}
