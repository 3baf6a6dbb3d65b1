// Server-sent events, however the network cuts them.

/** Takes text as it comes and gives the events that are complete. */
export class EventParser {
  #held = "";
  #afterReturn = false;
  #name = "";
  /** @type {string[]} */
  #data = [];

  /**
   * More text of the stream. Lines may end in LF, CR or CRLF, also where the cut is between the two.
   * @param {string} text
   * @returns {{event: string, data: string}[]}
   */
  push(text) {
    if (!text) return [];
    const rest = this.#afterReturn && text[0] === "\n" ? text.slice(1) : text;
    this.#afterReturn = text.endsWith("\r");
    const lines = (this.#held + rest).split(/\r\n|\n|\r/u);
    this.#held = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line));
  }

  /** @param {string} line */
  #line(line) {
    if (line === "") return this.#dispatch();
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/su.exec(line) ?? [];
    if (field === "event") this.#name = value ?? "";
    if (field === "data") this.#data.push(value ?? "");
    return [];
  }

  #dispatch() {
    const events = this.#data.length ? [{ event: this.#name || "message", data: this.#data.join("\n") }] : [];
    this.#name = "";
    this.#data = [];
    return events;
  }
}
