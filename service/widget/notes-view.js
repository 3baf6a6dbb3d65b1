// What goes with an answer: disagreements, sentences that were left out, and what to bear in mind.

import { icon, ICONS, make, outward } from "./element.js";
import { plain, rendered } from "./markdown.js";
import { countPoints } from "./points.js";
import { titleOf } from "./quote.js";

/** Codes of what went wrong with a language model: readers need one word for all of them. */
const MODEL = /^reader_/u;

/**
 * The notes to a reply, as far as there are any.
 * @param {import("./types.js").Reply} reply
 * @param {string} kind of the answer
 * @param {{day: string, ago: string}?} latest the date of the newest report
 * @param {{words: any, client: any, level: number}} parts
 * @returns {HTMLElement[]}
 */
export function notesOn(reply, kind, latest, parts) {
  const { words } = parts;
  const conflicts = reply.conflicts.map((conflict) => conflictNote(conflict, reply.sources, parts));
  const withheld = reply.unsupported.length ? withheldNote(reply.unsupported, words) : null;
  return [...conflicts, withheld, warningsNote(reply.warnings, kind, latest, words)].filter((note) => note !== null);
}

function conflictNote({ topic, positions }, sources, { words, client, level }) {
  const positionItem = (position) => {
    const source = sources.find((each) => each.article_id === position.article_id);
    const name = [source?.source, titleOf(source, words)].filter(Boolean).join(": ");
    return make(
      "li",
      { class: "position" },
      make("strong", { class: "value", dir: "auto", lang: source?.language, text: position.value }),
      make("blockquote", { class: "quote", dir: "auto", lang: source?.language }, ...rendered(position.quote)),
      make("p", { class: "about", text: words.day(position.published_at) }),
      make("p", { class: "links" }, outward(client.articlePage(position.article_id, ...placeOf(position, sources)), name, words.say("new_tab"))),
    );
  };
  return make(
    "section",
    { class: "note conflict", part: "conflict" },
    make(`h${level + 2}`, { class: "note-title" }, icon(ICONS.differ), make("span", { dir: "auto", text: words.say("conflict", { topic }) })),
    make("ul", { class: "positions", role: "list" }, ...positions.map(positionItem)),
  );
}

/**
 * Where the words of a position stand in its article, if one of the passages holds them: start and end.
 * @param {import("./types.js").Position} position
 * @param {import("./types.js").Source[]} sources
 * @returns {number[]}
 */
function placeOf({ article_id: id, quote }, sources) {
  const source = sources.find((each) => each.article_id === id && quote && each.snippet.includes(quote));
  if (!source) return [];
  const start = source.start_char_index + countPoints(source.snippet.slice(0, source.snippet.indexOf(quote)));
  return [start, start + countPoints(quote)];
}

function withheldNote(unsupported, words) {
  const held = unsupported.map(({ text, reason }) =>
    make(
      "li",
      {},
      make("span", { class: "held", dir: "auto", text: plain(text) }),
      make("span", { class: "about", text: words.knows(reason) ? words.say(reason) : words.say("not_in_source") }),
    ),
  );
  return make(
    "details",
    { class: "note withheld", part: "withheld" },
    make("summary", {}, icon(ICONS.held), make("span", { text: words.say("withheld", { count: unsupported.length }) })),
    make("p", { text: words.say("left_out_text") }),
    make("ul", { role: "list" }, ...held),
  );
}

function warningsNote(warnings, kind, latest, words) {
  const quoted = warnings.some(({ code }) => code === "answered_without_model");
  // The verdict above the answer says some of them already.
  const said = ({ code }) => code === kind || (MODEL.test(code) && (quoted || kind === "interrupted"));
  const lines = warnings.filter((warning) => !said(warning)).map((warning) => warningLine(warning, latest, words));
  return lines.length ? make("ul", { class: "note warnings", role: "list", part: "warnings", "aria-label": words.say("notes") }, ...lines) : null;
}

function warningLine({ code, message }, latest, words) {
  const stale = code === "stale";
  return make("li", { class: stale ? "stale" : null }, icon(stale ? ICONS.clock : ICONS.note), warningText(code, message, latest, words));
}

/** A warning in the reader's language; the service's own English where we have no words for its code. */
function warningText(code, message, latest, words) {
  if (code === "stale") return make("span", { text: words.say(latest ? "stale_since" : "verdict_stale", latest ?? {}) });
  const key = MODEL.test(code) ? "warning_interrupted" : `warning_${code}`;
  return words.knows(key) ? make("span", { text: words.say(key) }) : make("span", { dir: "auto", lang: "en", text: message });
}
