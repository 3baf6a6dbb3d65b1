// Shapes shared by several modules, and the type of an imported style sheet; for the type checker only.

/** A sentence of the answer and the quote that supports it; offsets count code points, half-open. */
interface Citation {
  id: string;
  marker: number;
  source_id: string;
  article_id: string;
  /** Place of the sentence in the answer. */
  start_index: number;
  end_index: number;
  cited_text: string;
  /** Place of the quote in the article's body. */
  start_char_index: number;
  end_char_index: number;
  verification: { status: "verified" | "partial" | "unverified"; method: "exact" | "normalised" | "coverage" };
  /** Place of the answer's words in the article's body, inside the quote. */
  highlight?: { start_char_index: number; end_char_index: number } | null;
  dates?: ResolvedDate[];
}

/** Another article with the same story. */
interface Duplicate {
  article_id: string;
  title: string | null;
  source: string | null;
  url: string | null;
}

/** A retrieved passage and its article. */
interface Source {
  id: string;
  marker: number | null;
  article_id: string;
  title: string | null;
  url: string | null;
  source: string | null;
  published_at: string | null;
  language: string | null;
  snippet: string;
  /** Place of the snippet in the article's body, in code points. */
  start_char_index: number;
  end_char_index: number;
  scores: { dense: number; lexical: number };
  cited: boolean;
  duplicates: Duplicate[];
}

/** The value of one article in a disagreement. */
interface Position {
  value: string;
  article_id: string;
  quote: string;
  published_at: string | null;
  source: string | null;
  title: string | null;
  /** Place of the quote in the article's body, in code points. */
  start_char_index: number;
  end_char_index: number;
  is_correction: boolean;
}

interface Conflict {
  topic: string;
  positions: Position[];
}

/** A topic whose value changed over time, oldest position first. */
interface Development {
  topic: string;
  positions: Position[];
}

/** A correction of a cited article: in the article itself, or in a later one. */
interface Correction {
  article_id: string;
  corrected_at: string | null;
  before: string | null;
  after: string | null;
  corrected_by: string | null;
  note: string | null;
}

/** Words for a date that depend on the article's day, and the date they mean: a day, a month or a year. */
interface ResolvedDate {
  text: string;
  date: string;
  /** Place of the words in the article's body, in code points. */
  start_char_index: number;
  end_char_index: number;
}

interface Warning {
  code: string;
  message: string;
}

/** The complete answer, as `POST /v1/ask` returns it. */
interface Reply {
  id: string;
  created_at: string;
  verdict: "conflict" | "interrupted" | "withheld" | "stale" | "weak" | "answered" | "none";
  status: "answered" | "partial" | "not_in_sources";
  status_reason: string | null;
  answer: string;
  citations: Citation[];
  unsupported: { text: string; reason: string }[];
  conflicts: Conflict[];
  developments: Development[];
  corrections: Correction[];
  uncovered: string[];
  independent_sources: number;
  as_of: string | null;
  /** How many articles have some words, where that was asked. */
  counted?: { words: string; articles: number; stories: number; total: number } | null;
  /** Questions about the cited articles that the articles answer. */
  ask_next: string[];
  /** The address of a page that checks the quotes again; null if nothing is cited. */
  permalink: string | null;
  sources: Source[];
  retrieval?: { filters_applied?: Record<string, unknown>; filters_inferred?: string[] };
  warnings: Warning[];
  /** How the answer was made, where that was asked for. */
  trace?: Trace | null;
}

/** The parts of `trace` that are shown; docs/api.md has the others. */
interface Trace {
  question: { searched: string; kind: string; period: object | null };
  searches: { found: number }[];
  sentences: { text: string; source_id: string | null; is_quoted: boolean }[];
  decision: { doubts: string[]; missing: string[] };
  checks: { text: string; result: string; reason: string | null; is_word_for_word: boolean | null }[];
  model_calls: { purpose: string; model: string; failure: string | null }[];
}

/** An article, as `GET /v1/articles/{id}` returns it. */
interface ArticleText {
  body: string;
  authors?: unknown[];
}

/** A question and its answer so far. */
interface Turn {
  question: string;
  state: "asking" | "done" | "stopped" | "failed";
  text: string;
  citations: Citation[];
  sources: Source[];
  reply: Reply | null;
  /** Why the answer is incomplete: a code of the service, or of `ServiceError`. */
  trouble: { code: string } | null;
  vote: "up" | "down" | null;
  /** Id of the stored vote. */
  vote_id: string | null;
}

declare module "*.css" {
  const sheet: CSSStyleSheet;
  export default sheet;
}
