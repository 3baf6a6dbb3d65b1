// The service, over fetch.

import { encodeJson } from "./json.js";
import { isEvent, isReply } from "./shapes.js";
import { EventParser } from "./sse.js";

/** The service gave no whole answer; `code` says why: one of its own codes,
 * `unreachable`, `not_allowed` (the service is there and does not let this page ask), `lost` or `garbled`. */
export class ServiceTrouble extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Asks one service. */
export class Client {
  #base;
  #silence;

  /**
   * @param {string} base the service's address, with a slash at the end
   * @param {number} silence milliseconds without a byte after which a stream counts as lost
   */
  constructor(base, silence) {
    this.#base = base;
    this.#silence = silence;
  }

  /** The service's name, as a copied answer gives it. */
  get host() {
    try {
      return new URL(this.#base).host;
    } catch {
      return this.#base;
    }
  }

  /**
   * The events of an answer. The last one is `answer.completed`; anything else ends in a ServiceTrouble.
   * @param {object} body as `POST /v1/ask` takes it
   * @param {AbortSignal} signal
   */
  async *ask(body, signal) {
    const reply = await this.#post("v1/ask", { ...body, stream: true }, "text/event-stream", signal);
    if (!/^text\/event-stream/u.test(reply.headers.get("Content-Type") ?? "") || !reply.body) {
      const whole = await readJson(reply);
      if (!isReply(whole)) throw new ServiceTrouble("garbled", "");
      yield { ...whole, type: "answer.completed" };
      return;
    }
    for await (const event of this.#events(reply.body, signal)) {
      if (event.type === "error") throw troubleOf(event);
      yield event;
      if (event.type === "answer.completed") return;
    }
    throw new ServiceTrouble("lost", "The stream ended before the answer did.");
  }

  /**
   * Send a vote on an answer; returns the id under which it is stored, or null.
   * @param {object} body as `POST /v1/feedback` takes it
   * @returns {Promise<string?>}
   */
  async giveFeedback(body) {
    const { id } = await readJson(await this.#post("v1/feedback", body, "application/json"));
    return typeof id === "string" ? id : null;
  }

  /**
   * The page of an article, at a quote where there is one.
   * @param {string} id
   * @param {number} [start]
   * @param {number} [end]
   */
  articlePage(id, start, end) {
    const page = new URL(`articles/${encodeURIComponent(id)}`, this.#base);
    if (start === undefined || end === undefined) return page.href;
    page.search = `start=${Number(start)}&end=${Number(end)}`;
    page.hash = "quote";
    return page.href;
  }

  /**
   * The one place where the headers of a request are made.
   * @param {string} accept
   * @returns {Record<string, string>}
   */
  #headers(accept) {
    return { "Content-Type": "application/json", Accept: accept };
  }

  /**
   * @param {string} path
   * @param {object} body
   * @param {string} accept
   * @param {AbortSignal} [signal]
   */
  async #post(path, body, accept, signal) {
    let reply;
    try {
      reply = await this.#fetch(path, { method: "POST", headers: this.#headers(accept), body: encodeJson(body), signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      const code = (await this.#refuses()) ? "not_allowed" : "unreachable";
      if (code === "not_allowed") console.warn(`dateline-chat: ${this.#base} does not allow the origin ${location.origin}`);
      throw new ServiceTrouble(code, "");
    }
    if (!reply.ok) throw troubleOf(await readJson(reply), reply.status);
    return reply;
  }

  /**
   * A reply's beginning, within the time in which there has to be a sign of life.
   * @param {string} path
   * @param {RequestInit} options
   */
  async #fetch(path, { signal, ...options }) {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), this.#silence);
    const ended = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
    /** @type {RequestInit} */
    const usual = { credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" };
    try {
      // The signal goes on to the body, which only the caller can still end: the timer is gone by then.
      return await fetch(new URL(path, this.#base).href, { ...usual, ...options, signal: ended });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Whether the service is there and answers, but not to this page. A browser does not say why a request failed: it is
   * so if a reply arrives that may not be read, and none that may.
   */
  async #refuses() {
    const arrives = (mode) => this.#fetch("widget.js", { method: "HEAD", mode }).then(() => true, () => false);
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
        for (const { data } of parser.push(decoder.decode(value, { stream: true }))) yield parsed(data);
      }
    } finally {
      // What is left is not wanted, and an error in giving it up changes nothing.
      reader.cancel().catch(() => {});
    }
  }

  /**
   * The next piece; no piece for too long, or a broken connection, is a ServiceTrouble.
   * @param {ReadableStreamDefaultReader<Uint8Array>} reader
   * @param {AbortSignal} signal
   */
  async #read(reader, signal) {
    let timer;
    const silence = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("silence")), this.#silence);
    });
    try {
      return await Promise.race([reader.read(), silence]);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ServiceTrouble("lost", "");
    } finally {
      clearTimeout(timer);
    }
  }
}

/** @param {string} data */
function parsed(data) {
  let event;
  try {
    event = JSON.parse(data);
  } catch {
    throw new ServiceTrouble("lost", "");
  }
  if (!isEvent(event)) throw new ServiceTrouble("lost", "");
  return event;
}

/** @param {Response} reply */
async function readJson(reply) {
  try {
    return await reply.json();
  } catch {
    return {};
  }
}

/**
 * @param {{error?: {code?: unknown, message?: unknown, request_id?: unknown}}} body
 * @param {number} [status]
 */
function troubleOf(body, status) {
  const { code, message, request_id: id } = body?.error ?? {};
  const trouble = new ServiceTrouble(String(code ?? `http_${status}`), String(message ?? ""));
  // For who runs the page: a reader gets our words for the code, in the reader's language.
  console.warn(`dateline-chat: ${trouble.code} ${trouble.message} (request ${id ?? "unknown"})`);
  return trouble;
}
