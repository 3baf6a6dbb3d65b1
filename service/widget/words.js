// What the widget says, in the language of the page.

import { ARABIC } from "./strings-ar.js";
import { GERMAN } from "./strings-de.js";
import { ENGLISH } from "./strings-en.js";

/** @type {Record<string, Record<string, string>>} */
const TABLES = { en: ENGLISH, de: GERMAN, ar: ARABIC };
const RIGHT_TO_LEFT = ["ar", "arc", "ckb", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"];

/** Units of time: days in each, and from how many of them on it is used. */
/** @type {[Intl.RelativeTimeFormatUnit, number, number][]} */
const UNITS = [
  ["year", 365.25, 1.5],
  ["month", 30.44, 1.5],
  ["week", 7, 2],
  ["day", 1, -Infinity],
];

/** One language's words, with the host's own over them. */
export class Words {
  #own;
  #table;
  #plural;
  #day;
  #ago;

  /**
   * @param {string} wanted a language tag such as `de-AT`; one that is unknown is English
   * @param {Record<string, string>} own strings that take the place of ours
   */
  constructor(wanted, own) {
    const [tag] = known(wanted);
    const primary = tag.split("-")[0].toLowerCase();
    this.#own = own;
    this.#table = TABLES[primary] ?? {};
    // A host that brings its own strings brings its own language, for dates and for the reader's voice.
    this.lang = TABLES[primary] || Object.keys(own).length ? tag : "en";
    this.direction = RIGHT_TO_LEFT.includes(this.lang.split("-")[0]) ? "rtl" : "ltr";
    this.#plural = new Intl.PluralRules(this.lang);
    this.#ago = new Intl.RelativeTimeFormat(this.lang, { numeric: "auto" });
    this.#day = new Intl.DateTimeFormat(this.lang === "en" ? "en-GB" : this.lang, { dateStyle: "long", timeZone: "UTC" });
  }

  /**
   * Whether there are words for a key, in any language.
   * @param {string} key
   */
  knows(key) {
    return this.#find(key) !== undefined;
  }

  /**
   * The words for a key, with `{name}` filled in and by the number of `count`.
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   */
  say(key, values = {}) {
    const kinds = values.count === undefined ? [] : [`_${this.#plural.select(Number(values.count))}`, "_other"];
    const found = [...kinds.map((kind) => this.#find(key + kind)), this.#find(key)].find((text) => text !== undefined);
    return (found ?? key).replace(/\{(\w+)\}/gu, (_, name) => String(values[name] ?? ""));
  }

  /**
   * The day of a moment, as the newsroom counts it: in UTC.
   * @param {string?} moment ISO 8601
   */
  day(moment) {
    const date = new Date(moment ?? NaN);
    return Number.isNaN(date.getTime()) ? this.say("undated") : this.#day.format(date);
  }

  /**
   * A number of days in the past, in words such as “8 months ago”.
   * @param {number} days
   */
  ago(days) {
    const [unit, length] = UNITS.find(([, each, from]) => days >= from * each) ?? UNITS[UNITS.length - 1];
    return this.#ago.format(-Math.round(days / length), unit);
  }

  /** @param {string} key */
  #find(key) {
    for (const table of [this.#own, this.#table, ENGLISH]) if (Object.hasOwn(table, key) && typeof table[key] === "string") return table[key];
    return undefined;
  }
}

/** @param {string} tag */
function known(tag) {
  try {
    return [...Intl.getCanonicalLocales(tag), "en"];
  } catch {
    return ["en"];
  }
}
