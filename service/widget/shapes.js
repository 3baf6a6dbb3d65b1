// Which of what comes in has the shape that the service gives it: a proxy, a captive network or an old tab give others.

const STATUSES = ["answered", "partial", "not_in_sources"];
const PLACES = ["start_index", "end_index", "start_char_index", "end_char_index", "marker"];
const LISTS = ["citations", "unsupported", "conflicts", "sources", "warnings"];

/**
 * Whether this is a whole reply. Lists may be missing, but what is there are records.
 * @param {any} reply
 */
export function isReply(reply) {
  if (!isRecord(reply) || !STATUSES.includes(reply.status) || typeof reply.answer !== "string") return false;
  const lists = LISTS.every((name) => reply[name] === undefined || areRecords(reply[name]));
  return lists && areCitations(reply.citations ?? []) && (reply.conflicts ?? []).every((each) => areRecords(each.positions));
}

/**
 * Whether this is an event that can be taken; one that is not known is.
 * @param {any} event
 */
export function isEvent(event) {
  if (!isRecord(event)) return false;
  if (event.type === "answer.completed") return isReply(event);
  if (event.type === "citation.added") return areCitations([event.citation]);
  return event.type !== "retrieval.completed" || areRecords(event.sources);
}

/** @param {any} value */
export function areCitations(value) {
  return areRecords(value) && value.every((each) => typeof each.cited_text === "string" && PLACES.every((place) => Number.isInteger(each[place])));
}

/** @param {any} value */
export function areRecords(value) {
  return Array.isArray(value) && value.every(isRecord);
}

/** @param {any} value */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
