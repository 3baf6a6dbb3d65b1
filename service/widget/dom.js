// Elements, text and announcements. Text becomes text nodes only, so that no article or answer can add markup.

/**
 * Make an element. `options` holds `text`, `class`, `on` (listeners by event) and attributes: null, undefined and false
 * leave an attribute out, true sets it empty.
 * @param {string} name
 * @param {Record<string, any>} [options]
 * @param {(Node | string | null | undefined)[]} children
 * @returns {any}
 */
export function make(name, options = {}, ...children) {
  const element = document.createElement(name);
  // Without a prototype: some pages add properties to every object.
  const { text, on = {}, ...attributes } = /** @type {Record<string, any>} */ ({ __proto__: null, ...options });
  if (text !== undefined) element.textContent = text;
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(attribute, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(attribute, String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

/**
 * Draw one path in a square of 24, hidden from screen readers.
 * @param {string} path
 */
export function icon(path) {
  const namespace = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(namespace, "svg");
  const line = document.createElementNS(namespace, "path");
  for (const [name, value] of [["viewBox", "0 0 24 24"], ["aria-hidden", "true"], ["class", "icon"]]) {
    drawing.setAttribute(name, value);
  }
  line.setAttribute("d", path);
  drawing.append(line);
  return drawing;
}

export const ICONS = {
  ask: "M4 5h16v11H10l-5 4v-4H4zM8 9h8M8 12h5",
  close: "M6 6l12 12M18 6L6 18",
  renew: "M5 12a7 7 0 1 0 2-5M5 4v4h4",
  check: "M5 13l4 4 10-11",
  part: "M12 4a8 8 0 1 0 0 16zM12 4v16M16 6v12M19 9v6",
  unsure: "M9 9a3 3 0 1 1 4 3c-1 .6-1 1-1 2M12 18v.5",
  none: "M5 12h14",
  cut: "M4 12h6l2-5 2 10 1-5h1M19 12h1",
  alert: "M12 4l9 16H3zM12 10v5M12 17.500v.5",
  stop: "M7 7h10v10H7z",
  compare: "M4 9h16M4 15h16M15 5L9 19",
  note: "M12 4a8 8 0 1 0 .01 0M12 11v5M12 8v.5",
  clock: "M12 4a8 8 0 1 0 .01 0M12 8v4l3 2",
  differ: "M4 8h14l-3-3M20 16H6l3 3",
  held: "M4 4l16 16M9 6h10M5 12h5M14 12h5M5 18h10",
  copy: "M8 8h11v12H8zM5 16V4h11",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  print: "M7 9V4h10v5M7 17H4v-8h16v8h-3M7 14h10v6H7z",
  changed: "M4 18l5-6 4 3 7-9M15 6h5v5",
  open: "M14 5h5v5M19 5l-8 8M11 6H5v13h13v-6",
};

/**
 * Return a web address, or null for any other, such as a script.
 * @param {unknown} address
 */
export function webAddress(address) {
  const text = String(address);
  return /^https?:/iu.test(text) && URL.canParse(text) ? new URL(text).href : null;
}

/**
 * Make a link that opens a new tab and sends no referrer.
 * @param {string} href
 * @param {string} text
 * @param {string} hint for screen readers, after the text
 * @param {string} [address] as it is printed
 */
export function externalLink(href, text, hint, address = href) {
  return make(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer nofollow", class: "outward", "data-address": address },
    // In the direction of its own script, also in a quote of another one.
    make("bdi", { text }),
    icon(ICONS.open),
    make("span", { class: "unseen", text: ` ${hint}` }),
  );
}

/**
 * Count code points, as the service does. JavaScript's own indices count UTF-16 units, and an emoji takes two.
 * @param {string} text
 */
export function countPoints(text) {
  return [...text].length;
}

/**
 * Return the part of a text between two code points, half-open.
 * @param {string} text
 * @param {number} start
 * @param {number} [end]
 */
export function slicePoints(text, start, end) {
  return [...text].slice(start, end).join("");
}

// The Markdown in article texts: a heading's or quotation's sign, a link or picture, a reference mark, and emphasis.
// Signs of emphasis are at the edges of words: `2 * 3 * 4` and `snake_case_name` do not change. Lengths are bounded, so
// that matching takes linear time.
const MARKS = new RegExp(
  [
    String.raw`^(?<head>#{1,6}[ \t]+)(?<heading>[^\n]*)`,
    String.raw`^(?<cut>>[ \t]?)`,
    String.raw`!?\[(?<link>[^\[\]\n]{0,300})\]\([^()\s]{0,2000}(?:[ \t]+"[^"\n]{0,200}")?\)`,
    String.raw`(?<note>\[\d{1,4}\])`,
    "`(?<code>[^`\\n]{1,300})`",
    String.raw`(?<![\p{L}\p{N}*_\\])(?<strong>\*\*|__)(?=\S)(?<bold>[^\n]{0,400}?\S)\k<strong>(?![\p{L}\p{N}*_])`,
    String.raw`(?<![\p{L}\p{N}*_\\])(?<em>[*_])(?=[^\s*_])(?<slanted>[^\n*]{0,400}?[^\s*_]|[^\s*_])\k<em>(?![\p{L}\p{N}*_])`,
  ].join("|"),
  "gmu",
);
/** @type {Record<string, string>} the element of each group of MARKS that is shown as one */
const ELEMENTS = { heading: "strong", bold: "strong", slanted: "em", code: "code", note: "sup" };

/**
 * A part of a text with one look; offsets count UTF-16 units.
 * @typedef {{from: number, to: number, names: string[]}} Run
 */

/**
 * Render Markdown as nodes; one `<mark>` covers the part from `start` to `end`, and what is between `first` and `last` is
 * bold. Offsets count UTF-16 units, half-open. A note is inserted at its offset; it divides the mark, which has only words
 * of the text.
 * @param {string} text
 * @param {number} [start]
 * @param {number} [end]
 * @param {number} [first]
 * @param {number} [last]
 * @param {{at: number, node: Node}[]} [notes]
 * @returns {Node[]}
 */
export function rendered(text, start = 0, end = start, first = 0, last = first, notes = []) {
  /** @type {Node[]} */
  const nodes = [];
  let mark = null;
  const pending = [...notes].sort((one, other) => one.at - other.at);
  const edges = [start, end, first, last, ...pending.map(({ at }) => at)].sort((one, other) => one - other);
  for (const { from, to, names } of runs(text, 0, text.length, [])) {
    const cuts = [from, ...edges.filter((cut) => from < cut && cut < to), to];
    for (const [at, right] of cuts.slice(1).entries()) {
      const left = cuts[at];
      if (left >= right) continue;
      const bold = first <= left && right <= last ? ["b"] : [];
      const node = [...bold, ...names].reduceRight((held, name) => make(name, {}, held), document.createTextNode(text.slice(left, right)));
      if (left < start || right > end) nodes.push(node);
      else if (mark && nodes[nodes.length - 1] === mark) mark.append(node);
      else nodes.push((mark = make("mark", {}, node)));
      while (pending.length && pending[0].at <= right) nodes.push(/** @type {{node: Node}} */ (pending.shift()).node);
    }
  }
  return nodes;
}

/**
 * Return a text without its Markdown, as it is read aloud or copied.
 * @param {string} text
 */
export function plain(text) {
  return runs(text, 0, text.length, []).map(({ from, to }) => text.slice(from, to)).join("");
}

/**
 * @param {string} text
 * @param {number} from
 * @param {number} to
 * @param {string[]} names of the elements around this part
 * @returns {Run[]} without the signs between them
 */
function runs(text, from, to, names) {
  /** @type {Run[]} */
  const found = [];
  let at = from;
  const addPlain = (/** @type {number} */ end) => at < end && found.push({ from: at, to: end, names });
  for (const match of text.slice(from, to).matchAll(MARKS)) {
    const groups = match.groups ?? {};
    const began = from + match.index;
    addPlain(began);
    at = began + match[0].length;
    const name = Object.keys(ELEMENTS).find((each) => groups[each] !== undefined);
    const inside = name ? groups[name] : groups.link;
    if (inside === undefined) continue;
    const start = began + match[0].indexOf(inside, groups.head?.length ?? groups.strong?.length ?? (name === "note" ? 0 : 1));
    const inner = name ? [...names, ELEMENTS[name]] : names;
    if (name === "code" || name === "note") found.push({ from: start, to: start + inside.length, names: inner });
    else found.push(...runs(text, start, start + inside.length, inner));
  }
  addPlain(to);
  return found;
}

const SENTENCES = /^.*[.!?…。؟]["'”’»)\]]*(?:\s*\[\d+\])*["'”’».]*(?=\s)/su;

/** The live region: announces events and complete sentences to screen readers, each once. */
export class Announcer {
  #pending = "";

  constructor() {
    this.element = make("div", { class: "unseen", role: "status", "aria-live": "polite", "aria-relevant": "additions", "aria-atomic": "false" });
  }

  /**
   * Announce a text.
   * @param {string} text
   */
  say(text) {
    this.element.append(make("p", { text }));
    while (this.element.childElementCount > 12) this.element.firstElementChild.remove();
  }

  /**
   * Take more of an answer, and announce the sentences that are complete.
   * @param {string} text
   */
  append(text) {
    this.#pending += text;
    const [complete] = SENTENCES.exec(this.#pending) ?? [""];
    this.#pending = this.#pending.slice(complete.length);
    this.#speak(complete);
  }

  /** Announce the rest of the answer. */
  finish() {
    this.#speak(this.#pending);
    this.#pending = "";
  }

  /** Discard the rest of the answer. */
  discard() {
    this.#pending = "";
  }

  /** Discard everything, including announced text. */
  clear() {
    this.discard();
    this.element.replaceChildren();
  }

  /** @param {string} text */
  #speak(text) {
    const spoken = text.replace(/\s*\[\d+\]/gu, "").trim();
    if (spoken) this.say(spoken);
  }
}
