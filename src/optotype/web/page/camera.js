// The camera: a viewfinder with the proportions of the model's images, on only while it is looked at.

import { byId } from "./elements.js";

const LONGEST = 1024; // pixels of the longer side of a picture taken

/**
 * Let pictures be taken.
 * @param {(file: Blob, name: string) => void} offered told of each, a PNG file
 * @param {(sentence: string) => void} useless told why there is no camera
 * @param {() => {width: number, height: number}} shape the proportions of the model's images
 */
export function takeByCamera(offered, useless, shape) {
  const dialog = byId("camera"), video = byId("finder"), take = byId("take");
  let stream = null, isOpening = false;

  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
    dialog.close();
  };
  byId("open-camera").addEventListener("click", async () => {
    if (isOpening) return;
    isOpening = true;
    const { width, height } = shape();
    video.style.aspectRatio = `${width} / ${height}`;
    try {
      if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    } catch (error) {
      useless(why(error));
      return;
    } finally {
      isOpening = false;
    }
    video.srcObject = stream;
    take.disabled = true;
    dialog.showModal();
    await video.play().then(() => { take.disabled = false; take.focus(); }, stop);
  });
  take.addEventListener("click", async () => {
    const file = await photograph(video, shape());
    stop();
    offered(file, "from the camera");
  });
  byId("close-camera").addEventListener("click", stop);
  dialog.addEventListener("close", () => { if (stream) stop(); });
  document.addEventListener("visibilitychange", () => { if (document.hidden && stream) stop(); });
  addEventListener("pagehide", () => { if (stream) stop(); });
}

function photograph(video, { width, height }) {
  // The largest part of the frame that has the proportions, from its middle: what the viewfinder shows.
  const factor = Math.min(video.videoWidth / width, video.videoHeight / height);
  const across = width * factor, down = height * factor;
  const canvas = document.createElement("canvas");
  const less = Math.min(1, LONGEST / Math.max(across, down));
  canvas.width = Math.round(across * less);
  canvas.height = Math.round(down * less);
  const [left, top] = [(video.videoWidth - across) / 2, (video.videoHeight - down) / 2];
  canvas.getContext("2d").drawImage(video, left, top, across, down, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function why(error) {
  switch (error.name) {
    case "NotAllowedError": return "The camera may not be used: permission was refused. Allow it in the browser's settings for this page.";
    case "NotFoundError": case "OverconstrainedError": return "No camera was found. Connect one, or choose a picture.";
    case "NotReadableError": return "The camera cannot be read. Another program may be using it; close that, and try again.";
    case "SecurityError": return "This browser gives the camera only to pages of this machine (127.0.0.1 or localhost) or over HTTPS. Choose a picture instead.";
    default: return `The camera cannot be used: ${error.message || error.name}. Choose a picture instead.`;
  }
}
