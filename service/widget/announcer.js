// The one live region: whole sentences and what happens, never half a word.

import { make } from "./element.js";

const SENTENCE = /^.*[.!?…。؟]["'”’»)\]]*(?:\s*\[\d+\])*["'”’».]*(?=\s)/su;

/** Says things to screen readers, politely and once: a status is read whole at every change unless it says otherwise. */
export class Announcer {
  #held = "";

  constructor() {
    this.element = make("div", { class: "unseen", role: "status", "aria-live": "polite", "aria-relevant": "additions", "aria-atomic": "false" });
  }

  /**
   * Something that happened.
   * @param {string} text
   */
  say(text) {
    this.element.append(make("p", { text }));
    while (this.element.childElementCount > 12) this.element.firstElementChild?.remove();
  }

  /**
   * More of an answer; it is said as far as its sentences are whole.
   * @param {string} text
   */
  hear(text) {
    this.#held += text;
    const [whole] = SENTENCE.exec(this.#held) ?? [""];
    this.#held = this.#held.slice(whole.length);
    this.#speak(whole);
  }

  /** The answer is over: say what is left of it. */
  finish() {
    this.#speak(this.#held);
    this.#held = "";
  }

  /** What was heard and not yet said is not said. */
  drop() {
    this.#held = "";
  }

  /** Forget what was said. */
  clear() {
    this.#held = "";
    this.element.replaceChildren();
  }

  /** @param {string} text */
  #speak(text) {
    const spoken = text.replace(/\s*\[\d+\]/gu, "").trim();
    if (spoken) this.say(spoken);
  }
}
