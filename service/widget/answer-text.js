// The text of an answer, sentence by sentence: each with its article's date and name, and with its markers as buttons
// under which the quotes open.

import { make } from "./element.js";
import { plain } from "./markdown.js";
import { aboutLine, differs } from "./quote.js";

// A marker, the end of the word before it and the stop behind it: they stay on one line.
const TIE = /(\S{0,20}\s?(?:\[\d{1,4}\])+[.,;:!?…"'”’»)。؟]*)/u;
const VERBATIM = ["exact", "normalised"];

/**
 * A sentence, and the citations that it rests on; or text between sentences, which has none.
 * @typedef {{text: string, citations: import("./types.js").Citation[]}} Sentence
 */

/** Shows an answer's text as it comes. */
export class AnswerText {
  /** @type {{key: string, about: string, group: HTMLElement, element: HTMLElement}[]} */
  #shown = [];
  #parts;

  /**
   * @param {object} parts
   * @param {(citation: import("./types.js").Citation) => import("./types.js").Source | undefined} parts.sourceOf
   * @param {any} parts.words
   * @param {(citation: import("./types.js").Citation) => string} parts.label what a screen reader calls a marker
   * @param {(citations: import("./types.js").Citation[], button: HTMLElement) => void} parts.choose a marker was chosen
   */
  constructor(parts) {
    this.#parts = parts;
    this.element = make("div", { class: "answer", part: "answer" });
  }

  /**
   * The text and the citations as they are now. Sentences that are there already stay, with whatever is open in them.
   * @param {string} text
   * @param {import("./types.js").Citation[]} citations
   */
  set(text, citations) {
    const sentences = sentencesOf(text, citations).map((each) => ({ ...each, key: keyOf(each) }));
    const same = sentences.findIndex(({ key }, at) => this.#shown[at]?.key !== key);
    const keep = same < 0 ? sentences.length : same;
    for (const { element, group } of this.#shown.splice(keep)) {
      while (element.nextSibling) element.nextSibling.remove();
      element.remove();
      if (!group.querySelector(".sentence")) group.remove();
    }
    for (const sentence of sentences.slice(keep)) this.#add(sentence);
  }

  /** @param {Sentence & {key: string}} sentence */
  #add({ text, citations, key }) {
    const about = this.#about(citations);
    const last = this.#shown[this.#shown.length - 1];
    const joins = last !== undefined && last.about === about;
    const group = joins ? last.group : this.#group(citations);
    const verbatim = citations.find(({ verification }) => VERBATIM.includes(verification?.method));
    const lang = verbatim && this.#parts.sourceOf(verbatim)?.language;
    const element = make("span", { class: "sentence", lang }, ...this.#pieces(joins ? text : text.trimStart(), citations));
    group.append(element);
    this.#shown.push({ key, about, group, element });
  }

  /**
   * What the sentences of one group have in common: the articles that they rest on.
   * @param {import("./types.js").Citation[]} citations
   */
  #about(citations) {
    return [...new Set(citations.map(({ article_id: id }) => id))].sort().join("\n");
  }

  /** @param {import("./types.js").Citation[]} citations */
  #group(citations) {
    const { sourceOf, words } = this.#parts;
    const sources = citations.map(sourceOf).filter((source) => source !== undefined);
    const lines = new Map(sources.map((source) => [source.article_id, [words.day(source.published_at), source.source]]));
    const datelines = [...lines.values()].map((line) => make("p", { class: "dateline" }, aboutLine(line)));
    const group = make("div", { class: "said", dir: "auto" }, ...datelines);
    this.element.append(group);
    return group;
  }

  /**
   * A sentence with its markers set off; marks of Markdown are left out.
   * @param {string} text
   * @param {import("./types.js").Citation[]} citations
   */
  #pieces(text, citations) {
    return plain(text)
      .split(TIE)
      .map((part, at) => {
        const pieces = part.split(/(\[\d{1,4}\])/u).map((piece) => this.#piece(piece, citations));
        return make("span", { class: at % 2 ? "tie" : null }, ...pieces);
      });
  }

  /**
   * @param {string} piece
   * @param {import("./types.js").Citation[]} citations
   */
  #piece(piece, citations) {
    const marker = /^\[(\d+)\]$/u.exec(piece);
    if (!marker) return piece;
    const mine = citations.filter((citation) => citation.marker === Number(marker[1]));
    return mine.length ? this.#button(mine) : make("span", { class: "pending", text: piece });
  }

  /** @param {import("./types.js").Citation[]} citations of one sentence and one marker */
  #button(citations) {
    const [first] = citations;
    return make("button", {
      type: "button",
      class: citations.some(differs) ? "marker differs" : "marker",
      part: "marker",
      text: String(first.marker),
      "data-citation": first.id,
      "aria-label": this.#parts.label(first),
      "aria-expanded": "false",
      on: { click: (event) => this.#parts.choose(citations, event.currentTarget) },
    });
  }
}

/** @param {Sentence} sentence */
function keyOf({ text, citations }) {
  return [text, ...citations.map(({ id, verification }) => `${id} ${verification?.status}`)].join("\n");
}

/**
 * A text in its sentences. Offsets count code points; citations that overlap others do not begin a sentence of their own.
 * @param {string} text
 * @param {import("./types.js").Citation[]} citations
 * @returns {Sentence[]}
 */
function sentencesOf(text, citations) {
  const points = [...text];
  const sentences = [];
  let at = 0;
  const add = (to, rests) => {
    const part = points.slice(at, to).join("");
    if (part.trim()) sentences.push({ text: part, citations: rests });
    at = to;
  };
  for (const citation of [...citations].sort((one, other) => one.start_index - other.start_index)) {
    const { start_index: start, end_index: end } = citation;
    const last = sentences[sentences.length - 1];
    if (start < at) last?.citations.push(citation);
    else {
      // White space before a sentence goes with it.
      if (points.slice(at, start).join("").trim()) add(start, []);
      add(end, [citation]);
    }
  }
  add(points.length, []);
  return sentences;
}
