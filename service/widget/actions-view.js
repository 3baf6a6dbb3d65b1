// What a reader can do with an answer: copy it, say whether it helped, ask again.

import { copyText, toClipboard } from "./copy.js";
import { icon, ICONS, make } from "./element.js";

const REASONS = ["wrong_citation", "not_in_sources", "outdated", "incomplete", "other"];
/** How long a button says that it has copied. */
const COPIED_MS = 4_000;
let forms = 0;
let notes = 0;

/** Shows the actions below a turn that is over. An abstention has none: there is nothing to copy and nothing to judge. */
export class ActionsView {
  #turn;
  #words;
  #client;
  #conversation;
  #announcer;
  /** @type {HTMLElement?} */
  #form = null;
  /** @type {HTMLElement?} the button that opens it */
  #opener = null;
  /** @type {HTMLElement?} what a vote sends, said before it is given */
  #note = null;
  #sending = false;

  /**
   * @param {import("./types.js").Turn} turn
   * @param {{words: any, client: any, conversation: any, announcer: any, ask: (question: string, instead?: any) => boolean}} parts
   */
  constructor(turn, { words, client, conversation, announcer, ask }) {
    this.#turn = turn;
    this.#words = words;
    this.#client = client;
    this.#conversation = conversation;
    this.#announcer = announcer;
    const again = { class: "plain retry", type: "button", text: words.say("retry"), on: { click: () => ask(turn.question, turn) } };
    const answered = turn.reply && turn.reply.status !== "not_in_sources";
    const retry = !turn.reply || turn.reply.status_reason === "interrupted" ? [make("button", again)] : [];
    const kinds = answered ? [this.#copyButton(), ...retry, ...this.#vote()] : retry;
    this.element = make("div", { class: "actions", part: "actions" }, ...kinds);
  }

  #copyButton() {
    const say = (key) => this.#words.say(key);
    const label = make("span", { text: say("copy") });
    let timer = 0;
    const copy = async () => {
      const done = await toClipboard(copyText(this.#turn, this.#words, this.#client), this.element);
      label.textContent = say(done ? "copied" : "not_copied");
      this.#announcer.say(label.textContent);
      clearTimeout(timer);
      timer = setTimeout(() => (label.textContent = say("copy")), COPIED_MS);
    };
    return make("button", { type: "button", class: "plain copy", on: { click: copy } }, icon(ICONS.copy), label);
  }

  #vote() {
    if (this.#turn.vote) return [make("div", { class: "votes" }, this.#thanks())];
    const note = make("p", { class: "about vote-note", id: `vote-note-${++notes}`, text: this.#words.say("feedback_note") });
    const button = (key, options) =>
      make("button", { type: "button", class: "plain vote", "aria-describedby": note.id, text: this.#words.say(key), ...options });
    this.#opener = button("no", { "aria-expanded": "false", on: { click: () => this.#toggle() } });
    this.votes = make(
      "div",
      { class: "votes", role: "group", "aria-label": this.#words.say("feedback") },
      make("span", { class: "asked", text: this.#words.say("feedback") }),
      button("yes", { on: { click: () => this.#send("up", [], "") } }),
      this.#opener,
    );
    this.#note = note;
    return [this.votes, note];
  }

  #thanks() {
    const { vote_id: id } = this.#turn;
    const reference = id ? make("span", { class: "about", text: this.#words.say("reference", { id }) }) : null;
    return make("span", { class: "thanks", tabindex: "-1" }, `${this.#words.say("thanks")} `, reference);
  }

  #toggle() {
    if (this.#form) this.#closeForm();
    else this.#openForm();
  }

  #openForm() {
    const say = (key) => this.#words.say(key);
    const boxes = REASONS.map((reason) => make("input", { type: "checkbox", name: reason }));
    const comment = make("textarea", { rows: "2", maxlength: "2000" });
    const send = () => {
      const reasons = boxes.filter((box) => box.checked).map((box) => box.name);
      this.#send("down", reasons, comment.value.trim());
    };
    const choices = REASONS.map((reason, at) =>
      make("label", { class: "choice" }, boxes[at], say(reason === "not_in_sources" ? "not_in_articles" : reason)),
    );
    this.#form = make(
      "form",
      { class: "complaint", id: `complaint-${++forms}`, on: { submit: (event) => event.preventDefault(), keydown: (event) => event.key === "Escape" && this.#cancel(event) } },
      make("fieldset", {}, make("legend", { text: say("what_wrong") }), ...choices),
      make("label", { class: "comment" }, say("comment"), comment),
      make(
        "p",
        { class: "buttons" },
        make("button", { type: "button", class: "solid", text: say("send"), on: { click: send } }),
        make("button", { type: "button", class: "plain", text: say("cancel"), on: { click: (event) => this.#cancel(event) } }),
      ),
    );
    this.element.append(this.#form);
    this.#opener?.setAttribute("aria-expanded", "true");
    this.#opener?.setAttribute("aria-controls", this.#form.id);
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
    let said = "thanks";
    try {
      await this.#conversation.vote(this.#turn, vote, reasons, comment);
      this.#closeForm();
      this.votes.replaceChildren(this.#thanks());
      this.#note?.remove();
    } catch {
      said = "not_stored";
      this.votes.querySelector(".asked, .not-stored").replaceWith(make("span", { class: "not-stored", tabindex: "-1", text: this.#words.say(said) }));
    } finally {
      this.#sending = false;
    }
    this.#announcer.say(this.#words.say(said));
    this.votes.querySelector(".thanks, .not-stored").focus();
  }
}
