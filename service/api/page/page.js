// The plain page: ask, read the answer as it comes, and see each citation in its article.
// Text goes in through textContent alone, and links only from the article's own http(s) address.

const $ = (id) => document.getElementById(id);
const VERDICTS = {
  answered: "Answered, every sentence proven",
  weak_evidence: "The closest sentences; they may not answer",
  unsupported_withheld: "In part: the larger part could not be proven",
  interrupted: "In part: the model was cut off",
  not_in_sources: "Not in the articles",
};
let asking = null;

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask($("question").value.trim());
});
$("stop").addEventListener("click", () => asking?.abort());
showStanding();

async function showStanding() {
  try {
    const reply = await fetch("/readyz");
    const body = await reply.json();
    $("standing").textContent = reply.ok
      ? `${body.articles} articles · ${body.model ?? "offline, quoting word for word"}${body.trouble ? " · an older index is in use" : ""}`
      : body.error.message;
  } catch {
    $("standing").textContent = "The service cannot be reached.";
  }
}

async function ask(question) {
  if (!question || asking) return;
  begin();
  try {
    const reply = await fetch("/v1/ask", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ question, stream: true }),
      signal: asking.signal,
    });
    if (!reply.ok) throw new Error((await reply.json()).error.message);
    let ended = false;
    for await (const data of events(reply.body)) ended = take(data) || ended;
    if (!ended) throw new Error("The connection was lost before the answer was complete.");
  } catch (error) {
    $("verdict").textContent = error.name === "AbortError" ? "Stopped" : error.message;
  } finally {
    end();
  }
}

function begin() {
  asking = new AbortController();
  $("reply").hidden = false;
  $("reply").setAttribute("aria-busy", "true");
  $("columns").hidden = true;
  $("article").hidden = true;
  for (const id of ["answer", "notes", "sources"]) $(id).replaceChildren();
  $("verdict").textContent = "Reading…";
  $("ask").disabled = true;
  $("stop").hidden = false;
}

function end() {
  asking = null;
  $("reply").setAttribute("aria-busy", "false");
  $("ask").disabled = false;
  $("stop").hidden = true;
}

// One event of the stream; true when it was the last.
function take(data) {
  if (data.type === "answer.delta") $("answer").append(data.text);
  if (data.type === "error") throw new Error(data.error.message);
  if (data.type !== "answer.completed") return false;
  show(data);
  return true;
}

function show(answer) {
  $("verdict").textContent = VERDICTS[answer.status] ?? VERDICTS[answer.status_reason];
  $("answer").replaceChildren(...withMarkers(answer));
  $("notes").replaceChildren(
    ...answer.warnings.map((warning) => element("li", warning.message)),
    ...answer.unsupported.map((held) => element("li", `Withheld (${held.reason.replaceAll("_", " ")}): ${held.text}`)),
  );
  const cited = answer.sources.filter((source) => source.cited).sort((a, b) => a.marker - b.marker);
  const listed = cited.length ? cited : closest(answer.sources);
  $("sources-title").textContent = cited.length ? "Sources" : "Closest articles";
  $("sources").replaceChildren(...listed.map((source) => sourceItem(source, answer)));
  $("columns").hidden = !listed.length;
}

// The best passage of each of the closest articles.
function closest(sources) {
  return sources.filter((source, at) => sources.findIndex((other) => other.article_id === source.article_id) === at).slice(0, 3);
}

// The answer with each [n] as a button. Offsets count code points, so the text is taken apart as such.
function withMarkers(answer) {
  const pieces = answer.answer.split(/(\[\d+\])/u);
  let at = 0;
  return pieces.map((piece) => {
    const start = at;
    at += [...piece].length;
    const marker = /^\[(\d+)\]$/u.exec(piece);
    const citation = marker && answer.citations.find(
      (item) => item.marker === Number(marker[1]) && item.start_index <= start && start < item.end_index,
    );
    return citation ? markerButton(citation) : document.createTextNode(piece);
  });
}

function markerButton(citation) {
  const button = element("button", `[${citation.marker}]`);
  button.className = "marker";
  button.type = "button";
  button.setAttribute("aria-label", `Citation ${citation.marker}: ${citation.cited_text}`);
  button.addEventListener("click", () => open(citation.article_id, citation.start_char_index, citation.end_char_index));
  return button;
}

function sourceItem(source, answer) {
  const item = document.createElement("li");
  const button = element("button", `${source.marker ? `[${source.marker}] ` : ""}${source.title ?? source.article_id}`);
  button.type = "button";
  const first = answer.citations.find((citation) => citation.source_id === source.id) ?? source;
  button.addEventListener("click", () => open(source.article_id, first.start_char_index, first.end_char_index));
  item.className = source.cited ? "cited" : "uncited";
  item.append(button, about(source));
  return item;
}

function about(article) {
  const line = element("p", [article.source, date(article.published_at)].filter(Boolean).join(" · "));
  line.className = "about";
  return line;
}

async function open(id, start, end) {
  const reply = await fetch(`/v1/articles/${encodeURIComponent(id)}`);
  const article = await reply.json();
  if (!reply.ok) return void ($("verdict").textContent = article.error.message);
  $("article-title").textContent = article.title ?? article.id;
  $("article-about").replaceChildren([article.source, date(article.published_at)].filter(Boolean).join(" · "));
  if (/^https?:\/\//u.test(article.url ?? "")) {
    const link = element("a", "Open the original");
    link.href = article.url;
    link.rel = "noopener noreferrer nofollow";
    $("article-about").append(" · ", link);
  }
  const points = [...article.body];
  const mark = element("mark", points.slice(start, end).join(""));
  $("article-body").replaceChildren(points.slice(0, start).join(""), mark, points.slice(end).join(""));
  $("article").hidden = false;
  const body = $("article-body");
  body.scrollTop += mark.getBoundingClientRect().top - body.getBoundingClientRect().top - body.clientHeight / 3;
  $("article").scrollIntoView({ block: "nearest" });
  $("article").focus({ preventScroll: true });
}

function date(moment) {
  return moment ? new Date(moment).toLocaleDateString(undefined, { dateStyle: "long" }) : "date unknown";
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

async function* events(stream) {
  let held = "";
  for await (const piece of read(stream.pipeThrough(new TextDecoderStream()))) {
    held += piece;
    const blocks = held.split("\n\n");
    held = blocks.pop();
    for (const block of blocks) {
      const line = block.split("\n").find((part) => part.startsWith("data: "));
      if (line) yield JSON.parse(line.slice(6));
    }
  }
}

async function* read(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
