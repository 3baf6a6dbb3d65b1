// <dateline-explanation>: how an answer was made, below it. A page that loads this script before the widget's gets it.

import style from "./explanation.css" with { type: "css" };
import { TEXTS } from "./texts.js";

/** Sentences shown beside those in the answer, the best first. */
const SENTENCES = 5;

/** The explanation of an answer, closed at first; the widget sets its reply and its words. */
class DatelineExplanation extends HTMLElement {
  /** @type {Reply | undefined} */
  reply;
  /** @type {import("../words.js").Words | undefined} */
  words;
  /** Returns a text without its Markdown. */
  plain = String;

  connectedCallback() {
    const { reply, words, plain } = this;
    if (this.shadowRoot || !words || !reply?.trace) return;
    const text = new Texts(words, plain);
    const details = make("details", make("summary", text.say(reply.status === "not_in_sources" ? "how_no_answer" : "how")));
    // Nothing is made before it is asked for.
    details.addEventListener("toggle", () => details.append(explained(reply, text)), { once: true });
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    root.append(details);
  }
}

/** The texts of the explanation in the widget's language; those of the host page and of the widget come first. */
class Texts {
  #words;
  #own;

  /**
   * @param {import("../words.js").Words} words
   * @param {(text: string) => string} plain
   */
  constructor(words, plain) {
    this.#words = words;
    this.plain = plain;
    this.#own = TEXTS[words.lang.split("-")[0]] ?? TEXTS.en;
  }

  /**
   * Return the text for a key, with each `{name}` filled in.
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   */
  say(key, values = {}) {
    if (this.#words.knows(key)) return this.#words.say(key, values);
    return (this.#own[key] ?? key).replace(/\{(\w+)\}/gu, (_, name) => String(values[name] ?? ""));
  }
}

/**
 * Return the explanation: what was searched, why these sentences, what was checked, and by which model.
 * @param {Reply} reply
 * @param {Texts} text
 */
function explained(reply, text) {
  const trace = /** @type {Trace} */ (reply.trace);
  // Without an answer, the best sentence would look like a hint.
  const isAnswer = reply.status !== "not_in_sources";
  return make(
    "dl",
    make("dt", text.say("how_searched")),
    ...lines(searched(reply, trace, text)),
    make("dt", text.say(isAnswer ? "how_sentences" : "how_none")),
    ...lines(isAnswer ? decided(trace, text) : refused(reply, trace, text)),
    ...(isAnswer ? listed(reply, trace, text) : []),
    make("dt", text.say("how_checked")),
    ...checked(trace, text),
    make("dt", text.say("how_model")),
    ...lines(modelUsed(trace, text)),
  );
}

/** @param {string[]} texts */
function lines(texts) {
  return texts.map((each) => make("dd", each));
}

/**
 * @param {Reply} reply
 * @param {Trace} trace
 * @param {Texts} text
 */
function searched(reply, { question, searches }, text) {
  if (!searches.length) return [text.say("how_not_searched")];
  const found = Math.max(...searches.map((search) => search.found));
  return [text.say("how_text", { text: isolated(question.searched) }), text.say("how_found", { found, read: reply.sources.length })];
}

/**
 * Return why the sentences were chosen.
 * @param {Trace} trace
 * @param {Texts} text
 */
function decided(trace, text) {
  if (trace.question.kind === "count") return [text.say("how_counted")];
  if (trace.question.period) return [text.say("how_period")];
  return [text.say("how_closest"), ...doubts(trace, text)];
}

/**
 * Return why no sentence was chosen.
 * @param {Reply} reply
 * @param {Trace} trace
 * @param {Texts} text
 */
function refused(reply, trace, text) {
  const found = doubts(trace, text);
  return found.length ? found : [text.say(reply.status_reason ?? "low_relevance")];
}

/**
 * @param {Trace} trace
 * @param {Texts} text
 */
function doubts({ decision }, text) {
  return decision.doubts.map((doubt) => text.say(`how_${doubt}`, { names: isolated(decision.missing.join(", ")) }));
}

/**
 * Return the best sentences and those in the answer, each with its article.
 * @param {Reply} reply
 * @param {Trace} trace
 * @param {Texts} text
 */
function listed(reply, { sentences }, text) {
  const shown = sentences.filter((sentence, rank) => rank < SENTENCES || sentence.is_quoted);
  const items = shown.map(({ text: words, source_id: id, is_quoted: inAnswer }) => {
    const source = reply.sources.find((each) => each.id === id);
    const title = make("bdi", source?.title ?? text.say("untitled"));
    const tag = inAnswer ? make("b", text.say("how_quoted")) : "";
    const quote = make("q", text.plain(words));
    quote.dir = "auto";
    if (source?.language) quote.lang = title.lang = source.language;
    return make("li", quote, make("small", title, inAnswer ? " · " : "", tag));
  });
  return items.length ? [make("dd", make("ol", ...items))] : [];
}

/**
 * Return the check of each sentence, also of those that were left out.
 * @param {Trace} trace
 * @param {Texts} text
 */
function checked({ checks }, text) {
  if (!checks.length) return lines([text.say("how_no_check")]);
  const items = checks.map((check) => {
    const words = make("span", text.plain(check.text));
    words.dir = "auto";
    return make("li", check.result === "withheld" ? make("s", words) : words, make("small", outcome(check, text)));
  });
  return [make("dd", make("ol", ...items))];
}

/**
 * @param {Trace["checks"][0]} check
 * @param {Texts} text
 */
function outcome({ result, reason, is_word_for_word: exact }, text) {
  if (result === "withheld") return text.say("how_left_out", { reason: text.say(reason ?? "not_in_source") });
  if (result === "verified") return text.say(exact ? "how_exact" : "how_same");
  return text.say(result === "partial" ? "how_partial" : "how_unchecked");
}

/**
 * @param {Trace} trace
 * @param {Texts} text
 */
function modelUsed({ model_calls: calls, checks }, text) {
  const call = calls.find(({ purpose }) => purpose === "answer") ?? calls[0];
  if (call?.purpose === "answer" && !call.failure) return [text.say("how_asked", { model: call.model })];
  const used = call ? text.say(call.failure ? "how_failed" : "how_rephrased", { model: call.model }) : text.say("how_no_model");
  return checks.length ? [used, text.say("how_unchanged")] : [used];
}

/**
 * Return a text that does not change the direction of the text around it.
 * @param {string} text
 */
function isolated(text) {
  return `\u2068${text}\u2069`;
}

/**
 * Make an element with text and elements in it; no text becomes markup.
 * @param {string} name
 * @param {(Node | string)[]} children
 */
function make(name, ...children) {
  const element = document.createElement(name);
  element.append(...children);
  return element;
}

if (!customElements.get("dateline-explanation")) customElements.define("dateline-explanation", DatelineExplanation);
