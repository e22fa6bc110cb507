// What the page has to say beside the answer: banners, and what screen readers are told.

import { byId, made } from "./elements.js";

/** One banner of each kind at most: "gone", "busy", "problem", "news". */
export class Notices {
  #shown = new Map();

  /**
   * Show a banner, or change what it says.
   * @param {"gone"|"busy"|"problem"|"news"} kind
   * @param {string} text
   */
  show(kind, text) {
    const known = this.#shown.get(kind);
    if (known) {
      // The same text again would be read out again.
      if (known.firstChild.textContent !== text) known.firstChild.textContent = text;
      return;
    }
    const notice = made("div", { class: `notice is-${kind}` }, made("p", {}, text));
    if (kind === "problem" || kind === "news") {
      const close = made("button", { type: "button" }, "Close");
      close.addEventListener("click", () => this.clear(kind));
      notice.append(close);
    }
    this.#shown.set(kind, notice);
    byId("notices").append(notice);
  }

  /** Take a banner away. */
  clear(kind) {
    this.#shown.get(kind)?.remove();
    this.#shown.delete(kind);
  }
}

/**
 * Tell screen readers something, when they are done with what they say.
 * @param {string} text
 */
export function say(text) {
  const spoken = byId("spoken");
  if (spoken.textContent !== text) spoken.textContent = text;
}
