// An answer with its sources, as text for the clipboard.

import { make } from "./element.js";
import { plain } from "./markdown.js";
import { titleOf } from "./quote.js";

/**
 * The question, the answer, each source with its quotes and where they stand, and where and when it was asked.
 * @param {import("./types.js").Turn} turn
 * @param {import("./words.js").Words} words
 * @param {import("./client.js").Client} client
 */
export function copyText({ question, reply }, words, client) {
  const markers = [...new Set(reply.citations.map(({ marker }) => marker))].sort((one, other) => one - other);
  const sources = markers.map((marker) => {
    const mine = reply.citations.filter((citation) => citation.marker === marker);
    const source = reply.sources.find((each) => each.id === mine[0].source_id);
    const about = [titleOf(source, words), source?.source, words.day(source?.published_at ?? null)].filter(Boolean).join(", ");
    const quotes = new Map(mine.map((citation) => [client.articlePage(citation.article_id, citation.start_char_index, citation.end_char_index), citation]));
    return [`[${marker}] ${about}`, ...[...quotes].map(([page, { cited_text: quote }]) => `“${plain(quote)}”\n${page}`)].join("\n");
  });
  const made = words.say("copied_from", { service: client.host, day: words.day(reply.created_at) });
  return [question, plain(reply.answer), ...sources, made].join("\n\n");
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
  const back = /** @type {any} */ (near.getRootNode()).activeElement;
  const field = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
  field.value = text;
  near.appendChild(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  back?.focus();
  return done;
}
