// What differs between the articles, and what changed: conflicts, developments, corrections, and what is not covered.

/** @import { Client } from "./service.js" */
/** @import { Words } from "./words.js" */

import { externalLink, icon, ICONS, make, rendered } from "./dom.js";
import { aboutLine, links, tagOf } from "./quotes.js";

/** @typedef {{words: Words, client: Client, level: number}} Parts */

/**
 * Make the notes on what differs and what changed. Corrections of articles that the answer cites are beside their
 * sentences: `correctionsOf`.
 * @param {Reply} reply
 * @param {Parts} parts
 * @returns {HTMLElement[]}
 */
export function changesIn(reply, parts) {
  const cited = new Set(reply.citations.map(({ article_id: id }) => id));
  const elsewhere = reply.corrections.filter(({ article_id: id }) => !cited.has(id));
  return [
    ...reply.conflicts.map((each) => topicNote("conflict", each, reply.sources, parts)),
    ...reply.developments.map((each) => topicNote("development", each, reply.sources, parts)),
    ...elsewhere.map((correction) => make("div", { class: "note" }, correctionLine(correction, reply.sources, parts))),
    ...(reply.uncovered.length ? [uncoveredNote(reply.uncovered, parts)] : []),
  ];
}

/**
 * Return the same as text, a line for each.
 * @param {Reply} reply
 * @param {Words} words
 */
export function changesText({ conflicts, developments, corrections, uncovered }, words) {
  const said = (/** @type {Position} */ { value, source, published_at: at }) => `${value} (${[source, words.day(at)].filter(Boolean).join(", ")})`;
  const told = (/** @type {string} */ kind, /** @type {Conflict | Development} */ { topic, positions }) =>
    `${words.say(kind, { topic })}: ${positions.map(said).join("; ")}`;
  const corrected = (/** @type {Correction} */ { corrected_at: at, before, after, note }) => {
    const change = after && before ? words.say("corrected_from", { after, before }) : (after ?? note);
    return [correctedOn(at, words), change].filter(Boolean).join(": ");
  };
  return [
    ...conflicts.map((each) => told("conflict", each)),
    ...developments.map((each) => told("development", each)),
    ...corrections.map(corrected),
    ...(uncovered.length ? [`${words.say("uncovered")}: ${uncovered.join("; ")}`] : []),
  ];
}

/**
 * Make the lines on the corrections of some articles.
 * @param {string[]} articles
 * @param {Reply} reply
 * @param {Parts} parts
 */
export function correctionsOf(articles, reply, parts) {
  return reply.corrections.filter(({ article_id: id }) => articles.includes(id)).map((each) => correctionLine(each, reply.sources, parts));
}

/**
 * @param {"conflict" | "development"} kind
 * @param {Conflict | Development} topic
 * @param {Source[]} sources
 * @param {Parts} parts
 */
function topicNote(kind, { topic, positions }, sources, parts) {
  const { words, level } = parts;
  const differ = kind === "conflict";
  const items = positions.map((each, at) => {
    const newest = !differ && at === positions.length - 1;
    const tags = [...(each.is_correction ? ["correction"] : []), ...(newest ? ["newest"] : [])];
    return positionItem(each, tags.map((key) => words.say(key)).join(" · ") || null, sources, parts);
  });
  const title = make("span", {}, ...words.fill(kind, { topic: make("bdi", { lang: tagOf(sourceOf(positions[0], sources)), text: topic }) }));
  return make(
    "section",
    { class: `note ${kind}`, part: kind },
    make(`h${level + 2}`, { class: "note-title" }, icon(differ ? ICONS.differ : ICONS.changed), title),
    make(differ ? "ul" : "ol", { class: differ ? "positions" : "timeline", role: "list" }, ...items),
  );
}

/**
 * Make what one article says: date and publisher, value, quote and links.
 * @param {Position} position
 * @param {string?} tag
 * @param {Source[]} sources
 * @param {Parts} parts
 */
function positionItem(position, tag, sources, { words, client }) {
  const source = sourceOf(position, sources);
  const lang = tagOf(source);
  const about = { published_at: position.published_at ?? source?.published_at ?? null, source: position.source ?? source?.source ?? null };
  const page = client.articlePage(position.article_id, position.start_char_index, position.end_char_index);
  const quoted = position.quote && position.quote !== position.value;
  return make(
    "li",
    { class: tag ? "position tagged" : "position" },
    make("p", { class: "dateline" }, aboutLine(about, words, tag)),
    make(
      "div",
      { dir: "auto" },
      make("p", { class: "value", lang, text: position.value }),
      quoted ? make("blockquote", { class: "quote", lang }, ...rendered(position.quote)) : null,
      links(page, { url: source?.url ?? null, source: about.source }, words, position.quote),
    ),
  );
}

/**
 * Return a source of an article.
 * @param {{article_id: string} | undefined} position
 * @param {Source[]} sources
 */
function sourceOf(position, sources) {
  return sources.find((each) => each.article_id === position?.article_id);
}

/**
 * @param {string?} at
 * @param {Words} words
 */
function correctedOn(at, words) {
  return at ? words.say("corrected_on", { day: words.day(at) }) : words.say("corrected");
}

/**
 * Make a line such as “Corrected on 3 May 2026: 9.1 million, before 6.4 million”.
 * @param {Correction} correction
 * @param {Source[]} sources
 * @param {Parts} parts
 */
function correctionLine({ article_id: id, corrected_at: at, before, after, corrected_by: by, note }, sources, { words, client }) {
  const lang = tagOf(sourceOf({ article_id: id }, sources));
  const quoted = (/** @type {(string | Node)[]} */ parts) => make("bdi", { lang }, ...parts);
  const [now, was] = before && after ? withChange(after, before) : [[after ?? ""], []];
  const change = after && (before ? words.fill("corrected_from", { after: quoted(now), before: quoted(was) }) : [quoted(now)]);
  const detail = change || (note ? [quoted([note])] : []);
  const text = make("span", {}, make("strong", { text: correctedOn(at, words) }), ...(detail.length ? [": ", ...detail] : []));
  if (by) text.append(" · ", externalLink(client.articlePage(by), words.say("read_correction"), words.say("new_tab")));
  return make("p", { class: "corrected", part: "correction" }, icon(ICONS.note), text);
}

/**
 * Return two texts with the words that the other one does not have in bold, without a full stop at the end. Texts of which
 * less than half is equal stay plain.
 * @param {string} after
 * @param {string} before
 * @returns {(string | Node)[][]}
 */
function withChange(after, before) {
  const texts = [after, before].map((text) => text.replace(/[.\s]+$/u, "").split(/\s+/u));
  const [now, was] = texts;
  const alike = 2 * now.filter((word) => was.includes(word)).length >= Math.max(now.length, was.length);
  return texts.map((own, at) => {
    const isShared = (/** @type {string} */ word) => !alike || texts[1 - at].includes(word);
    return own.flatMap((word) => [" ", isShared(word) ? word : make("b", { text: word })]).slice(1);
  });
}

/**
 * @param {string[]} uncovered in the words of the question
 * @param {Parts} parts
 */
function uncoveredNote(uncovered, { words }) {
  const parts = uncovered.flatMap((text) => ["; ", make("bdi", { text })]).slice(1);
  return make("p", { class: "note uncovered", part: "uncovered" }, icon(ICONS.none), make("span", {}, make("strong", { text: words.say("uncovered") }), ": ", ...parts));
}
