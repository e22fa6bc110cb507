// Banners, and announcements for screen readers.

import { byId, createElement } from "./elements.js";

/** The banners, at most one of each kind: "offline", "busy", "error", "info". */
export class Banners {
  #banners = new Map();

  /**
   * Show a banner, or change its text.
   * @param {"offline"|"busy"|"error"|"info"} kind
   * @param {string} text
   */
  show(kind, text) {
    const existing = this.#banners.get(kind);
    if (existing) {
      // Screen readers would read the same text again.
      if (existing.firstChild.textContent !== text) existing.firstChild.textContent = text;
      return;
    }
    const banner = createElement("div", { class: `banner is-${kind}` }, createElement("p", {}, text));
    if (kind === "error" || kind === "info") {
      const closeButton = createElement("button", { type: "button" }, "Close");
      closeButton.addEventListener("click", () => this.hide(kind));
      banner.append(closeButton);
    }
    this.#banners.set(kind, banner);
    byId("banners").append(banner);
  }

  /** Remove a banner. */
  hide(kind) {
    this.#banners.get(kind)?.remove();
    this.#banners.delete(kind);
  }
}

/**
 * Let screen readers read a text after what they are reading now.
 * @param {string} text
 */
export function announce(text) {
  const region = byId("announcement");
  if (region.textContent !== text) region.textContent = text;
}
