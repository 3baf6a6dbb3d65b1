// What kind of answer it is: one line above it, with a look of its own for each kind.

import { icon, ICONS, make } from "./element.js";

const LOOKS = {
  answered: ["proven", ICONS.check],
  weak_evidence: ["weak", ICONS.unsure],
  unsupported_withheld: ["part", ICONS.part],
  interrupted: ["cut", ICONS.cut],
  not_in_sources: ["none", ICONS.none],
  stopped: ["stopped", ICONS.stop],
  lost: ["cut", ICONS.cut],
  unreachable: ["trouble", ICONS.alert],
  not_allowed: ["trouble", ICONS.alert],
  garbled: ["trouble", ICONS.alert],
  overloaded: ["trouble", ICONS.clock],
  failed: ["trouble", ICONS.alert],
};

/**
 * The kind of a turn that is over.
 * @param {import("./types.js").Turn} turn
 * @returns {string} a key of the words
 */
export function kindOf(turn) {
  if (turn.state === "stopped") return "stopped";
  if (turn.trouble) return turn.trouble.code in LOOKS ? turn.trouble.code : "failed";
  const { status, status_reason: reason } = turn.reply;
  if (status === "partial") return reason in LOOKS ? reason : "weak_evidence";
  return status === "answered" ? "answered" : "not_in_sources";
}

/** @param {string} kind */
export function lookOf(kind) {
  return LOOKS[kind][0];
}

/**
 * The line that says the kind.
 * @param {string} kind
 * @param {import("./words.js").Words} words
 */
export function verdictLine(kind, words) {
  return make("p", { class: "verdict", part: "verdict" }, icon(LOOKS[kind][1]), make("span", { text: words.say(kind) }));
}

/**
 * What stands where no answer does, or below half of one; null where nothing need be said.
 * @param {string} kind
 * @param {import("./types.js").Turn} turn
 * @param {import("./words.js").Words} words
 * @returns {string?}
 */
export function explanation(kind, turn, words) {
  if (kind === "stopped") return turn.text ? null : words.say("stopped_text");
  if (kind === "lost") return turn.text ? words.say("lost_text") : words.say("unreachable_text");
  if (kind === "failed") return turn.trouble?.message || null;
  return words.knows(`${kind}_text`) ? words.say(`${kind}_text`) : null;
}
