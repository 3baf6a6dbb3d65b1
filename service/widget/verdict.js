// How far an answer may be relied on: one line above it, with a look of its own for each verdict.

import { latestReport } from "./dates.js";
import { icon, ICONS, make } from "./element.js";
import { differs } from "./quote.js";

/** @type {Record<string, [string, string]>} the look, and the drawing of its icon */
const LOOKS = {
  conflict: ["conflict", ICONS.differ],
  interrupted: ["cut", ICONS.cut],
  withheld: ["part", ICONS.part],
  stale: ["stale", ICONS.clock],
  weak: ["weak", ICONS.unsure],
  differs: ["differs", ICONS.compare],
  noted: ["noted", ICONS.note],
  answered: ["checked", ICONS.check],
  none: ["none", ICONS.none],
  stopped: ["stopped", ICONS.stop],
};
/** @type {Record<string, [string, string]>} why there is no whole answer */
const TROUBLES = {
  lost: ["cut", ICONS.cut],
  unreachable: ["trouble", ICONS.alert],
  not_allowed: ["trouble", ICONS.alert],
  garbled: ["trouble", ICONS.alert],
  overloaded: ["trouble", ICONS.clock],
  not_ready: ["trouble", ICONS.clock],
  refused: ["trouble", ICONS.alert],
  failed: ["trouble", ICONS.alert],
};

/** The service's codes of errors that readers need one word for. */
const CODES = {
  origin_not_allowed: "not_allowed",
  host_not_allowed: "not_allowed",
  rate_limited: "overloaded",
  shutting_down: "not_ready",
  index_unavailable: "not_ready",
  invalid_request: "refused",
  too_large: "refused",
};

/**
 * The kind of a turn that is over: the verdict of its reply, or why there is none.
 * @param {import("./types.js").Turn} turn
 * @returns {string}
 */
export function kindOf({ state, trouble, reply }) {
  if (state === "stopped") return "stopped";
  if (trouble || !reply) return troubleKind(trouble?.code ?? "");
  if (reply.verdict === "none" || reply.status === "not_in_sources") return "none";
  if (reply.verdict !== "answered") return Object.hasOwn(LOOKS, reply.verdict) ? reply.verdict : "noted";
  if (reply.citations.some(differs)) return "differs";
  return reply.warnings.length || !reply.citations.length ? "noted" : "answered";
}

/** @param {string} code */
function troubleKind(code) {
  const kind = Object.hasOwn(CODES, code) ? CODES[code] : code;
  return Object.hasOwn(TROUBLES, kind) ? kind : "failed";
}

/** @param {string} kind */
export function lookOf(kind) {
  return shown(kind)[0];
}

/** @param {string} kind */
function shown(kind) {
  return LOOKS[kind] ?? TROUBLES[kind];
}

/**
 * The kind in words.
 * @param {string} kind
 * @param {import("./types.js").Turn} turn
 * @param {import("./words.js").Words} words
 */
export function verdictText(kind, turn, words) {
  const latest = kind === "stale" ? latestReport(turn, words) : null;
  return words.say(latest ? "stale_since" : `verdict_${kind}`, latest ?? {});
}

/**
 * The line that says the kind.
 * @param {string} kind
 * @param {import("./types.js").Turn} turn
 * @param {import("./words.js").Words} words
 */
export function verdictLine(kind, turn, words) {
  return make("p", { class: "verdict", part: "verdict" }, icon(shown(kind)[1]), make("span", { text: verdictText(kind, turn, words) }));
}

/**
 * The date of the newest report that the answer rests on; nothing where the verdict says it.
 * @param {string} kind
 * @param {import("./types.js").Turn} turn
 * @param {import("./words.js").Words} words
 * @returns {string?}
 */
export function latestText(kind, turn, words) {
  const latest = turn.reply && kind !== "stale" && kind !== "none" ? latestReport(turn, words) : null;
  return latest && words.say("latest", latest);
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
  return words.knows(`${kind}_text`) ? words.say(`${kind}_text`) : null;
}
