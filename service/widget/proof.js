// The proof of an answer: the quotes of one marker, below its sentence or, on wide screens, beside the answer.

/** @import { Client } from "./service.js" */
/** @import { Marker } from "./sentences.js" */
/** @import { Words } from "./words.js" */

import { make } from "./dom.js";
import { answerWords, complete, quoteBox } from "./quotes.js";

let lastProof = 0;

/** The quotes that are open in one turn. Beside the answer, those of one marker always are. */
export class Proof {
  #parts;
  /** @type {Marker?} */
  #open = null;
  #beside = false;
  /** Whether the reader chose the marker that is open. */
  #chosen = false;
  #id = `proof-${++lastProof}`;
  /** @type {HTMLElement?} below its sentence, or the one in `side` */
  #element = null;
  /** @type {Marker?} whose quotes have their paragraphs, or wait for them */
  #completed = null;
  #where;
  #previous;
  #next;
  #steps;
  #pane;

  /**
   * @param {object} parts
   * @param {Words} parts.words
   * @param {Client} parts.client
   * @param {import("./dom.js").Announcer} parts.announcer
   * @param {(citation: Citation) => Source | undefined} parts.sourceOf
   * @param {() => Marker[]} parts.markers of the answer, in order
   */
  constructor(parts) {
    const { words } = (this.#parts = parts);
    this.#where = make("p", { class: "label" });
    this.#previous = this.#button("previous", -1);
    this.#next = this.#button("next", 1);
    this.#steps = make("div", { class: "steps" }, this.#where, this.#previous, this.#next);
    // It stays in the page, with the focus that its buttons may have.
    this.#pane = make("div", { class: "proof" }, this.#steps);
    /** The column beside the answer. */
    this.side = make("div", { class: "side", role: "group", "aria-label": words.say("proof"), hidden: true });
  }

  /**
   * Show the quotes beside the answer, or below their sentences.
   * @param {boolean} beside
   */
  place(beside) {
    if (beside === this.#beside) return;
    const open = this.#open;
    const focused = this.#hasFocus();
    this.#close();
    this.#beside = beside;
    this.side.replaceChildren(...(beside ? [this.#pane] : []));
    if (beside) this.#show(open ?? this.#parts.markers()[0]);
    else if (this.#chosen) this.#show(open);
    if (focused) open?.button.focus();
  }

  /** Follow the text: open the first marker beside it, and the open marker again if it was replaced. */
  follow() {
    const markers = this.#parts.markers();
    if (this.#open?.button.isConnected) this.#number();
    else if (this.#open || this.#beside) {
      const id = this.#open?.citations[0].id;
      const focused = !this.#beside && this.#hasFocus();
      this.#close();
      this.#show(markers.find(({ citations }) => citations[0].id === id) ?? (this.#beside ? markers[0] : undefined));
      if (focused) this.#focus();
    }
    if (this.#beside && this.#open) this.#complete();
  }

  /**
   * Open the quotes of a marker and move the focus to them; below a sentence, close them if they are open.
   * @param {Marker} marker
   */
  choose(marker) {
    const wasOpen = this.#open?.button === marker.button;
    this.#chosen = true;
    if (!wasOpen || !this.#beside) this.#close();
    if (wasOpen && !this.#beside) return;
    if (!wasOpen) this.#show(marker);
    this.#complete();
    this.#focus();
    this.#scroll();
  }

  /**
   * Handle Escape and the arrow keys, in the quotes and on markers.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const from = /** @type {Node} */ (event.composedPath()[0]);
    const onMarker = this.#parts.markers().some(({ button }) => button === from);
    const inside = this.#element?.contains(from) ?? false;
    if (!this.#open || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Escape" && (inside || (!this.#beside && this.#open.button === from))) this.#leave(event);
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!steps || !(inside || onMarker)) return;
    event.preventDefault();
    this.#step(getComputedStyle(this.side).direction === "rtl" ? -steps : steps, onMarker ? from : null);
  }

  #hasFocus() {
    return this.#element?.contains(/** @type {any} */ (this.side.getRootNode()).activeElement) ?? false;
  }

  /** @param {Event} event */
  #leave(event) {
    event.preventDefault();
    event.stopPropagation();
    const button = this.#open?.button;
    if (!this.#beside) this.#close();
    button?.focus();
  }

  /**
   * Open the quotes of the next or the previous marker.
   * @param {number} by
   * @param {Node?} from the marker with the focus, which moves from marker to marker
   */
  #step(by, from) {
    const markers = this.#parts.markers();
    const at = markers.findIndex(({ button }) => button === (from ?? this.#open?.button));
    const to = markers[at + by];
    if (!to) return;
    const onButton = this.#steps.contains(/** @type {any} */ (this.side.getRootNode()).activeElement);
    this.#chosen = true;
    this.#close();
    this.#show(to);
    this.#complete();
    if (from) to.button.focus({ preventScroll: true });
    else if (!onButton) this.#focus();
    if (from || onButton) this.#parts.announcer.say([this.#where.textContent, ...to.citations.map(answerWords)].join(". "));
    this.#scroll();
  }

  /** @param {Marker | null | undefined} marker */
  #show(marker) {
    const boxes = (marker?.citations ?? []).flatMap((citation) => {
      const source = this.#parts.sourceOf(citation);
      return source ? [quoteBox(citation, source, this.#parts, this.#beside ? "beside" : "below")] : [];
    });
    this.side.hidden = !this.#beside || !boxes.length;
    if (!marker || !boxes.length) return;
    const sentence = marker.button.closest(".sentence");
    this.#open = marker;
    this.#completed = null;
    const element = this.#beside ? this.#pane : make("div", { class: "proof" }, ...boxes);
    this.#element = element;
    element.id = this.#id;
    if (this.#beside) {
      while (this.#steps.nextSibling) this.#steps.nextSibling.remove();
      this.#pane.append(...boxes);
    }
    else sentence?.after(element);
    sentence?.classList.add("active");
    sentence?.closest(".entry")?.classList.add("active");
    marker.button.setAttribute("aria-expanded", "true");
    marker.button.setAttribute("aria-controls", this.#id);
    this.#number();
  }

  #close() {
    const { button } = this.#open ?? {};
    this.#open = null;
    if (this.#element !== this.#pane) this.#element?.remove();
    for (const each of [button?.closest(".sentence"), button?.closest(".entry")]) each?.classList.remove("active");
    button?.setAttribute("aria-expanded", "false");
    button?.removeAttribute("aria-controls");
  }

  /** Say which of the proofs is shown. */
  #number() {
    const { words } = this.#parts;
    const markers = this.#parts.markers();
    const at = markers.findIndex(({ button }) => button === this.#open?.button);
    this.#where.textContent = markers.length > 1 ? words.say("proof_of", { number: at + 1, total: markers.length }) : words.say("quoted");
    this.#previous.hidden = this.#next.hidden = markers.length < 2;
    this.#previous.setAttribute("aria-disabled", String(at === 0));
    this.#next.setAttribute("aria-disabled", String(at === markers.length - 1));
  }

  /** Show the quotes beside the answer in the paragraphs of their articles; without them the passage stays. */
  async #complete() {
    const marker = this.#open;
    if (!this.#beside || !marker || this.#completed === marker) return;
    this.#completed = marker;
    const boxes = /** @type {HTMLElement[]} */ ([...this.#pane.querySelectorAll(".quote-box")]);
    for (const citation of marker.citations) {
      const source = this.#parts.sourceOf(citation);
      const article = source && (await this.#parts.client.article(source.article_id));
      const box = boxes.find((each) => each.dataset.citation === citation.id);
      if (article && box) complete(box, citation, source, article, this.#parts.words);
    }
  }

  #focus() {
    const box = /** @type {HTMLElement?} */ (this.#element?.querySelector(".quote-box"));
    box?.focus({ preventScroll: true });
  }

  #scroll() {
    const sentence = this.#open?.button.closest(".sentence");
    const marked = this.#element?.querySelector("mark");
    // If sentence and quote do not fit together, the quoted words come first, and the marker is right above them.
    const parts = this.#beside ? [marked, sentence] : [this.#element, sentence, marked];
    for (const each of parts) each?.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {string} key
   * @param {number} by
   */
  #button(key, by) {
    return make("button", { type: "button", class: `plain ${key}`, text: this.#parts.words.say(key), on: { click: () => this.#step(by, null) } });
  }
}
