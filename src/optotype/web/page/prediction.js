// The prediction in words: one class, several possible classes, or "I don't know".

import { byId } from "./elements.js";
import { formatList, formatProbability } from "./text.js";

const MAX_LISTED = 5; // larger label sets are counted, not listed

const ABOUT_LABEL_SETS = "The model names as many classes as are needed to contain the true class for about 99 of 100 images (a label set)."
  + " One class means that the model is certain. Several classes mean that it cannot tell them apart. This was calibrated on images"
  + " that were not used for training, and applies to images like those.";
const ABOUT_NOVELTY = "The image is further from the training images than 99 of 100 images of the same kind. The model still has to choose"
  + " one of its classes, so its probabilities mean little here.";

/**
 * Describe a prediction.
 * @param {any} prediction an element of the response of /v1/predict
 * @returns {{label: string, details: string, help: string, kind: "certain"|"ambiguous"|"unknown"}}
 */
export function describePrediction({ label, probability, label_set: labelSet, unknown }) {
  const mostProbable = `${label} (${formatProbability(probability)})`;
  if (unknown) {
    const details = `This image is unlike the training images. Most probable class: ${mostProbable}.`;
    return { label: "I don’t know", details, help: ABOUT_NOVELTY, kind: "unknown" };
  }
  if (labelSet && labelSet.length > 1) {
    const classes = labelSet.length > MAX_LISTED ? `one of ${labelSet.length} classes` : formatList(labelSet);
    return { label: `It may be ${classes}`, details: `Most probable: ${mostProbable}.`, help: ABOUT_LABEL_SETS, kind: "ambiguous" };
  }
  const details = labelSet
    ? `${formatProbability(probability)}. The only class in the label set at the 99\u00a0% level.` : formatProbability(probability);
  return { label, details, help: labelSet ? ABOUT_LABEL_SETS : "", kind: "certain" };
}

/**
 * Show a prediction.
 * @param {any} prediction an element of the response of /v1/predict
 */
export function showPrediction(prediction) {
  const { label, details, help, kind } = describePrediction(prediction);
  byId("prediction").className = `prediction is-${kind}${label.length <= 2 ? " is-short" : ""}`;
  byId("prediction-heading").parentElement.classList.toggle("is-uncertain", kind === "unknown");
  byId("prediction-label").textContent = label;
  byId("prediction-details").textContent = details;
  byId("prediction-help").hidden = !help;
  byId("prediction-help-text").textContent = help;
}

/** Show that there is no prediction yet. */
export function clearPrediction() {
  byId("prediction").className = "prediction is-empty";
  byId("prediction-heading").parentElement.classList.remove("is-uncertain");
  byId("prediction-label").textContent = "…";
  byId("prediction-details").textContent = "Waiting for an image.";
  byId("prediction-help").hidden = true;
}
