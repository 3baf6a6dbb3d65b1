// What differs between the articles, and what changed: conflicts, developments, corrections, and what is not covered.

/** @import { Client } from "./service.js" */
/** @import { Words } from "./words.js" */

import { countPoints, externalLink, icon, ICONS, make, rendered } from "./dom.js";
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
    ...reply.conflicts.map((conflict) => conflictNote(conflict, reply.sources, parts)),
    ...reply.developments.map((development) => developmentNote(development, reply.sources, parts)),
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
    const lead = at ? words.say("corrected_on", { day: words.day(at) }) : words.say("corrected");
    const change = after && before ? words.say("corrected_from", { after, before }) : (after ?? note);
    return change ? `${lead}: ${change}` : lead;
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
 * @param {Conflict} conflict
 * @param {Source[]} sources
 * @param {Parts} parts
 */
function conflictNote({ topic, positions }, sources, parts) {
  const tags = positions.map((position) => (position.is_correction ? parts.words.say("correction") : null));
  const list = make("ul", { class: "positions", role: "list" }, ...positions.map((each, at) => positionItem(each, tags[at], sources, parts)));
  return section("conflict", ICONS.differ, topic, tagOf(sourceOf(positions[0], sources)), list, parts);
}

/**
 * @param {Development} development
 * @param {Source[]} sources
 * @param {Parts} parts
 */
function developmentNote({ topic, positions }, sources, parts) {
  const items = positions.map((each, at) => positionItem(each, at === positions.length - 1 ? parts.words.say("newest") : null, sources, parts));
  const list = make("ol", { class: "timeline", role: "list" }, ...items);
  return section("development", ICONS.changed, topic, tagOf(sourceOf(positions[0], sources)), list, parts);
}

/**
 * @param {string} kind
 * @param {string} path of the icon
 * @param {string} topic
 * @param {string?} lang of the topic
 * @param {HTMLElement} list
 * @param {Parts} parts
 */
function section(kind, path, topic, lang, list, { words, level }) {
  const title = make("span", {}, ...words.fill(kind, { topic: make("bdi", { lang, text: topic }) }));
  return make("section", { class: `note ${kind}`, part: kind }, make(`h${level + 2}`, { class: "note-title" }, icon(path), title), list);
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
  const page = client.articlePage(position.article_id, ...placeOf(position, source));
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
 * Return the source of a position: the passage with its quote, else another one of its article.
 * @param {Position | undefined} position
 * @param {Source[]} sources
 */
function sourceOf(position, sources) {
  const own = sources.filter((each) => each.article_id === position?.article_id);
  return own.find(({ snippet }) => position?.quote && snippet.includes(position.quote)) ?? own[0];
}

/**
 * Return the start and the end of a position's quote in its article, if the reply or its passage gives it.
 * @param {Position} position
 * @param {Source | undefined} source
 * @returns {[number, number] | []}
 */
function placeOf({ quote, start_char_index: first, end_char_index: last }, source) {
  if (first < last) return [first, last];
  const at = quote && source ? source.snippet.indexOf(quote) : -1;
  if (!source || at < 0) return [];
  const start = source.start_char_index + countPoints(source.snippet.slice(0, at));
  return [start, start + countPoints(quote)];
}

/**
 * Make a line such as “Corrected on 3 May 2026: 9.1 million, before 6.4 million”.
 * @param {Correction} correction
 * @param {Source[]} sources
 * @param {Parts} parts
 */
function correctionLine({ article_id: id, corrected_at: at, before, after, corrected_by: by, note }, sources, { words, client }) {
  const lang = tagOf(sources.find((each) => each.article_id === id));
  const quoted = (/** @type {(string | Node)[]} */ parts) => make("bdi", { lang }, ...parts);
  const lead = at ? words.say("corrected_on", { day: words.day(at) }) : words.say("corrected");
  const [now, was] = before && after ? withChange(after, before) : [[after ?? ""], []];
  const change = after && (before ? words.fill("corrected_from", { after: quoted(now), before: quoted(was) }) : [quoted(now)]);
  const detail = change || (note ? [quoted([note])] : []);
  const text = make("span", {}, make("strong", { text: lead }), ...(detail.length ? [": ", ...detail] : []));
  if (by) text.append(" · ", externalLink(client.articlePage(by), words.say("read_correction"), words.say("new_tab")));
  return make("p", { class: "corrected", part: "correction" }, icon(ICONS.note), text);
}

/**
 * Return two texts with the words in which they differ in bold, without a full stop at the end. Texts of which less than
 * half is equal stay plain.
 * @param {string} after
 * @param {string} before
 * @returns {(string | Node)[][]}
 */
function withChange(after, before) {
  const texts = [after, before].map((text) => String(text).replace(/[.\s]+$/u, "").split(/\s+/u));
  const [now, was] = texts;
  const most = Math.min(now.length, was.length) - 1;
  let first = 0;
  let last = 0;
  while (first < most && now[first] === was[first]) first += 1;
  while (first + last < most && now[now.length - 1 - last] === was[was.length - 1 - last]) last += 1;
  if (2 * (first + last) < Math.max(now.length, was.length)) return texts.map((words) => [words.join(" ")]);
  return texts.map((words) => {
    const parts = [words.slice(0, first), words.slice(first, words.length - last), words.slice(words.length - last)].map((part) => part.join(" "));
    return [parts[0], make("b", { text: parts[1] }), parts[2]].filter((part) => part !== "").flatMap((part) => [" ", part]).slice(1);
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
