// The text of an answer, sentence by sentence, with each marker as a button once its citation is known.

import { make } from "./element.js";
import { countPoints } from "./points.js";

// A marker, the end of the word before it and the stop behind it: they stay on one line.
const TIE = /(\S{0,20}\s?(?:\[\d{1,4}\])+[.,;:!?…"'”’»)。؟]*)/u;

/** Shows an answer's text as it comes. */
export class AnswerText {
  #length = 0;
  /** @type {{marker: number, at: number, element: HTMLElement}[]} */
  #waiting = [];
  #label;
  #choose;

  /**
   * @param {(citation: import("./types.js").Citation) => string} label what a screen reader calls a marker
   * @param {(citation: import("./types.js").Citation, button: HTMLElement) => void} choose a marker was chosen
   */
  constructor(label, choose) {
    this.#label = label;
    this.#choose = choose;
    this.element = make("p", { class: "answer", dir: "auto", part: "answer" });
  }

  /**
   * More of the text; a marker is never split.
   * @param {string} text
   */
  add(text) {
    const parts = text.split(TIE).map((part, at) => make("span", { class: at % 2 ? "tie" : null }, ...this.#pieces(part)));
    this.element.append(make("span", { class: "sentence" }, ...parts));
  }

  /**
   * A citation: the markers of its sentence that wait for it become buttons.
   * @param {import("./types.js").Citation} citation
   */
  cite(citation) {
    const { marker, start_index: start, end_index: end } = citation;
    const mine = this.#waiting.filter((each) => each.marker === marker && start <= each.at && each.at < end);
    for (const { element } of mine) element.replaceWith(this.#button(citation));
    this.#waiting = this.#waiting.filter((each) => !mine.includes(each));
  }

  /**
   * The text and the citations as they finally are.
   * @param {string} text
   * @param {import("./types.js").Citation[]} citations
   */
  set(text, citations) {
    this.element.replaceChildren();
    this.#length = 0;
    this.#waiting = [];
    this.add(text);
    for (const citation of citations) this.cite(citation);
  }

  /**
   * A part of the text with its markers set off.
   * @param {string} text
   * @returns {(string | HTMLElement)[]}
   */
  #pieces(text) {
    return text.split(/(\[\d{1,4}\])/u).map((piece) => {
      const marker = /^\[(\d+)\]$/u.exec(piece);
      const shown = marker ? make("span", { class: "pending", text: piece }) : piece;
      if (marker) this.#waiting.push({ marker: Number(marker[1]), at: this.#length, element: shown });
      this.#length += countPoints(piece);
      return shown;
    });
  }

  /** @param {import("./types.js").Citation} citation */
  #button(citation) {
    return make("button", {
      type: "button",
      class: "marker",
      part: "marker",
      text: String(citation.marker),
      "data-citation": citation.id,
      "aria-label": this.#label(citation),
      "aria-expanded": "false",
      on: { click: (event) => this.#choose(citation, event.currentTarget) },
    });
  }
}
