// The verdict on an answer: a line above it, with a look for each kind, and notes on what limits it.

/** @import { Words } from "./words.js" */

import { icon, ICONS, make, plain } from "./dom.js";
import { differs } from "./quotes.js";

/** @type {Record<string, [string, string]>} the look and the icon of each kind of turn */
const LOOKS = {
  conflict: ["conflict", ICONS.differ],
  interrupted: ["cut", ICONS.cut],
  withheld: ["part", ICONS.part],
  stale: ["stale", ICONS.clock],
  weak: ["weak", ICONS.unsure],
  differs: ["differs", ICONS.compare],
  corrected: ["noted", ICONS.note],
  newer_report: ["noted", ICONS.clock],
  noted: ["noted", ICONS.note],
  answered: ["checked", ICONS.check],
  none: ["none", ICONS.none],
  stopped: ["stopped", ICONS.stop],
  lost: ["cut", ICONS.cut],
  overloaded: ["trouble", ICONS.clock],
  not_ready: ["trouble", ICONS.clock],
};
/** @type {[string, string]} the look and the icon of any other failure */
const TROUBLE = ["trouble", ICONS.alert];
/** The kind of each error code; others are `failed`. */
const CODES = new Map(Object.entries({
  lost: "lost",
  unreachable: "unreachable",
  not_allowed: "not_allowed",
  overloaded: "overloaded",
  origin_not_allowed: "not_allowed",
  host_not_allowed: "not_allowed",
  invalid_api_key: "not_allowed",
  insufficient_scope: "not_allowed",
  rate_limit_exceeded: "overloaded",
  shutting_down: "not_ready",
  index_unavailable: "not_ready",
  keys_unavailable: "not_ready",
  invalid_request: "refused",
  too_large: "refused",
}));
/** Codes of a language model's failures, which share one text. */
const MODEL = /^reader_.*/u;
/** Codes of warnings that the verdict can say, the weightier first. */
const SAID = ["newer_report", "corrected"];
const DAY_MS = 86_400_000;

/**
 * Return the kind of a turn that has ended: the verdict of its reply, or the kind of failure.
 * @param {Turn} turn
 * @returns {string}
 */
export function kindOf({ state, trouble, reply }) {
  if (state === "stopped") return "stopped";
  if (trouble || !reply) return CODES.get(trouble?.code ?? "") ?? "failed";
  if (reply.verdict === "none" || reply.status === "not_in_sources") return "none";
  if (reply.verdict !== "answered") return Object.hasOwn(LOOKS, reply.verdict) ? reply.verdict : "noted";
  if (reply.citations.some(differs)) return "differs";
  const codes = reply.warnings.map(({ code }) => code);
  if (codes.length || !reply.citations.length) return SAID.find((code) => codes.includes(code)) ?? "noted";
  return "answered";
}

/** @param {string} kind */
export function lookOf(kind) {
  return (LOOKS[kind] ?? TROUBLE)[0];
}

/**
 * Return the kind in words.
 * @param {string} kind
 * @param {Turn} turn
 * @param {Words} words
 */
export function verdictText(kind, turn, words) {
  const text = words.say(`verdict_${kind}`, (kind === "stale" && latestReport(turn, words)) || {});
  return kind === "interrupted" ? `${text} ${words.say(turn.citations.some(differs) ? "compare" : "seen")}` : text;
}

/**
 * @param {string} kind
 * @param {Turn} turn
 * @param {Words} words
 */
export function verdictLine(kind, turn, words) {
  const [, path] = LOOKS[kind] ?? TROUBLE;
  return make("p", { class: "verdict", part: "verdict" }, icon(path), make("span", { text: verdictText(kind, turn, words) }));
}

/**
 * Return the date of the newest report in words; null if the verdict gives it or it is unknown.
 * @param {string} kind
 * @param {Turn} turn
 * @param {Words} words
 * @returns {string?}
 */
export function latestText(kind, turn, words) {
  const latest = turn.reply && kind !== "stale" && kind !== "none" ? latestReport(turn, words) : null;
  return latest && words.say("latest", latest);
}

/**
 * Return the newest report among the cited sources in words, such as “31 March 2026, 8 months ago”, or null.
 * @param {Turn} turn
 * @param {Words} words
 * @returns {{day: string, ago: string}?}
 */
function latestReport({ citations, sources }, words) {
  const cited = new Set(citations.map(({ source_id: id }) => id));
  const dates = sources.map(({ id, published_at: at }) => (cited.has(id) ? Date.parse(at ?? "") : NaN)).filter((time) => !Number.isNaN(time));
  if (!dates.length) return null;
  const newest = Math.max(...dates);
  return { day: words.day(new Date(newest).toISOString()), ago: words.ago(Math.floor(Date.now() / DAY_MS) - Math.floor(newest / DAY_MS)) };
}

/**
 * Return the text in place of a missing answer, or below a partial one; null if it needs none.
 * @param {string} kind
 * @param {Turn} turn
 * @param {Words} words
 * @returns {string?}
 */
export function explanation(kind, turn, words) {
  if (kind === "stopped") return turn.text ? null : words.say("stopped_text");
  if (kind === "lost") return turn.text ? words.say("lost_text") : words.say("unreachable_text");
  return words.knows(`${kind}_text`) ? words.say(`${kind}_text`) : null;
}

/**
 * Make the notes below an answer: withheld sentences and warnings.
 * @param {string} kind
 * @param {Turn} turn
 * @param {{words: Words}} parts
 * @returns {HTMLElement[]}
 */
export function notesOn(kind, turn, parts) {
  const { reply } = turn;
  if (!reply) return [];
  const withheld = reply.unsupported.length ? [withheldNote(reply.unsupported, parts.words)] : [];
  return [...withheld, ...warningsNotes(kind, turn, reply.warnings, parts.words)];
}

/**
 * @param {Reply["unsupported"]} unsupported
 * @param {Words} words
 */
function withheldNote(unsupported, words) {
  const sentences = unsupported.map(({ text, reason }) =>
    make(
      "li",
      {},
      make("span", { class: "held", dir: "auto", text: plain(text) }),
      make("span", { class: "about", text: words.say(words.knows(reason) ? reason : "not_in_source") }),
    ),
  );
  return make(
    "details",
    { class: "note withheld", part: "withheld" },
    make("summary", {}, icon(ICONS.held), make("span", { text: words.say("withheld", { count: unsupported.length }) })),
    make("p", { text: words.say("left_out_text", { count: unsupported.length }) }),
    make("ul", { role: "list" }, ...sentences),
  );
}

/**
 * Make the list of warnings, without those that the verdict gives.
 * @param {string} kind
 * @param {Turn} turn
 * @param {Warning[]} warnings
 * @param {Words} words
 * @returns {HTMLElement[]}
 */
function warningsNotes(kind, turn, warnings, words) {
  const quoted = warnings.some(({ code }) => code === "answered_without_model");
  const given = (/** @type {Warning} */ { code }) => code === kind || (MODEL.test(code) && (quoted || kind === "interrupted"));
  const lines = warnings.filter((warning) => !given(warning)).map((warning) => {
    const stale = warning.code === "stale";
    return make("li", { class: stale ? "stale" : null }, icon(stale ? ICONS.clock : ICONS.note), warningText(warning, turn, words));
  });
  return lines.length ? [make("ul", { class: "note warnings", role: "list", part: "warnings", "aria-label": words.say("notes") }, ...lines)] : [];
}

/**
 * Return a warning in the page's language, or the service's English if the widget has no text for its code.
 * @param {Warning} warning
 * @param {Turn} turn
 * @param {Words} words
 */
function warningText({ code, message }, turn, words) {
  if (code === "stale") return make("span", { text: verdictText("stale", turn, words) });
  const kind = code.replace(MODEL, "interrupted").replace(/^(follow_up)_.*/u, "$1");
  const key = [`warning_${kind}`, `verdict_${kind}`].find((each) => words.knows(each));
  return key ? make("span", { text: words.say(key) }) : make("span", { dir: "auto", lang: "en", text: message });
}
