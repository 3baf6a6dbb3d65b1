// Making elements. Text goes in as text nodes alone, so that nothing of an article or an answer becomes markup.

/**
 * An element. `options` holds `text`, `class`, `on` (listeners by event) and attributes; null, undefined and false
 * leave an attribute out, true sets it empty.
 * @param {string} name
 * @param {Record<string, any>} [options]
 * @param {(Node | string | null | undefined)[]} children
 * @returns {any}
 */
export function make(name, options = {}, ...children) {
  const made = document.createElement(name);
  // On pages with old libraries every object has more properties than its own.
  const { text, on = {}, ...attributes } = /** @type {Record<string, any>} */ ({ __proto__: null, ...options });
  if (text !== undefined) made.textContent = text;
  for (const [event, listener] of Object.entries(on)) made.addEventListener(event, listener);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(attribute, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(attribute, String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) made.append(child);
  return made;
}

/**
 * A drawing of one path in a square of 24; it says nothing to a screen reader.
 * @param {string} path
 */
export function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "path");
  for (const [name, value] of [["viewBox", "0 0 24 24"], ["aria-hidden", "true"], ["class", "icon"], ["focusable", "false"]]) {
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
  open: "M14 5h5v5M19 5l-8 8M11 6H5v13h13v-6",
};

/**
 * The address, if it is one of the web; null for anything else, such as a script.
 * @param {unknown} address
 */
export function webAddress(address) {
  try {
    const url = new URL(String(address));
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * A link that opens elsewhere and tells the other side nothing.
 * @param {string} href
 * @param {string} text
 * @param {string} hint what a screen reader hears behind the text
 */
export function outward(href, text, hint) {
  return make(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer nofollow", class: "outward" },
    text,
    icon(ICONS.open),
    make("span", { class: "unseen", text: ` ${hint}` }),
  );
}
