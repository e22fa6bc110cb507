// The page: the user draws or uploads an image, the server predicts its class, and the page shows the prediction.
//
// An image is {kind, blob, name, strokes, inputImage}. A drawing has no blob: it changes while it is the current image,
// and its strokes are stored when the user stops. An upload has a blob, whose bytes are sent unchanged.

import { Api } from "./api.js";
import { announce, Banners } from "./banners.js";
import { clearBars, showBars } from "./bars.js";
import { setUpCamera } from "./camera.js";
import { resetCorrection, setCanCorrect, setUpCorrections, showCorrectionForm } from "./correction.js";
import { Drawing } from "./drawing.js";
import { byId } from "./elements.js";
import { clearExplanation, markExplanationStale, showExplanation, showExplanationError, showInputImage } from "./explanation.js";
import { Fit } from "./fit.js";
import { ImageHistory } from "./history.js";
import { setUpKeyboard } from "./keyboard.js";
import { LatestRequest } from "./latest-request.js";
import { showModel } from "./model.js";
import { setUpPointer } from "./pointer.js";
import { clearPrediction, describePrediction, showPrediction } from "./prediction.js";
import { Retry } from "./retry.js";
import { Token } from "./token.js";
import { setUpUpload } from "./upload.js";
import { hideUploadedImage, readImageSize, showUploadedImage } from "./uploaded-image.js";

const MIN_INTERVAL = 50; // milliseconds between two predictions
const EXPLAIN_DELAY = 400; // milliseconds without a change before an explanation is requested
const NEIGHBOURS_DELAY = 2000; // milliseconds before neighbours are requested again that were not ready

const banners = new Banners();
const api = new Api(new Token());
const retry = new Retry(banners, api, loadModel);
const drawing = new Drawing(byId("canvas"), onDrawingChange);
const fit = new Fit(onFitChange);
const imageHistory = new ImageHistory(onHistorySelect);
const waitToRetry = (error) => retry.after(error);
const predictions = new LatestRequest({
  send: async (image, signal) => api.predict(await getFile(image), fit.get(image.kind), signal),
  onResponse: onPrediction, onError: onPredictionError, waitToRetry, minInterval: MIN_INTERVAL,
});
const explanations = new LatestRequest({
  send: async (image, signal) => api.explain(await getFile(image), fit.get(image.kind), signal),
  onResponse: onExplanation, onError: (error) => showExplanationError(error.message), waitToRetry, minInterval: 0,
});

let model = null; // the last response of /v1/model
let currentImage = null; // the image that is shown
let uploadedImage = null; // an upload without a prediction; if it is rejected, the current image stays
let rejectedImage = null; // the image that the error banner is about
let timer = 0; // runs from a prediction to the explanation

async function getFile(image) {
  return image.blob ?? drawing.toPng();
}

/** Request a prediction. If the model is not known yet, its arrival requests it. */
function requestPrediction() {
  const image = uploadedImage ?? currentImage;
  if (model && image) predictions.request(image);
}

/** Discard the explanation: the image changed. */
function discardExplanation() {
  clearTimeout(timer);
  explanations.cancel();
  markExplanationStale();
}

/** Cancel all requests. */
function cancelRequests() {
  uploadedImage = null;
  predictions.cancel();
  discardExplanation();
  banners.hide("busy");
  byId("frame").removeAttribute("aria-busy");
}

/** Show another image, or null for an empty canvas. */
function setCurrentImage(image) {
  cancelRequests();
  rejectedImage = null;
  currentImage = image;
  if (image?.blob) showUploadedImage(image.blob, image.name, image.inputImage);
  else hideUploadedImage();
  resetCorrection();
  fit.show(image?.kind ?? "drawing");
  imageHistory.select(image);
  byId("hint").hidden = Boolean(image);
  byId("clear").setAttribute("aria-disabled", String(!image));
  byId("undo").setAttribute("aria-disabled", String(!drawing.canUndo));
}

function onDrawingChange() {
  if (drawing.isEmpty) return showEmptyPage();
  if (!currentImage || currentImage.blob) setCurrentImage({ kind: "drawing" });
  if (uploadedImage) cancelRequests();
  if (rejectedImage !== currentImage) {
    banners.hide("error");
    rejectedImage = null;
    fit.show(currentImage.kind);
  }
  byId("undo").setAttribute("aria-disabled", "false");
  discardExplanation();
  requestPrediction();
}

function showEmptyPage() {
  setCurrentImage(null);
  clearPrediction();
  clearBars(model?.class_names ?? []);
  clearExplanation();
  setCanCorrect(false);
  announce("");
}

/** Handle a file; it is shown when the server has read it. */
async function onFile(blob, name) {
  banners.hide("error");
  if (model && blob.size > model.limits.body_bytes) {
    const megabytes = Math.ceil(blob.size / 1e6), limit = Math.floor(model.limits.body_bytes / 1e6);
    showError(`${name || "The image"} has ${megabytes} MB, expected at most ${limit} MB. Reduce its size.`);
    return;
  }
  const size = await readImageSize(blob);
  const isExact = size.height === model?.input_shape[0] && size.width === model?.input_shape[1];
  upload({ kind: isExact ? "exact" : "file", blob, name });
}

function upload(image) {
  cancelRequests();
  uploadedImage = image;
  byId("frame").setAttribute("aria-busy", "true");
  requestPrediction();
}

function onHistorySelect(image) {
  banners.hide("error");
  drawing.restore(image.strokes ?? []);
  setCurrentImage(image);
  requestPrediction();
}

function onPrediction(response, image) {
  const [prediction] = response.predictions;
  banners.hide("busy");
  if (image === rejectedImage) banners.hide("error");
  image.inputImage = prediction.input_image;
  if (image === uploadedImage) {
    drawing.restore([]);
    setCurrentImage(image);
  }
  showPrediction(prediction);
  showBars(prediction.top, model.class_names);
  showInputImage(prediction.input_image, model.input_shape);
  setCanCorrect(true);
  clearTimeout(timer);
  timer = setTimeout(() => onPause(image, prediction), EXPLAIN_DELAY);
  if (response.model !== model.fingerprint) loadModel();
}

/** The user has changed nothing for a while. */
function onPause(image, prediction) {
  const { label, details, kind } = describePrediction(prediction);
  if (!image.blob) image.strokes = drawing.strokes;
  imageHistory.add(image, kind === "unknown" ? "unknown" : prediction.label, prediction.input_image);
  announce(`${label}. ${details}`);
  explanations.request(image);
}

function onExplanation(explanation, image) {
  banners.hide("busy");
  showExplanation(explanation);
  if (model.neighbours !== "preparing" || explanation.neighbours.images.length) return;
  timer = setTimeout(async () => {
    await loadModel();
    if (image === currentImage) explanations.request(image);
  }, NEIGHBOURS_DELAY);
}

function onPredictionError(error, image) {
  showError(error.message);
  rejectedImage = image;
  if (image !== uploadedImage) return;
  cancelRequests();
  // Another fit may work for the rejected image.
  fit.show(image.kind);
  // The previous image stays, with the requests that it still needs.
  requestPrediction();
}

function showError(message) {
  banners.hide("busy");
  rejectedImage = null;
  fit.show(currentImage?.kind ?? "drawing");
  banners.show("error", message);
}

/** Load the model's description; retries until the server responds. */
async function loadModel() {
  try {
    setModel(await retry.run(() => api.model()));
  } catch (error) {
    showError(error.message);
  }
}

function setModel(newModel) {
  const oldModel = model;
  model = newModel;
  banners.hide("busy");
  const isOther = oldModel?.fingerprint !== newModel.fingerprint;
  if (isOther || oldModel.corrections_folder !== newModel.corrections_folder) showCorrectionForm(newModel);
  if (!isOther) return;
  const [height, width] = newModel.input_shape;
  fit.configure(newModel);
  drawing.configure(height, width, newModel.drawing_fit === "digit");
  byId("frame").style.aspectRatio = `${width} / ${height}`;
  showModel(newModel);
  if (oldModel) banners.show("info", `The server loaded another model: ${newModel.name}. Predictions now come from it.`);
  if (!currentImage && !uploadedImage) showEmptyPage();
  else discardExplanation();
  requestPrediction();
}

/** Predict again with another fit; if the last image was rejected, try that one again. */
function onFitChange() {
  if (rejectedImage?.blob && rejectedImage !== currentImage) return upload(rejectedImage);
  if (!currentImage) return;
  discardExplanation();
  requestPrediction();
}

async function saveCorrection(label) {
  const body = await getFile(currentImage), fitChoice = fit.get(currentImage.kind);
  return retry.run(() => api.correct(body, fitChoice, label));
}

byId("main").hidden = false;
setUpPointer(byId("canvas"), drawing);
setUpKeyboard(byId("canvas"), byId("cursor"), drawing);
setUpUpload(onFile, showError);
setUpCamera(onFile, showError, () => ({ width: model?.input_shape[1] ?? 1, height: model?.input_shape[0] ?? 1 }));
setUpCorrections(saveCorrection, (error) => showError(error.message));
byId("undo").addEventListener("click", () => { if (drawing.canUndo) drawing.undo(); });
byId("clear").addEventListener("click", () => drawing.clear());
loadModel();
