// The shapes that travel between the modules, for JSDoc alone; no code.

/**
 * @typedef {object} Citation A sentence of the answer and the quote it rests on; offsets count code points, half-open.
 * @property {string} id
 * @property {number} marker
 * @property {string} source_id
 * @property {string} article_id
 * @property {number} start_index first code point of the sentence in the answer
 * @property {number} end_index
 * @property {string} cited_text
 * @property {number} start_char_index first code point of the quote in the article's body
 * @property {number} end_char_index
 * @property {{status: "verified" | "partial" | "unverified", method: "exact" | "normalised" | "coverage"}} verification
 */

/**
 * @typedef {object} Duplicate Another article with the same story.
 * @property {string} article_id
 * @property {string?} title
 * @property {string?} source
 * @property {string?} url
 */

/**
 * @typedef {object} Source A passage that the reader saw.
 * @property {string} id
 * @property {number?} marker
 * @property {string} article_id
 * @property {string?} title
 * @property {string?} url
 * @property {string?} source
 * @property {string?} published_at
 * @property {string?} language
 * @property {string} snippet
 * @property {number} start_char_index first code point of the snippet in the article's body
 * @property {number} end_char_index
 * @property {{dense: number, lexical: number}} scores
 * @property {boolean} cited
 * @property {Duplicate[]} duplicates
 */

/**
 * @typedef {object} Position What one article says where articles disagree.
 * @property {string} value
 * @property {string} article_id
 * @property {string} quote
 * @property {string?} published_at
 */

/**
 * @typedef {object} Reply The whole answer, as `POST /v1/ask` gives it.
 * @property {string} id
 * @property {string} created_at
 * @property {"conflict" | "interrupted" | "withheld" | "stale" | "weak" | "answered" | "none"} verdict
 * @property {"answered" | "partial" | "not_in_sources"} status
 * @property {string?} status_reason
 * @property {string} answer
 * @property {Citation[]} citations
 * @property {{text: string, reason: string}[]} unsupported
 * @property {{topic: string, positions: Position[]}[]} conflicts
 * @property {Source[]} sources
 * @property {{code: string, message: string}[]} warnings
 */

/**
 * @typedef {object} Trouble Why there is no whole answer.
 * @property {string} code one of the service's codes, or `unreachable`, `not_allowed`, `lost` or `garbled`
 */

/**
 * @typedef {object} Turn A question and what came of it.
 * @property {string} question
 * @property {"asking" | "done" | "stopped" | "failed"} state
 * @property {string} text the answer as far as it came
 * @property {Citation[]} citations
 * @property {Source[]} sources
 * @property {Reply?} reply
 * @property {Trouble?} trouble
 * @property {"up" | "down" | null} vote
 * @property {string?} vote_id under which the service stores the vote
 */

export {};
