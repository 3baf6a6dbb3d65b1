// What the script tag does: define the element, and place one where the page has none.

import { DatelineChat, home } from "./chat.js";

const script = /** @type {HTMLScriptElement?} */ (document.currentScript);

if (!customElements.get("dateline-chat")) {
  if (script?.src) home.base = new URL(".", script.src).href;
  customElements.define("dateline-chat", DatelineChat);
}

// Also where the element is known already: a page that replaces its body runs the script again, and the chat is gone.
if (document.readyState === "loading") addEventListener("DOMContentLoaded", place, { once: true });
else place();

/** Unless the page has an element of its own, or wants none: a launcher, or a chat where the script stands. */
function place() {
  const mode = script?.dataset.mode ?? "launcher";
  if (mode === "none" || document.querySelector("dateline-chat")) return;
  const chat = document.createElement("dateline-chat");
  for (const { name, value } of script?.attributes ?? []) if (name.startsWith("data-")) chat.setAttribute(name, value);
  chat.setAttribute("data-mode", mode);
  if (mode === "inline" && script?.isConnected && script.closest("body")) script.after(chat);
  else document.body.append(chat);
}
