// What a reader can do with an answer: copy it, say whether it is right, ask again.

import { copyText, toClipboard } from "./copy.js";
import { icon, ICONS, make } from "./element.js";

const REASONS = ["wrong_citation", "not_in_sources", "outdated", "incomplete", "other"];

/** Shows the actions below a turn that is over. */
export class ActionsView {
  #turn;
  #text;
  #words;
  #client;
  #conversation;
  #announcer;
  #form = null;
  #sending = false;

  /**
   * @param {import("./types.js").Turn} turn
   * @param {string} text the answer as it is shown
   * @param {{words: any, client: any, conversation: any, announcer: any, ask: (question: string, instead: any) => void}} parts
   */
  constructor(turn, text, { words, client, conversation, announcer, ask }) {
    this.#turn = turn;
    this.#text = text;
    this.#words = words;
    this.#client = client;
    this.#conversation = conversation;
    this.#announcer = announcer;
    const again = { class: "plain retry", type: "button", text: words.say("retry"), on: { click: () => ask(turn.question, turn) } };
    const kinds = turn.reply ? [this.#copyButton(), this.#vote()] : [make("button", again)];
    if (turn.reply?.status_reason === "interrupted") kinds.push(make("button", again));
    this.element = make("div", { class: "actions", part: "actions" }, ...kinds);
  }

  #copyButton() {
    const label = make("span", { text: this.#words.say("copy") });
    const copy = async () => {
      const text = copyText(this.#turn.reply, this.#text, this.#words, this.#client);
      const said = this.#words.say((await toClipboard(text, this.element)) ? "copied" : "not_copied");
      label.textContent = said;
      this.#announcer.say(said);
    };
    return make("button", { type: "button", class: "plain copy", on: { click: copy } }, icon(ICONS.copy), label);
  }

  #vote() {
    const button = (key, vote) =>
      make("button", {
        type: "button",
        class: "plain vote",
        text: this.#words.say(key),
        "aria-pressed": String(this.#turn.vote === vote),
        disabled: this.#turn.vote !== null,
        on: { click: () => (vote === "up" ? this.#send("up", [], "") : this.#ask()) },
      });
    this.votes = make(
      "div",
      { class: "votes", role: "group", "aria-label": this.#words.say("feedback") },
      make("span", { text: this.#words.say(this.#turn.vote ? "thanks" : "feedback") }),
      ...(this.#turn.vote ? [] : [button("yes", "up"), button("no", "down")]),
    );
    return this.votes;
  }

  #ask() {
    if (this.#form) return;
    const boxes = REASONS.map((reason) => make("input", { type: "checkbox", name: reason }));
    const comment = make("textarea", { rows: "2", maxlength: "2000" });
    const send = () => {
      const reasons = boxes.filter((box) => box.checked).map((box) => box.name);
      this.#send("down", reasons, comment.value.trim());
    };
    this.#form = make(
      "form",
      { class: "complaint", on: { submit: (event) => event.preventDefault(), keydown: (event) => event.key === "Escape" && this.#cancel(event) } },
      make(
        "fieldset",
        {},
        make("legend", { text: this.#words.say("what_wrong") }),
        ...REASONS.map((reason, at) =>
          make("label", { class: "choice" }, boxes[at], this.#words.say(reason === "not_in_sources" ? "not_in_articles" : reason)),
        ),
      ),
      make("label", { class: "comment" }, this.#words.say("comment"), comment),
      make("p", { class: "about", text: this.#words.say("feedback_note") }),
      make("button", { type: "button", class: "solid", text: this.#words.say("send"), on: { click: send } }),
      make("button", { type: "button", class: "plain", text: this.#words.say("cancel"), on: { click: (event) => this.#cancel(event) } }),
    );
    this.element.append(this.#form);
    boxes[0].focus();
  }

  /** @param {Event} event */
  #cancel(event) {
    event.preventDefault();
    event.stopPropagation();
    this.#form?.remove();
    this.#form = null;
    this.votes.querySelector("button:last-of-type")?.focus();
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
    } catch {
      said = "not_stored";
    } finally {
      this.#sending = false;
    }
    const told = make("span", { class: said === "thanks" ? "thanks" : "not-stored", tabindex: "-1", text: this.#words.say(said) });
    if (said === "thanks") this.#form?.remove();
    this.votes.replaceChildren(told, ...(said === "thanks" ? [] : [...this.votes.querySelectorAll("button")]));
    this.#announcer.say(this.#words.say(said));
    told.focus();
  }
}
