// Code points: what the service counts in. JavaScript's own indices count UTF-16 units, of which an emoji takes two.
// A spread, and not `Array.from`: old libraries replace that one.

/**
 * How many code points a text has.
 * @param {string} text
 */
export function countPoints(text) {
  return [...text].length;
}

/**
 * The part of a text between two code points, half-open.
 * @param {string} text
 * @param {number} start
 * @param {number} [end]
 */
export function slicePoints(text, start, end) {
  return [...text].slice(start, end).join("");
}
