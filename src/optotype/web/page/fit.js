// How pictures are brought to the model's size: the person's choice, remembered for each kind of picture.
//
// The kinds are drawings, photographs, and pictures that have the model's size already, which are best left alone.

import { byId } from "./elements.js";

/** @typedef {"drawing"|"photo"|"exact"} Kind */

/** The choice between "stretch" and "digit". */
export class Fit {
  #fits = { drawing: "stretch", photo: "stretch", exact: "stretch" };
  #kind = "drawing";
  #offered = false;

  /** @param {() => void} changed told when the person chose otherwise */
  constructor(changed) {
    byId("fit").addEventListener("change", (event) => {
      this.#fits[this.#kind] = event.target.checked ? "digit" : "stretch";
      changed();
    });
  }

  /** Begin with what suits a model. */
  suit(model) {
    this.#fits = { drawing: model.drawing_fit, photo: model.drawing_fit, exact: "stretch" };
    this.#offered = model.fits.includes("digit");
    this.show(this.#kind);
  }

  /**
   * Show the choice for a kind of picture.
   * @param {Kind} kind
   */
  show(kind) {
    this.#kind = kind;
    byId("fit-row").hidden = !this.#offered;
    byId("fit").checked = this.#fits[kind] === "digit";
  }

  /** @param {Kind} kind */
  of(kind) { return this.#fits[kind]; }
}
