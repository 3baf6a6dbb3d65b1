// The conversation in the tab's own storage: it outlives a reload and ends with the tab.

import { encodeJson } from "./json.js";
import { areRecords, isReply } from "./shapes.js";

const VERSION = 1;
const TURNS = 30;

/** Keeps the turns of one conversation; a page without storage has a conversation without a past. */
export class History {
  #key;

  /** @param {string} key */
  constructor(key) {
    this.#key = `dateline:${key}`;
  }

  /** @returns {import("./types.js").Turn[]} */
  load() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.#key) ?? "null");
      return kept?.version === VERSION && Array.isArray(kept.turns) ? kept.turns.filter(isTurn) : [];
    } catch {
      return [];
    }
  }

  /** @param {import("./types.js").Turn[]} turns */
  save(turns) {
    try {
      if (turns.length === 0) sessionStorage.removeItem(this.#key);
      else sessionStorage.setItem(this.#key, encodeJson({ version: VERSION, turns: turns.slice(-TURNS) }));
    } catch {
      // Full or forbidden: the conversation goes on, and is gone after a reload.
    }
  }
}

/** @param {any} turn */
function isTurn(turn) {
  const told = Boolean(turn) && typeof turn.question === "string" && typeof turn.text === "string";
  return told && areRecords(turn.citations) && areRecords(turn.sources) && (turn.reply === null || isReply(turn.reply));
}
