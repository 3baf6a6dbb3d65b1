// An answer with its sources, as text for the clipboard.

import { make } from "./element.js";

/**
 * The answer, then each source with its quotes and where they stand.
 * @param {import("./types.js").Reply} reply
 * @param {string} text the answer as it is shown
 * @param {import("./words.js").Words} words
 * @param {import("./client.js").Client} client
 */
export function copyText(reply, text, words, client) {
  const ordered = [...reply.citations].sort((one, other) => one.marker - other.marker);
  const lines = ordered.map((citation) => {
    const source = reply.sources.find((each) => each.id === citation.source_id);
    const about = [source?.title ?? words.say("untitled"), source?.source, words.day(source?.published_at ?? null)];
    const page = client.articlePage(citation.article_id, citation.start_char_index, citation.end_char_index);
    return `[${citation.marker}] ${about.filter(Boolean).join(", ")}\n“${citation.cited_text}”\n${page}`;
  });
  return [text, ...lines].join("\n\n");
}

/**
 * Put a text on the clipboard; false where the browser does not let us.
 * @param {string} text
 * @param {Node} near where a field may stand for the moment that the old way needs
 */
export async function toClipboard(text, near) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return theOldWay(text, near);
  }
}

/**
 * @param {string} text
 * @param {Node} near
 */
function theOldWay(text, near) {
  const back = near.getRootNode().activeElement;
  const field = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
  field.value = text;
  near.appendChild(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  back?.focus();
  return done;
}
