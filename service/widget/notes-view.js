// What goes with an answer: disagreements, sentences that were withheld, and what to bear in mind.

import { icon, ICONS, make, outward } from "./element.js";

/**
 * The notes to a reply, as far as there are any.
 * @param {import("./types.js").Reply} reply
 * @param {{words: any, client: any, level: number}} parts
 * @returns {HTMLElement[]}
 */
export function notesOn(reply, parts) {
  const { words } = parts;
  const conflicts = reply.conflicts.map((conflict) => conflictNote(conflict, reply.sources, parts));
  const notes = [reply.unsupported.length ? withheldNote(reply.unsupported, words) : null, warningsNote(reply.warnings, words)];
  return [...conflicts, ...notes.filter((note) => note !== null)];
}

function conflictNote({ topic, positions }, sources, { words, client, level }) {
  const said = positions.map((position) => {
    const source = sources.find((each) => each.article_id === position.article_id);
    const name = [source?.source, source?.title ?? words.say("untitled")].filter(Boolean).join(": ");
    return make(
      "li",
      { class: "position" },
      make("strong", { class: "value", dir: "auto", text: position.value }),
      make("blockquote", { class: "quote", dir: "auto", text: position.quote }),
      make("p", { class: "links" }, outward(client.articlePage(position.article_id), name, words.say("new_tab"))),
      make("p", { class: "about", text: words.day(position.published_at) }),
    );
  });
  return make(
    "section",
    { class: "note conflict", part: "conflict" },
    make(`h${level + 2}`, { class: "note-title" }, icon(ICONS.differ), make("span", { dir: "auto", text: words.say("conflict", { topic }) })),
    make("ul", { class: "positions" }, ...said),
  );
}

function withheldNote(unsupported, words) {
  const held = unsupported.map(({ text, reason }) =>
    make(
      "li",
      {},
      make("span", { class: "held", dir: "auto", text }),
      make("span", { class: "about", text: words.knows(reason) ? words.say(reason) : String(reason).replace(/_/gu, " ") }),
    ),
  );
  return make(
    "details",
    { class: "note withheld", part: "withheld" },
    make("summary", {}, icon(ICONS.held), make("span", { text: words.say("withheld", { count: unsupported.length }) })),
    make("p", { text: words.say("withheld_text") }),
    make("ul", {}, ...held),
  );
}

function warningsNote(warnings, words) {
  if (!warnings.length) return null;
  const lines = warnings.map(({ code, message }) =>
    make(
      "li",
      { class: /stale|newer|updated|corrected/u.test(code) ? "stale" : null },
      icon(/stale|newer|updated|corrected/u.test(code) ? ICONS.clock : ICONS.unsure),
      make("span", { dir: "auto", text: words.knows(`warning_${code}`) ? words.say(`warning_${code}`) : message }),
    ),
  );
  return make("ul", { class: "note warnings", part: "warnings", "aria-label": words.say("notes") }, ...lines);
}
