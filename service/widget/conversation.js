// A conversation: its questions, their answers, and the stream of the one that is on its way.

import { ServiceTrouble } from "./client.js";

// How much of the earlier conversation goes with a question: the service reads eight messages of it.
const MESSAGES = 16;
const CHARACTERS = 20_000;

/** A conversation with one service. */
export class Conversation {
  /** @type {import("./client.js").Client} */
  #client;
  #history;
  /** @type {object | undefined} as `POST /v1/ask` takes them */
  #filters;
  /** @type {AbortController?} */
  #asking = null;

  /** @param {import("./history.js").History} history */
  constructor(history) {
    this.#history = history;
    /** @type {import("./types.js").Turn[]} */
    this.turns = history.load().map((turn) => (turn.state === "asking" ? { ...turn, state: "stopped" } : turn));
  }

  /**
   * Ask by this client and within these filters from now on.
   * @param {import("./client.js").Client} client
   * @param {object} [filters]
   */
  use(client, filters) {
    this.#client = client;
    this.#filters = filters;
  }

  /** Whether an answer is on its way. */
  get asking() {
    return this.#asking !== null;
  }

  /** Stop the answer that is on its way; what has come of it stays. */
  stop() {
    this.#asking?.abort();
  }

  /** Forget everything. */
  clear() {
    this.stop();
    this.#asking = null;
    this.turns = [];
    this.#history.save([]);
  }

  /** Keep the turns as they are now. */
  keep() {
    this.#history.save(this.turns);
  }

  /**
   * A new turn, at the end or in the place of one that failed.
   * @param {string} question
   * @param {import("./types.js").Turn} [instead]
   * @returns {import("./types.js").Turn}
   */
  begin(question, instead) {
    /** @type {import("./types.js").Turn} */
    const turn = { question, state: "asking", text: "", citations: [], sources: [], reply: null, trouble: null, vote: null, vote_id: null };
    const at = instead ? this.turns.indexOf(instead) : -1;
    if (at < 0) this.turns.push(turn);
    else this.turns[at] = turn;
    return turn;
  }

  /**
   * Ask a turn's question; each event is taken into the turn, then passed on.
   * @param {import("./types.js").Turn} turn
   * @param {(event: any) => void} tell
   */
  async ask(turn, tell) {
    const controller = new AbortController();
    this.#asking = controller;
    this.keep();
    try {
      const body = { question: turn.question, messages: this.#messagesBefore(turn), filters: this.#filters };
      for await (const event of this.#client.ask(body, controller.signal)) {
        if (controller.signal.aborted) break;
        take(turn, event);
        tell(event);
      }
      turn.state = turn.reply ? "done" : "stopped";
    } catch (error) {
      if (!controller.signal.aborted && !(error instanceof ServiceTrouble)) throw error;
      turn.state = controller.signal.aborted ? "stopped" : "failed";
      if (turn.state === "failed") turn.trouble = { code: error.code };
    } finally {
      if (turn.state === "asking") turn.state = "stopped";
      if (this.#asking === controller) this.#asking = null;
      if (this.turns.includes(turn)) this.keep();
    }
  }

  /**
   * Send a vote on a turn's answer: with its question and its quotes, without the conversation before it.
   * @param {import("./types.js").Turn} turn
   * @param {"up" | "down"} vote
   * @param {string[]} [reasons]
   * @param {string} [comment]
   */
  async vote(turn, vote, reasons = [], comment = "") {
    const { id, answer } = turn.reply;
    const citations = turn.reply.citations.map(citedWords);
    turn.vote_id = await this.#client.giveFeedback({ answer_id: id, question: turn.question, answer, citations, vote, reasons, comment });
    turn.vote = vote;
    this.keep();
  }

  /**
   * The earlier conversation as the service takes it, oldest first.
   * @param {import("./types.js").Turn} turn
   */
  #messagesBefore(turn) {
    const answered = this.turns.slice(0, this.turns.indexOf(turn)).filter((earlier) => earlier.reply);
    const messages = answered.flatMap(({ question, reply }) => [
      { role: "user", content: question },
      { role: "assistant", content: reply.answer },
    ]);
    let room = CHARACTERS;
    const fits = ({ content }) => (room -= content.length) >= 0;
    const from = messages.findLastIndex((message) => !fits(message)) + 1;
    return messages.slice(Math.max(from, messages.length - MESSAGES));
  }
}

/**
 * What a vote needs of a citation.
 * @param {import("./types.js").Citation} citation
 */
function citedWords({ article_id, cited_text, start_char_index, end_char_index, marker }) {
  return { article_id, cited_text, start_char_index, end_char_index, marker };
}

/**
 * Take an event into a turn. Events that are not known change nothing.
 * @param {import("./types.js").Turn} turn
 * @param {any} event
 */
function take(turn, event) {
  if (event.type === "retrieval.completed") turn.sources = event.sources ?? [];
  if (event.type === "answer.delta") turn.text += event.text ?? "";
  if (event.type === "citation.added") turn.citations.push(event.citation);
  if (event.type !== "answer.completed") return;
  const { type, ...reply } = event;
  const lists = { citations: [], unsupported: [], conflicts: [], sources: [], warnings: [] };
  turn.reply = { ...lists, ...reply, answer: String(reply.answer ?? "") };
  turn.text = turn.reply.answer;
  turn.citations = turn.reply.citations;
  turn.sources = turn.reply.sources;
}
