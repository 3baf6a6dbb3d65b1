// The floating button and the dialog that it opens.

import { icon, ICONS, make } from "./element.js";

const FOCUSABLE = 'a[href], button:not([disabled]), textarea, input, summary, [tabindex="0"]';

/** A button in a corner of the page, and a dialog over it. */
export class Launcher {
  /**
   * @param {string} title
   * @param {(name: string) => void} tell tells the host page that the dialog opened or closed
   */
  constructor(title, tell) {
    this.button = make(
      "button",
      { type: "button", class: "launcher", part: "launcher", popover: "manual", "aria-haspopup": "dialog", "aria-expanded": "false", on: { click: () => this.open() } },
      icon(ICONS.ask),
      make("span", { dir: "auto", text: title }),
    );
    this.dialog = make("dialog", {
      class: "dialog",
      part: "dialog",
      "aria-labelledby": "title",
      on: { close: () => this.#closed(), keydown: (event) => this.#trap(event), click: (event) => this.#outside(event) },
    });
    this.#tell = tell;
  }

  #tell;
  /** @type {HTMLElement?} what of the page had the focus when the dialog was opened */
  #opener = null;
  /** @type {import("./panel.js").Panel?} */
  #panel = null;

  /** @param {import("./panel.js").Panel} panel what the dialog shows */
  hold(panel) {
    this.#panel = panel;
    this.dialog.replaceChildren(panel.element);
  }

  /** Above everything of the page, whatever its layers are: the button's place is the browser's top layer. */
  float() {
    if (this.button.isConnected && !this.button.matches(":popover-open")) this.button.showPopover();
  }

  /** Whether the dialog is open. */
  get opened() {
    return this.dialog.open;
  }

  /** After the element was moved: above everything again, the dialog as well if it was open. */
  restore() {
    this.float();
    if (!this.dialog.open) return;
    this.dialog.removeAttribute("open");
    this.#show();
  }

  /** The element is gone: when it comes back, the dialog is closed. */
  drop() {
    this.dialog.removeAttribute("open");
    this.button.setAttribute("aria-expanded", "false");
  }

  /** Open the dialog as it was before, without an event. */
  reopen() {
    this.#show();
  }

  /** Open the dialog, with the focus in the field. */
  open() {
    if (this.dialog.open) return;
    const focused = /** @type {HTMLElement?} */ (document.activeElement);
    // Of what is in our shadow, the page sees the host alone: that is the button.
    this.#opener = focused === document.body || focused === this.button.getRootNode().host ? null : focused;
    this.#show();
    this.#tell("open");
  }

  #show() {
    this.dialog.showModal();
    this.button.setAttribute("aria-expanded", "true");
    this.#panel?.composer.focus();
    this.#panel?.scrollToEnd();
  }

  /** Close the dialog; the focus goes back to where it was. */
  close() {
    this.dialog.close();
  }

  #closed() {
    this.button.setAttribute("aria-expanded", "false");
    if (this.#opener?.isConnected) this.#opener.focus();
    else this.button.focus();
    this.#tell("close");
  }

  /** A click beside the dialog, on what it dims, closes it. */
  #outside(event) {
    if (event.target === this.dialog) this.close();
  }

  /**
   * Tab stays in the dialog, round and round.
   * @param {KeyboardEvent} event
   */
  #trap(event) {
    if (event.key !== "Tab") return;
    const stops = [...this.dialog.querySelectorAll(FOCUSABLE)].filter((each) => each.checkVisibility());
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (this.dialog.getRootNode().activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
  }
}
