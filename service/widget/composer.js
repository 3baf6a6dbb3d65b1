// Where a question is written.

import { make } from "./element.js";
import { countPoints } from "./points.js";

/** Code points that the service takes. */
const LENGTH = 2000;
/** The code of a key that goes to an input method: Safari tells of the Enter that ends a composition in no other way. */
const COMPOSING = 229;

/** The field and its button. */
export class Composer {
  #field;
  #button;
  #limit;
  #words;
  #submit;

  /**
   * @param {import("./words.js").Words} words
   * @param {(question: string) => boolean} ask whether the question is being asked
   */
  constructor(words, ask) {
    this.#words = words;
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
      on: { input: () => this.#fit(), keydown: (event) => this.#key(event) },
    });
    this.#submit = () => {
      const question = this.#field.value.trim();
      if (!question || this.#tooLong()) this.focus();
      else if (ask(question)) this.set("");
    };
    // No form is submitted, as some frames forbid that.
    this.#button = make("button", { type: "button", class: "solid", part: "ask", text: words.say("ask"), on: { click: this.#submit } });
    this.element = make(
      "form",
      { class: "composer", part: "composer", on: { submit: (event) => event.preventDefault() } },
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

  /**
   * Put a text into the field.
   * @param {string} text
   */
  set(text) {
    this.#field.value = text;
    this.#fit();
  }

  /** What is written and not yet asked. */
  get text() {
    return this.#field.value;
  }

  /** @param {boolean} busy whether an answer is on its way; the button stays where the focus may be */
  busy(busy) {
    this.#button.setAttribute("aria-disabled", String(busy));
  }

  /**
   * Enter asks, Shift and Enter make a new line; Enter that ends a composition of letters does neither.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === COMPOSING) return;
    event.preventDefault();
    this.#submit();
  }

  /** How many code points there are too many; a text that is pasted is never cut in silence. */
  #tooLong() {
    return Math.max(0, countPoints(this.#field.value.trim()) - LENGTH);
  }

  /** As high as its text, up to a limit that the style sets; what is too long says so. */
  #fit() {
    const over = this.#tooLong();
    this.#limit.hidden = !over;
    this.#limit.textContent = over ? this.#words.say("question_too_long", { count: over }) : "";
    if (over) this.#field.setAttribute("aria-describedby", "limit");
    else this.#field.removeAttribute("aria-describedby");
    this.#field.setAttribute("aria-invalid", String(over > 0));
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight + 2}px`;
  }
}
