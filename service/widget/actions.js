// The actions below a turn that has ended: copy, print, vote, ask again.

/** @import { Parts } from "./turn.js" */

import { icon, ICONS, make } from "./dom.js";
import { copyText, toClipboard } from "./sources.js";

const REASONS = ["wrong_citation", "not_in_sources", "outdated", "incomplete", "other"];
/** Milliseconds for which a button shows that it has copied. */
const COPIED_MS = 4_000;

let lastForm = 0;

/** The actions below a turn that has ended: copy, vote, ask again. An abstention has none. */
export class Actions {
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
    if (reply && reply.status !== "not_in_sources") this.element.append(...this.#copyButtons(reply));
    if (!reply || reply.status_reason === "interrupted") this.element.append(this.#button("plain retry", "retry", () => parts.ask(turn.question, turn)));
    if (reply && reply.status !== "not_in_sources") this.element.append(...this.#vote());
  }

  /**
   * @param {string} look
   * @param {string} key of its text
   * @param {(event: Event) => void} click
   * @param {Record<string, string>} [attributes]
   * @param {string} [path] of its icon
   */
  #button(look, key, click, attributes = {}, path = "") {
    const label = make("span", { text: this.#words.say(key) });
    return make("button", { type: "button", class: look, on: { click }, ...attributes }, path ? icon(path) : null, label);
  }

  /** @param {Reply} reply */
  #copyButtons(reply) {
    const { words, client, boxed } = this.#parts;
    const link = client.permalink(reply.permalink);
    return [
      ...(link ? [this.#copyButton("link", "copy_link", ICONS.link, () => link)] : []),
      this.#copyButton("copy", "copy", ICONS.copy, () => copyText(this.#turn.question, reply, words, client)),
      // In a box, the browser would print the page around it.
      ...(boxed ? [] : [this.#button("plain print", "print", () => print(), {}, ICONS.print)]),
    ];
  }

  /**
   * @param {string} look
   * @param {string} key of its text
   * @param {string} path of its icon
   * @param {() => string} text is copied
   */
  #copyButton(look, key, path, text) {
    let timer = 0;
    const copy = async () => {
      const said = this.#words.say((await toClipboard(text(), this.element)) ? "copied" : "not_copied");
      button.lastChild.textContent = said;
      this.#parts.announcer.say(said);
      clearTimeout(timer);
      timer = setTimeout(() => (button.lastChild.textContent = this.#words.say(key)), COPIED_MS);
    };
    const button = this.#button(`plain ${look}`, key, copy, {}, path);
    return button;
  }

  #vote() {
    if (this.#turn.vote) return [make("div", { class: "votes" }, this.#thanks())];
    const question = this.#words.say("feedback");
    const note = make("p", { class: "about vote-note", id: `vote-note-${++lastForm}`, text: this.#words.say("feedback_note") });
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
      { class: "complaint", id: `complaint-${++lastForm}`, on },
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
