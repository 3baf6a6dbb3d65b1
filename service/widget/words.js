// The widget's texts, dates and numbers in the language of the page.

import { ARABIC } from "./strings-ar.js";
import { GERMAN } from "./strings-de.js";
import { ENGLISH } from "./strings-en.js";

/** @type {Record<string, Record<string, string>>} */
const TABLES = { en: ENGLISH, de: GERMAN, ar: ARABIC };
const RIGHT_TO_LEFT = ["ar", "arc", "ckb", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"];

/** @type {[Intl.RelativeTimeFormatUnit, number, number][]} units of time, the days in each, and the least number of units for which it is used */
const UNITS = [
  ["year", 365.25, 1.5],
  ["month", 30.44, 1.5],
  ["week", 7, 2],
  ["day", 1, -Infinity],
];

/** The texts of one language, under those of the host page. */
export class Words {
  #own;
  #table;
  #plural;
  #locale;
  #day;
  #ago;

  /**
   * @param {string} wanted a language tag such as `de-AT`; an unknown one is English
   * @param {Record<string, string>} own the host's texts, which replace the widget's
   */
  constructor(wanted, own) {
    const [tag] = known(wanted);
    const primary = tag.split("-")[0].toLowerCase();
    this.#own = own;
    this.#table = TABLES[primary] ?? {};
    // A host with texts of its own sets the language of dates and of screen readers too.
    this.lang = TABLES[primary] || Object.keys(own).length ? tag : "en";
    this.direction = RIGHT_TO_LEFT.includes(this.lang.split("-")[0]) ? "rtl" : "ltr";
    this.#plural = new Intl.PluralRules(this.lang);
    this.#ago = new Intl.RelativeTimeFormat(this.lang, { numeric: "auto" });
    this.#locale = this.lang === "en" ? "en-GB" : this.lang;
    this.#day = new Intl.DateTimeFormat(this.#locale, { dateStyle: "long", timeZone: "UTC" });
  }

  /**
   * Return whether a key has a text, in any language.
   * @param {string} key
   */
  knows(key) {
    return this.#find(key) !== undefined;
  }

  /**
   * Return the text for a key, with each `{name}` filled in, in the plural form for `count`.
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   */
  say(key, values = {}) {
    const kinds = values.count === undefined ? [] : [`_${this.#plural.select(Number(values.count))}`, "_other"];
    const found = [...kinds.map((kind) => this.#find(key + kind)), this.#find(key)].find((text) => text !== undefined);
    return (found ?? key).replace(/\{(\w+)\}/gu, (_, name) => String(values[name] ?? ""));
  }

  /**
   * Return the text for a key with elements in place of each `{name}`, such as words in another language.
   * @param {string} key
   * @param {Record<string, Node>} nodes
   * @returns {(string | Node)[]}
   */
  fill(key, nodes) {
    return (this.#find(key) ?? key).split(/\{(\w+)\}/u).map((part, at) => (at % 2 ? (nodes[part] ?? "") : part));
  }

  /**
   * Return the day of a moment, in UTC.
   * @param {string?} moment ISO 8601
   */
  day(moment) {
    const date = new Date(moment ?? NaN);
    return Number.isNaN(date.getTime()) ? this.say("undated") : this.#day.format(date);
  }

  /**
   * Return a day, a month or a year; without the year if it is that of `near`, such as “4 December”.
   * @param {string} date the beginning of an ISO 8601 date
   * @param {string?} near the moment of an article
   */
  date(date, near) {
    const moment = new Date(date);
    if (Number.isNaN(moment.getTime())) return date;
    const [year, month, day] = date.split("-");
    /** @type {Intl.DateTimeFormatOptions} */
    const parts = { timeZone: "UTC", ...(day && year === near?.slice(0, 4) ? {} : { year: "numeric" }) };
    if (month) parts.month = "long";
    if (day) parts.day = "numeric";
    return new Intl.DateTimeFormat(this.#locale, parts).format(moment);
  }

  /**
   * Return a number of days in the past in words such as “8 months ago”.
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
