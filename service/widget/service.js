// The service: requests, the stream of an answer, and the shapes of its replies.

/**
 * The service gave no complete answer. `code` is one of its own or `unreachable`, `lost`, `garbled` or `not_allowed`: the
 * service is there and does not allow this page.
 */
export class ServiceError extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** A client of one service. */
export class Client {
  #base;
  #timeout;
  /** @type {Record<string, string>} */
  #authorization;
  /** @type {Map<string, Promise<ArticleText?>>} by id */
  #articles = new Map();

  /**
   * @param {string} base the service's address, with a slash at the end
   * @param {number} timeout milliseconds without a byte after which a request counts as lost
   * @param {string} [key] a publishable key
   */
  constructor(base, timeout, key) {
    this.#base = base;
    this.#timeout = timeout;
    this.#authorization = key ? { Authorization: `Bearer ${key}` } : {};
  }

  /** The service's name, as a copied answer gives it. */
  get host() {
    return new URL(this.#base).host;
  }

  /**
   * Yield the events of an answer. The last one is `answer.completed`; raises ServiceError if it does not arrive.
   * @param {object} body as `POST /v1/ask` takes it
   * @param {AbortSignal} signal
   */
  async *ask(body, signal) {
    const response = await this.#post("v1/ask", { ...body, stream: true }, "text/event-stream", signal);
    if (!/^text\/event-stream/u.test(response.headers.get("Content-Type") ?? "") || !response.body) {
      const reply = await readJson(response);
      if (!completed(reply)) throw new ServiceError("garbled");
      yield { ...reply, type: "answer.completed" };
      return;
    }
    for await (const event of this.#events(response.body, signal)) {
      if (event.type === "error") throw errorOf(event);
      yield event;
      if (event.type === "answer.completed") return;
    }
    throw new ServiceError("lost");
  }

  /**
   * Send a vote on an answer; return the id under which it is stored, or null.
   * @param {object} body as `POST /v1/feedback` takes it
   * @returns {Promise<string?>}
   */
  async giveFeedback(body) {
    const { id } = await readJson(await this.#post("v1/feedback", body, "application/json"));
    return typeof id === "string" ? id : null;
  }

  /**
   * Return the address of an article's page, at a quote if its place is given, with the answer's words in it.
   * @param {string} id
   * @param {number} [start]
   * @param {number} [end]
   * @param {Citation["highlight"]} [highlight]
   */
  articlePage(id, start, end, highlight) {
    const page = new URL(`articles/${encodeURIComponent(id)}`, this.#base);
    if (start === undefined || end === undefined) return page.href;
    page.search = `start=${Number(start)}&end=${Number(end)}`;
    if (highlight) page.search += `&highlight=${Number(highlight.start_char_index)}-${Number(highlight.end_char_index)}`;
    page.hash = "quote";
    return page.href;
  }

  /**
   * Return an article with its text, or null if it does not arrive.
   * @param {string} id
   * @returns {Promise<ArticleText?>}
   */
  article(id) {
    const known = this.#articles.get(id);
    if (known) return known;
    const coming = this.#fetch(`v1/articles/${encodeURIComponent(id)}`, { headers: this.#authorization })
      .then((response) => (response.ok ? response.json() : null))
      .then((article) => (isRecord(article) && typeof article.body === "string" ? article : null))
      .catch(() => null);
    this.#articles.set(id, coming);
    // An article that did not arrive is asked for again next time.
    coming.then((article) => article ?? this.#articles.delete(id));
    return coming;
  }

  /**
   * Return the complete address of an answer's page on this service, or null.
   * @param {string | null | undefined} path
   */
  permalink(path) {
    if (!path || !URL.canParse(path, this.#base)) return null;
    const url = new URL(path, this.#base);
    return url.origin === new URL(this.#base).origin ? url.href : null;
  }

  /**
   * @param {string} path
   * @param {object} body
   * @param {string} accept
   * @param {AbortSignal} [signal]
   */
  async #post(path, body, accept, signal) {
    const headers = { "Content-Type": "application/json", Accept: accept, ...this.#authorization };
    let response;
    try {
      response = await this.#fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      const code = (await this.#refuses()) ? "not_allowed" : "unreachable";
      if (code === "not_allowed") console.warn(`dateline-chat: ${this.#base} does not allow the origin ${location.origin}`);
      throw new ServiceError(code);
    }
    if (!response.ok) throw errorOf(await readJson(response), response.status);
    return response;
  }

  /**
   * Return a response once its head has arrived, within the timeout.
   * @param {string} path
   * @param {RequestInit} options
   */
  async #fetch(path, { signal, ...options }) {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#timeout);
    const ended = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    /** @type {RequestInit} */
    const usual = { credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" };
    try {
      // The timer is cleared, but the signal can still end the body for the caller.
      return await fetch(new URL(path, this.#base).href, { ...usual, ...options, signal: ended });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Return whether the service answers, but not to this page. A browser does not say why a request failed: the service refuses
   * the page if a response arrives that may not be read, and none that may.
   */
  async #refuses() {
    const arrives = (/** @type {RequestMode} */ mode) => this.#fetch("widget.js", { method: "HEAD", mode }).then(() => true, () => false);
    return (await arrives("no-cors")) && !(await arrives("cors"));
  }

  /**
   * @param {ReadableStream<Uint8Array>} stream
   * @param {AbortSignal} signal
   */
  async *#events(stream, signal) {
    const parser = new EventParser();
    const decoder = new TextDecoder();
    const reader = stream.getReader();
    try {
      for (;;) {
        const { done, value } = await this.#read(reader, signal);
        if (done) return;
        for (const data of parser.push(decoder.decode(value, { stream: true }))) yield parseEvent(data);
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  /**
   * Return the next piece; raises ServiceError after the timeout or when the connection breaks.
   * @param {ReadableStreamDefaultReader<Uint8Array>} reader
   * @param {AbortSignal} signal
   * @returns {Promise<ReadableStreamReadResult<Uint8Array>>}
   */
  async #read(reader, signal) {
    let timer = 0;
    /** @type {Promise<never>} */
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("timeout")), this.#timeout);
    });
    try {
      return await Promise.race([reader.read(), late]);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ServiceError("lost");
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A parser of server-sent events that takes the text in any pieces. */
export class EventParser {
  #rest = "";

  /**
   * Take more text and return the data of the events that are complete. Lines end in LF or CRLF.
   * @param {string} text
   * @returns {string[]}
   */
  push(text) {
    const events = (this.#rest + text).split(/\r?\n\r?\n/u);
    this.#rest = events.pop() ?? "";
    return events.flatMap((event) => {
      const lines = event.split(/\r?\n/u).filter((line) => /^data(?::|$)/u.test(line));
      return lines.length ? [lines.map((line) => line.replace(/^data:? ?/u, "")).join("\n")] : [];
    });
  }
}

/** @param {string} data */
function parseEvent(data) {
  try {
    const event = JSON.parse(data);
    if (isEvent(event)) return event;
  } catch {
    // Not JSON.
  }
  throw new ServiceError("lost");
}

/** @param {Response} response */
async function readJson(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

/**
 * @param {{error?: {code?: unknown, message?: unknown, request_id?: unknown}}} body
 * @param {number} [status]
 */
function errorOf(body, status) {
  const { code = `http_${status}`, message, request_id: id } = body?.error ?? {};
  // For the page's operator: visitors see the widget's text for the code.
  console.warn(`dateline-chat: ${code} ${message} (request ${id})`);
  return new ServiceError(String(code));
}

// The shapes are checked, because a proxy, a captive network or an older tab may deliver others.
const STATUSES = ["answered", "partial", "not_in_sources"];
const LISTS = ["citations", "unsupported", "conflicts", "developments", "corrections", "sources", "warnings"];
const TEXTS = ["uncovered", "ask_next"];

/**
 * Add the lists that a reply of an older service, or one that an older widget stored, does not have; return whether it is
 * a reply.
 * @param {any} reply
 */
export function completed(reply) {
  if (!isRecord(reply) || !STATUSES.includes(reply.status) || typeof reply.answer !== "string") return false;
  for (const list of [...LISTS, ...TEXTS]) reply[list] ??= [];
  const lists = LISTS.every((name) => areRecords(reply[name])) && TEXTS.every((name) => Array.isArray(reply[name]));
  return lists && areCitations(reply.citations) && [...reply.conflicts, ...reply.developments].every(({ positions }) => areRecords(positions));
}

/**
 * @param {any} event of any type: unknown ones are valid
 */
function isEvent(event) {
  if (!isRecord(event)) return false;
  if (event.type === "answer.completed") return completed(event);
  if (event.type === "citation.added") return areCitations([event.citation]);
  return event.type !== "retrieval.completed" || areRecords(event.sources);
}

/** @param {any} value */
export function areCitations(value) {
  return areRecords(value) && value.every((/** @type {any} */ each) => typeof each.cited_text === "string");
}

/** @param {any} value */
export function areRecords(value) {
  return Array.isArray(value) && value.every(isRecord);
}

/** @param {any} value */
export function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
