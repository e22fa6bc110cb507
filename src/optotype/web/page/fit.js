// How images are brought to the model's input size: the user's choice for each kind of image.
//
// The kinds are drawings, uploaded files, and files that already have the input size, which are best left unchanged.

import { byId } from "./elements.js";

/** @typedef {"drawing"|"file"|"exact"} Kind */

/** The choice between "stretch" and "digit". */
export class Fit {
  #choices = { drawing: "stretch", file: "stretch", exact: "stretch" };
  #kind = "drawing";
  #isAvailable = false;

  /** @param {() => void} onChange called when the user changes the choice */
  constructor(onChange) {
    byId("fit").addEventListener("change", (event) => {
      this.#choices[this.#kind] = event.target.checked ? "digit" : "stretch";
      onChange();
    });
  }

  /** Set the model's defaults. */
  configure(model) {
    this.#choices = { drawing: model.drawing_fit, file: model.drawing_fit, exact: "stretch" };
    this.#isAvailable = model.fits.includes("digit");
    this.show(this.#kind);
  }

  /**
   * Show the choice for a kind of image.
   * @param {Kind} kind
   */
  show(kind) {
    this.#kind = kind;
    byId("fit-row").hidden = !this.#isAvailable;
    byId("fit").checked = this.#choices[kind] === "digit";
  }

  /** @param {Kind} kind */
  get(kind) { return this.#choices[kind]; }
}
