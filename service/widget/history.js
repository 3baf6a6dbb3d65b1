// The conversation in the tab's own storage: it outlives a reload and ends with the tab.

import { encodeJson } from "./json.js";
import { areCitations, areRecords, isReply } from "./shapes.js";

const VERSION = 1;
const TURNS = 30;

/** The names of the conversations of elements on the page: two without an id have one each. */
const taken = new Set();

/**
 * A name for an element's conversation that no other element on the page has; to be released when the element is gone.
 * @param {string} name the element's own
 */
export function claim(name) {
  let free = name;
  for (let number = 2; taken.has(free); number += 1) free = `${name}#${number}`;
  taken.add(free);
  return free;
}

/**
 * Keep a name on behalf of an element that is back.
 * @param {string} name as `claim` gave it
 */
export function reclaim(name) {
  taken.add(name);
}

/** @param {string} name as `claim` gave it */
export function release(name) {
  taken.delete(name);
}

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
  const written = Boolean(turn) && typeof turn.question === "string" && typeof turn.text === "string";
  return written && areCitations(turn.citations) && areRecords(turn.sources) && (turn.reply === null || isReply(turn.reply));
}
