// The page: a picture is drawn or given, the server says what it is, the page shows it.
//
// A picture is {kind, blob, strokes}: a drawing grows while it is the current one, anything else is a file. The fit is
// remembered for each kind: drawings, photographs, and pictures that already have the size of the model's images.

import { showModel } from "./about.js";
import { emptyBars, showBars } from "./bars.js";
import { takeByCamera } from "./camera.js";
import { newPicture, offerCorrection, ready, takeCorrections } from "./correction.js";
import { Drawing } from "./drawing.js";
import { byId } from "./elements.js";
import { drawByKeyboard } from "./keyboard.js";
import { Latest } from "./latest.js";
import { Notices, say } from "./notices.js";
import { Patience } from "./patience.js";
import { emptyPhoto, sizeOf, showPhoto } from "./photo.js";
import { takePictures } from "./pictures.js";
import { drawByPointer } from "./pointer.js";
import { emptyReasons, noReasons, showReasons, showSeen, staleReasons } from "./reasons.js";
import { Server } from "./server.js";
import { Token } from "./token.js";
import { emptyVerdict, showVerdict, verdictOf } from "./verdict.js";
import { Visit } from "./visit.js";

const EVERY = 50; // milliseconds at least between two questions
const PAUSE = 400; // milliseconds without a change, after which the reasons are asked for

const notices = new Notices();
const server = new Server(new Token());
const patience = new Patience(notices, server, learn);
const drawing = new Drawing(byId("surface"), drawn);
const visit = new Visit(recall);
const after = (error) => patience.after(error);
const predicting = new Latest({ ask: predict, shown: predicted, failed, patience: after, every: EVERY });
const explaining = new Latest({ ask: explain, shown: explained, failed: unexplained, patience: after, every: 0 });

let model = null;
let fits = {};
let current = null; // the picture that is shown
let trial = null; // a picture that was given and has no answer yet; one that is refused leaves the current one
let complaint = null; // the picture that the banner complains of
let pausing = 0; // the timer that runs from an answer to the reasons

const fitOf = (picture) => fits[picture.kind];
const bodyOf = (picture) => picture.blob ?? drawing.png();

async function predict(picture, signal) {
  return server.predict(await bodyOf(picture), fitOf(picture), signal);
}

async function explain(picture, signal) {
  return server.explain(await bodyOf(picture), fitOf(picture), signal);
}

/** The drawing was changed by somebody. */
function drawn() {
  if (!current || current.blob) begin();
  if (trial) leave();
  byId("undo").disabled = !drawing.canUndo;
  if (drawing.isEmpty) return empty();
  byId("clear").disabled = false;
  byId("hint").hidden = true;
  changed();
  predicting.want(current);
}

/** A drawing begins; the one before stays in the visit. */
function begin() {
  leave();
  current = { kind: "drawing" };
  emptyPhoto();
  newPicture();
  showFit();
}

/** What was shown is not what is shown now. */
function changed() {
  clearTimeout(pausing);
  explaining.forget();
  staleReasons();
}

/** Ask no more about what was there. */
function leave() {
  trial = null;
  predicting.forget();
  changed();
}

/** Nothing is shown. */
function empty() {
  leave();
  current = null;
  emptyPhoto();
  emptyVerdict();
  emptyBars(model?.class_names ?? []);
  emptyReasons();
  newPicture();
  ready(false);
  visit.mark(null);
  showFit();
  byId("hint").hidden = false;
  byId("clear").disabled = true;
}

/** A file was given. It is shown once the server has read it. */
async function offered(blob, name) {
  notices.clear("problem");
  if (model && blob.size > model.limits.body_bytes) {
    return useless(`${name || "The picture"} has ${Math.ceil(blob.size / 1e6)} MB, expected at most ${Math.floor(model.limits.body_bytes / 1e6)}. Make it smaller.`);
  }
  leave();
  const picture = { kind: await kindOf(blob), blob, name };
  trial = picture;
  byId("frame").setAttribute("aria-busy", "true");
  predicting.want(picture);
}

async function kindOf(blob) {
  const { width, height } = await sizeOf(blob);
  return model && height === model.input_shape[0] && width === model.input_shape[1] ? "exact" : "photo";
}

/** A picture takes the place of what was shown. */
function adopt(picture, seen) {
  trial = null;
  current = picture;
  newPicture();
  showFit();
  drawing.restore(picture.strokes ?? []);
  byId("hint").hidden = true;
  byId("clear").disabled = false;
  byId("undo").disabled = !drawing.canUndo;
  if (picture.blob) showPhoto(picture.blob, picture.name, seen);
  else emptyPhoto();
}

function recall(picture) {
  leave();
  adopt(picture, picture.seen);
  predicting.want(picture);
}

function predicted(answer, picture) {
  if (answer.model !== model?.fingerprint) learn();
  const [prediction] = answer.predictions;
  notices.clear("busy");
  byId("frame").removeAttribute("aria-busy");
  if (picture === complaint || picture === trial) notices.clear("problem");
  if (picture === trial) adopt(picture, prediction.seen);
  picture.seen = prediction.seen;
  showVerdict(prediction);
  showBars(prediction.top, model?.class_names ?? []);
  showSeen(prediction.seen, model?.input_shape ?? [0, 0, 0]);
  ready(true);
  clearTimeout(pausing);
  pausing = setTimeout(() => paused(picture, prediction), PAUSE);
}

/** Nobody has changed anything for a moment. */
function paused(picture, prediction) {
  const { label, doubt, kind } = verdictOf(prediction);
  if (!picture.blob) picture.strokes = drawing.strokes;
  visit.note(picture, kind === "unknown" ? "unknown" : prediction.label, prediction.seen);
  say(`${label}. ${doubt}`);
  explaining.want(picture);
}

function explained(answer) {
  notices.clear("busy");
  showReasons(answer);
}

function failed(error, picture) {
  notices.clear("busy");
  byId("frame").removeAttribute("aria-busy");
  complaint = picture;
  notices.show("problem", error.message);
  if (picture !== trial) return;
  trial = null;
  // The former picture stays, and so does what was being asked of it.
  if (current) predicting.want(current);
}

function unexplained(error) {
  noReasons(error.message);
}

function useless(sentence) {
  complaint = null;
  notices.show("problem", sentence);
}

/** Ask the server about its model, as often as it takes; tell where it is another one than before. */
async function learn() {
  for (;;) {
    try {
      return met(await server.model());
    } catch (error) {
      const again = patience.after(error);
      if (!again) return useless(error.message);
      await again;
    }
  }
}

function met(newer) {
  const former = model;
  model = newer;
  if (former?.fingerprint === newer.fingerprint) return;
  notices.clear("busy");
  const [height, width] = newer.input_shape;
  fits = { drawing: newer.drawing_fit, photo: newer.drawing_fit, exact: "stretch" };
  drawing.suit(height, width, newer.drawing_fit === "digit");
  byId("frame").style.aspectRatio = `${width} / ${height}`;
  showModel(newer);
  offerCorrection(newer);
  if (former) notices.show("news", `The server has another model now: ${newer.name}. Answers are that one's.`);
  if (!current) return empty();
  showFit();
  changed();
  predicting.want(current);
}

function showFit() {
  byId("fit-row").hidden = !model?.fits.includes("digit");
  byId("fit").checked = fits[current?.kind ?? "drawing"] === "digit";
}

function refit() {
  fits[current?.kind ?? "drawing"] = byId("fit").checked ? "digit" : "stretch";
  if (!current) return;
  changed();
  predicting.want(current);
}

async function keep(label) {
  for (;;) {
    try {
      return await server.correct(await bodyOf(current), fitOf(current), label);
    } catch (error) {
      const again = patience.after(error);
      if (!again) throw error;
      await again;
    }
  }
}

byId("main").hidden = false;
const starts = () => { if (current?.blob) drawing.restore([]); };
drawByPointer(byId("surface"), drawing, starts);
drawByKeyboard(byId("surface"), byId("cursor"), drawing, starts);
takePictures(offered, useless);
takeByCamera(offered, useless, () => ({ width: model?.input_shape[1] ?? 1, height: model?.input_shape[0] ?? 1 }));
takeCorrections(keep, (error) => useless(error.message));
byId("undo").addEventListener("click", () => drawing.undo());
byId("clear").addEventListener("click", () => drawing.clear());
byId("fit").addEventListener("change", refit);
learn();
