// The answer in words: a class, or several that it may be, or that the model does not know.

import { byId } from "./elements.js";
import { joined, percent } from "./words.js";

const MANY = 5; // classes beyond which a set is counted, not listed

const SET = "The model is asked for as many classes as it takes for the right one to be among them in about 99 of 100 pictures."
  + " One class means that it is sure; several that it cannot tell them apart. This was set on images that it was not trained on,"
  + " and holds for pictures like those.";
const UNKNOWN = "The picture lies further from the training images than all but 1 in 100 pictures of their kind. The model has to choose"
  + " one of its classes all the same, and its probabilities mean little here.";

/**
 * Say what a prediction comes to.
 * @param {any} prediction of the server
 * @returns {{label: string, doubt: string, meaning: string, kind: "sure"|"torn"|"unknown"}}
 */
export function verdictOf({ label, probability, label_set: set, unknown }) {
  const likely = `${label} (${percent(probability)})`;
  if (unknown) {
    return { label: "I don’t know", doubt: `This is unlike the training images. If it had to be one of them: ${likely}.`, meaning: UNKNOWN, kind: "unknown" };
  }
  if (set && set.length > MANY) {
    return { label: `It may be any of ${set.length} classes`, doubt: `Most likely ${likely}.`, meaning: SET, kind: "torn" };
  }
  if (set && set.length > 1) {
    return { label: `It may be ${joined(set)}`, doubt: `Most likely ${likely}.`, meaning: SET, kind: "torn" };
  }
  const doubt = set ? `${percent(probability)}. At the 99\u00a0% level it names this class alone.` : percent(probability);
  return { label, doubt, meaning: set ? SET : "", kind: "sure" };
}

/**
 * Show what a prediction comes to.
 * @param {any} prediction of the server
 */
export function showVerdict(prediction) {
  const { label, doubt, meaning, kind } = verdictOf(prediction);
  byId("verdict").className = `verdict is-${kind}${label.length <= 2 ? " is-short" : ""}`;
  byId("answer-heading").parentElement.classList.toggle("is-unsure", kind === "unknown");
  byId("verdict-label").textContent = label;
  byId("verdict-doubt").textContent = doubt;
  byId("verdict-meaning").hidden = !meaning;
  byId("verdict-why").textContent = meaning;
}

/** Show that there is nothing to say yet. */
export function emptyVerdict() {
  byId("verdict").className = "verdict is-empty";
  byId("answer-heading").parentElement.classList.remove("is-unsure");
  byId("verdict-label").textContent = "…";
  byId("verdict-doubt").textContent = "Waiting for a picture.";
  byId("verdict-meaning").hidden = true;
}
