// Markdown in an article's text: shown as the look that it stands for, made of elements and text nodes alone.

import { make } from "./element.js";

// A heading's or quotation's sign, a link or picture, a note's number, and text between signs. The signs of emphasis stand
// at the edges of words: `2 * 3 * 4` and `snake_case_name` are no emphasis. Lengths are bounded, so that matching is quick.
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
const ELEMENTS = { heading: "strong", bold: "strong", slanted: "em", code: "code", note: "sup" };

/**
 * A run of text that looks alike; offsets count UTF-16 units of the whole text.
 * @typedef {{from: number, to: number, names: string[]}} Run
 */

/**
 * A text as nodes; the part from `start` to `end` is in one or more `<mark>`. Offsets count UTF-16 units, half-open.
 * @param {string} text
 * @param {number} [start]
 * @param {number} [end]
 * @returns {Node[]}
 */
export function rendered(text, start = 0, end = start) {
  const nodes = [];
  let mark = null;
  for (const { from, to, names } of runs(text, 0, text.length, [])) {
    for (const [left, right] of pieces(from, to, start, end)) {
      const inside = left >= start && right <= end && start < end;
      const node = names.reduceRight((held, name) => make(name, {}, held), document.createTextNode(text.slice(left, right)));
      if (!inside) nodes.push(node);
      else if (mark && nodes[nodes.length - 1] === mark) mark.append(node);
      else nodes.push((mark = make("mark", {}, node)));
    }
  }
  return nodes;
}

/**
 * A text without its marks, as it is read aloud or copied.
 * @param {string} text
 */
export function plain(text) {
  return runs(text, 0, text.length, []).map(({ from, to }) => text.slice(from, to)).join("");
}

/**
 * The runs of a part of a text, without the signs between them.
 * @param {string} text
 * @param {number} from
 * @param {number} to
 * @param {string[]} names of the elements around it
 * @returns {Run[]}
 */
function runs(text, from, to, names) {
  const found = [];
  let at = from;
  const plainly = (end) => at < end && found.push({ from: at, to: end, names });
  for (const match of text.slice(from, to).matchAll(MARKS)) {
    const began = from + match.index;
    plainly(began);
    at = began + match[0].length;
    const name = Object.keys(ELEMENTS).find((each) => match.groups[each] !== undefined);
    const held = name ? match.groups[name] : match.groups.link;
    if (held === undefined) continue;
    const start = began + match[0].indexOf(held, match.groups.head?.length ?? match.groups.strong?.length ?? (name === "note" ? 0 : 1));
    const inner = name ? [...names, ELEMENTS[name]] : names;
    if (name === "code" || name === "note") found.push({ from: start, to: start + held.length, names: inner });
    else found.push(...runs(text, start, start + held.length, inner));
  }
  plainly(to);
  return found;
}

/**
 * A run, cut where the marked part begins and ends.
 * @param {number} from
 * @param {number} to
 * @param {number} start
 * @param {number} end
 */
function pieces(from, to, start, end) {
  const cuts = [from, ...[start, end].filter((cut) => from < cut && cut < to), to];
  return cuts.slice(1).map((right, at) => [cuts[at], right]).filter(([left, right]) => left < right);
}
