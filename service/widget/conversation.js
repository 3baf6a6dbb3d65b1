// The conversation with a service: its turns, and their history in the tab.

/** @import { Client } from "./service.js" */

import { areCitations, areRecords, completed, isRecord, ServiceError } from "./service.js";

const VERSION = 1;
const TURNS = 30;

/** @param {any} turn */
function isTurn(turn) {
  const hasTexts = isRecord(turn) && typeof turn.question === "string" && typeof turn.text === "string";
  return hasTexts && areCitations(turn.citations) && areRecords(turn.sources) && (turn.reply === null || completed(turn.reply));
}

/** The turns of one conversation in the tab's storage, until the tab closes; without storage, nothing is kept. */
export class History {
  #key;

  /** @param {string} name */
  constructor(name) {
    this.#key = `dateline:${name}`;
  }

  /** @returns {Turn[]} */
  load() {
    try {
      const stored = JSON.parse(sessionStorage.getItem(this.#key) ?? "null");
      return stored?.version === VERSION && Array.isArray(stored.turns) ? stored.turns.filter(isTurn) : [];
    } catch {
      return [];
    }
  }

  /** @param {Turn[]} turns */
  save(turns) {
    try {
      if (turns.length === 0) sessionStorage.removeItem(this.#key);
      else sessionStorage.setItem(this.#key, JSON.stringify({ version: VERSION, turns: turns.slice(-TURNS) }));
    } catch {
      // The storage is full or forbidden: the conversation is lost on a reload.
    }
  }
}

// The service uses the last eight messages of the conversation.
const MESSAGES = 16;
const CHARACTERS = 20_000;

/** A conversation with one service: its turns, and the stream of the current answer. */
export class Conversation {
  /** @type {Client | undefined} */
  #client;
  #history;
  /** @type {object | undefined} as `POST /v1/ask` takes them */
  #filters;
  /** @type {AbortController?} */
  #running = null;

  /** @param {History} history */
  constructor(history) {
    this.#history = history;
    /** @type {Turn[]} */
    this.turns = history.load().map((turn) => (turn.state === "asking" ? { ...turn, state: "stopped" } : turn));
  }

  /**
   * Set the client and the filters of the next questions.
   * @param {Client} client
   * @param {object} [filters]
   */
  use(client, filters) {
    this.#client = client;
    this.#filters = filters;
  }

  /** Return whether an answer is arriving. */
  get asking() {
    return this.#running !== null;
  }

  /** Stop the answer, and keep what has arrived. */
  stop() {
    this.#running?.abort();
  }

  /** Forget everything. */
  clear() {
    this.stop();
    this.#running = null;
    this.turns = [];
    this.#save();
  }

  /**
   * Add a turn at the end, or in place of another.
   * @param {string} question
   * @param {Turn} [replaced]
   * @returns {Turn}
   */
  begin(question, replaced) {
    /** @type {Turn} */
    const turn = { question, state: "asking", text: "", citations: [], sources: [], reply: null, trouble: null, vote: null, vote_id: null };
    const at = replaced ? this.turns.indexOf(replaced) : -1;
    if (at < 0) this.turns.push(turn);
    else this.turns[at] = turn;
    return turn;
  }

  /**
   * Ask a turn's question. Each event updates the turn and goes to `onEvent`.
   * @param {Turn} turn
   * @param {(event: any) => void} onEvent
   */
  async ask(turn, onEvent) {
    const controller = new AbortController();
    this.#running = controller;
    this.#save();
    try {
      // Only a page that can show it asks how an answer was made.
      const include = customElements.get("dateline-explanation") && ["trace"];
      const body = { question: turn.question, messages: this.#messagesBefore(turn), filters: this.#filters, include };
      for await (const event of /** @type {Client} */ (this.#client).ask(body, controller.signal)) {
        if (controller.signal.aborted) break;
        update(turn, event);
        onEvent(event);
      }
      turn.state = turn.reply ? "done" : "stopped";
    } catch (error) {
      turn.state = "stopped";
      if (controller.signal.aborted) return;
      if (!(error instanceof ServiceError)) throw error;
      turn.state = "failed";
      turn.trouble = { code: error.code };
    } finally {
      if (this.#running === controller) this.#running = null;
      if (this.turns.includes(turn)) this.#save();
    }
  }

  /**
   * Send a vote on a turn's answer: with its question and its quotes, without the conversation before it.
   * @param {Turn} turn
   * @param {"up" | "down"} vote
   * @param {string[]} reasons
   * @param {string} comment
   */
  async vote(turn, vote, reasons, comment) {
    const { question, reply } = turn;
    if (!reply || !this.#client) return;
    const { id, answer, citations } = reply;
    turn.vote_id = await this.#client.giveFeedback({ answer_id: id, question, answer, citations, vote, reasons, comment });
    turn.vote = vote;
    this.#save();
  }

  #save() {
    this.#history.save(this.turns);
  }

  /**
   * Return the earlier conversation as the service takes it, oldest first.
   * @param {Turn} turn
   */
  #messagesBefore(turn) {
    const messages = this.turns.slice(0, this.turns.indexOf(turn)).flatMap(({ question, reply }) =>
      reply ? [{ role: "user", content: question }, { role: "assistant", content: reply.answer }] : [],
    );
    let room = CHARACTERS;
    const from = messages.findLastIndex(({ content }) => (room -= content.length) < 0) + 1;
    return messages.slice(Math.max(from, messages.length - MESSAGES));
  }
}

/**
 * Update a turn by an event; unknown types are ignored.
 * @param {Turn} turn
 * @param {any} event
 */
function update(turn, event) {
  if (event.type === "retrieval.completed") turn.sources = event.sources ?? [];
  if (event.type === "answer.delta") turn.text += event.text ?? "";
  if (event.type === "citation.added") turn.citations.push(event.citation);
  if (event.type !== "answer.completed") return;
  const { type, ...reply } = event;
  turn.reply = reply;
  turn.text = reply.answer;
  turn.citations = reply.citations;
  turn.sources = reply.sources;
}
