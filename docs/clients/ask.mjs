// Ask Dateline from JavaScript: Node 18 or later, or a browser, without a package.
//
// node docs/clients/ask.mjs "When did the Skelhaven library reopen?" http://127.0.0.1:8000

/** An error of the service: its `code` is for programs, its message for people. */
export class DatelineError extends Error {
  /** @param {{code: string, message: string, request_id: string}} error */
  constructor({ code, message, request_id: id }) {
    super(`${message} (${code}, request ${id})`);
    this.code = code;
  }
}

/**
 * Yield the events of an answer as they arrive; the last one is the complete reply.
 * @param {string} question
 * @param {string} baseUrl
 * @param {{key?: string, signal?: AbortSignal, [field: string]: unknown}} [options] a key, a signal that ends the answer,
 *   and other fields of the request, such as `filters` and `messages`
 */
export async function* stream(question, baseUrl, { key, signal, ...fields } = {}) {
  const headers = { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  const body = JSON.stringify({ question, stream: true, ...fields });
  const reply = await fetch(new URL("/v1/ask", baseUrl), { method: "POST", headers, body, signal });
  if (!reply.ok) throw new DatelineError((await reply.json()).error);
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of reply.body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      // Each event is one line of JSON, which has the name of the event as its type.
      if (!line.startsWith("data: ")) continue;
      const event = JSON.parse(line.slice("data: ".length));
      if (event.type === "error") throw new DatelineError(event.error);
      yield event;
    }
  }
}

/**
 * Return a part of a text: offsets of the API count code points, and those of JavaScript do not.
 * @param {string} text
 * @param {number} start
 * @param {number} end
 */
export function slice(text, start, end) {
  return Array.from(text).slice(start, end).join("");
}

if (globalThis.process?.argv[1]?.endsWith("ask.mjs")) {
  const [question, baseUrl = "http://127.0.0.1:8000"] = process.argv.slice(2);
  let reply;
  for await (const event of stream(question, baseUrl, { key: process.env.DATELINE_KEY })) {
    if (event.type === "answer.delta") process.stdout.write(event.text);
    reply = event;
  }
  console.log(`\n\n${reply.status}`);
  for (const { marker, source_id: id, cited_text: quote, start_index: start, end_index: end } of reply.citations) {
    const source = reply.sources.find((each) => each.id === id);
    console.log(`[${marker}] ${source.title}: “${quote}”\n    supports: ${slice(reply.answer, start, end)}`);
  }
}
