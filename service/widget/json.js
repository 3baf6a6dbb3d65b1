// JSON, written by hand: on pages with old libraries arrays and objects have a `toJSON` that spoils `JSON.stringify`.

/**
 * A plain value as JSON.
 * @param {unknown} value
 * @returns {string}
 */
export function encodeJson(value) {
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).filter(([, held]) => held !== undefined);
  return `{${fields.map(([name, held]) => `${JSON.stringify(name)}:${encodeJson(held)}`).join(",")}}`;
}
