// The text of an answer while it arrives: sentences with markers, on a rail of the dates and publishers of their articles.

/** @import { Words } from "./words.js" */

import { make, plain } from "./dom.js";
import { aboutLine, differs, quotesToCompare, tagOf, whenNote } from "./quotes.js";

// A marker, the end of the word before it and the punctuation after it: they stay on one line.
const TIE = /(\S{0,20}\s?(?:\[\d{1,4}\])+[.,;:!?…"'”’»)。؟]*)/u;
const VERBATIM = ["exact", "normalised"];
/** Stands for a note in a text; of a private area, without a meaning in texts. */
const NOTE = "\uE000";

/**
 * A sentence and its citations; text between sentences has none.
 * @typedef {{text: string, citations: Citation[]}} Sentence
 */

/**
 * A marker as a button, and the citations that it opens.
 * @typedef {{button: HTMLElement, citations: Citation[]}} Marker
 */

/**
 * Consecutive sentences of the same articles: an entry on the rail, under their dates.
 * @typedef {{element: HTMLElement, said: HTMLElement, datelines: Map<Source, HTMLElement>}} Entry
 */

/**
 * The text of an answer while it arrives: each sentence under its article's date and publisher, each marker a button
 * that opens its quotes.
 */
export class AnswerText {
  /** @type {{key: string, articles: string, entry: Entry, element: HTMLElement, markers: Marker[]}[]} */
  #shown = [];
  #parts;

  /**
   * @param {object} parts
   * @param {Words} parts.words
   * @param {(citation: Citation) => Source | undefined} parts.sourceOf
   * @param {(citation: Citation) => string} parts.label names a marker for screen readers
   * @param {(marker: Marker) => void} parts.choose handles a click on a marker
   */
  constructor(parts) {
    this.#parts = parts;
    this.element = make("div", { class: "answer", part: "answer" });
  }

  /** Return the markers in the order of the text. */
  get markers() {
    return this.#shown.flatMap(({ markers }) => markers);
  }

  /**
   * Set text and citations. Sentences that have not changed stay, with the quotes that are open in them.
   * @param {string} text
   * @param {Citation[]} citations
   */
  set(text, citations) {
    const sentences = sentencesOf(text, citations).map((each) => ({ ...each, key: keyOf(each) }));
    const changed = sentences.findIndex(({ key }, at) => this.#shown[at]?.key !== key);
    const keep = changed < 0 ? sentences.length : changed;
    for (const { element, entry } of this.#shown.splice(keep)) {
      while (element.nextSibling) element.nextSibling.remove();
      element.remove();
      if (!entry.said.querySelector(".sentence")) entry.element.remove();
    }
    for (const sentence of sentences.slice(keep)) this.#add(sentence);
  }

  /** @param {Sentence & {key: string}} sentence */
  #add({ text, citations, key }) {
    const articles = [...new Set(citations.map(({ article_id: id }) => id))].sort().join("\n");
    const last = this.#shown[this.#shown.length - 1];
    const joins = last !== undefined && last.articles === articles;
    const entry = joins ? last.entry : this.#addEntry(citations);
    const verbatim = citations.find(({ verification }) => VERBATIM.includes(verification?.method));
    const lang = verbatim && tagOf(this.#parts.sourceOf(verbatim));
    /** @type {Marker[]} */
    const markers = [];
    const element = make("span", { class: "sentence", lang }, ...this.#pieces(joins ? text : text.trimStart(), citations, markers));
    const quotes = quotesToCompare(citations, this.#parts.sourceOf, this.#parts.words);
    entry.said.append(element, ...(quotes ? [quotes] : []));
    this.#shown.push({ key, articles, entry, element, markers });
  }

  /**
   * @param {Citation[]} citations
   * @returns {Entry}
   */
  #addEntry(citations) {
    const sources = citations.map(this.#parts.sourceOf).filter((source) => source !== undefined);
    const byArticle = new Map(sources.map((source) => [source.article_id, source]));
    const datelines = new Map([...byArticle.values()].map((source) => [source, make("p", { class: "dateline" }, aboutLine(source, this.#parts.words))]));
    // The rail is at the side of the page's direction; the sentences have the direction of their own script.
    const said = make("div", { class: "said", dir: "auto" });
    const element = make("div", { class: datelines.size ? "entry" : "entry bare" }, ...datelines.values(), said);
    this.element.append(element);
    return { element, said, datelines };
  }

  /**
   * Complete the rail: mark the newest of several dates, and add lines under the sentences of some articles.
   * @param {(articles: string[]) => HTMLElement[]} linesFor
   */
  finish(linesFor) {
    const entries = [...new Set(this.#shown.map(({ entry }) => entry))];
    const timeOf = (/** @type {Source} */ { published_at: at }) => Date.parse(at ?? "");
    const times = entries.flatMap(({ datelines }) => [...datelines.keys()].map(timeOf)).filter((time) => !Number.isNaN(time));
    const newest = Math.max(...times);
    const several = new Set(times).size > 1;
    /** @type {Set<string>} */
    const done = new Set();
    // A correction is shown once, under the last sentences of its article.
    for (const { element, datelines } of entries.reverse()) {
      for (const [source, line] of datelines) {
        if (several && timeOf(source) === newest) line.replaceChildren(aboutLine(source, this.#parts.words, this.#parts.words.say("newest")));
      }
      const articles = [...datelines.keys()].map(({ article_id: id }) => id).filter((id) => !done.has(id));
      for (const id of articles) done.add(id);
      element.append(...linesFor(articles));
    }
  }

  /**
   * Make the nodes of a sentence, without its Markdown, with its markers as buttons and its date words explained.
   * @param {string} text
   * @param {Citation[]} citations
   * @param {Marker[]} markers takes the markers
   */
  #pieces(text, citations, markers) {
    const { text: noted, notes } = this.#withNotes(plain(text), citations);
    return noted.split(TIE).map((part, at) => {
      const pieces = part.split(/(\[\d{1,4}\]|\uE000)/u).map((piece) => (piece === NOTE ? (notes.shift() ?? piece) : this.#piece(piece, citations, markers)));
      return make("span", { class: at % 2 ? "tie" : null }, ...pieces);
    });
  }

  /**
   * Put a sign behind the date words of a sentence, and return it with their notes in order. Only words that a verbatim
   * sentence has once are explained: those of other sentences may mean another day.
   * @param {string} text
   * @param {Citation[]} citations
   * @returns {{text: string, notes: HTMLElement[]}}
   */
  #withNotes(text, citations) {
    /** @type {Map<number, HTMLElement>} by place */
    const found = new Map();
    for (const citation of citations.filter(({ verification }) => VERBATIM.includes(verification?.method))) {
      for (const date of citation.dates ?? []) {
        const [before, ...after] = text.split(date.text);
        if (after.length === 1) found.set(before.length + date.text.length, whenNote(date, this.#parts.sourceOf(citation), this.#parts.words));
      }
    }
    if (!found.size || text.includes(NOTE)) return { text, notes: [] };
    const places = [...found.keys()].sort((one, other) => one - other);
    const parts = [0, ...places].map((place, at) => text.slice(place, places[at]));
    return { text: parts.join(NOTE), notes: places.map((place) => /** @type {HTMLElement} */ (found.get(place))) };
  }

  /**
   * @param {string} piece
   * @param {Citation[]} citations
   * @param {Marker[]} markers
   */
  #piece(piece, citations, markers) {
    const marker = /^\[(\d+)\]$/u.exec(piece);
    if (!marker) return piece;
    const matching = citations.filter((citation) => citation.marker === Number(marker[1]));
    if (!matching.length) return make("span", { class: "pending", text: piece });
    markers.push({ button: this.#button(matching), citations: matching });
    return markers[markers.length - 1].button;
  }

  /**
   * @param {Citation[]} citations of one sentence and one marker
   * @returns {HTMLElement}
   */
  #button(citations) {
    const [first] = citations;
    const button = make("button", {
      type: "button",
      class: citations.some(differs) ? "marker differs" : "marker",
      part: "marker",
      text: String(first.marker),
      "data-citation": first.id,
      "aria-label": this.#parts.label(first),
      "aria-expanded": "false",
      on: { click: () => this.#parts.choose({ button, citations }) },
    });
    return button;
  }
}

/** @param {Sentence} sentence */
function keyOf({ text, citations }) {
  return [text, ...citations.map(({ id, verification, dates = [] }) => `${id} ${verification?.status} ${dates.map(({ date }) => date)}`)].join("\n");
}

/**
 * Split a text into its sentences. A citation that overlaps the one before it belongs to the same sentence.
 * @param {string} text
 * @param {Citation[]} citations
 * @returns {Sentence[]}
 */
function sentencesOf(text, citations) {
  const points = [...text];
  /** @type {Sentence[]} */
  const sentences = [];
  let at = 0;
  const addUntil = (/** @type {number} */ end, /** @type {Citation[]} */ cited) => {
    const part = points.slice(at, end).join("");
    if (part.trim()) sentences.push({ text: part, citations: cited });
    at = end;
  };
  for (const citation of [...citations].sort((one, other) => one.start_index - other.start_index)) {
    const { start_index: start, end_index: end } = citation;
    if (start < at) sentences[sentences.length - 1]?.citations.push(citation);
    else {
      // White space before a sentence goes with it.
      if (points.slice(at, start).join("").trim()) addUntil(start, []);
      addUntil(end, [citation]);
    }
  }
  addUntil(points.length, []);
  return sentences;
}
