// The camera: a viewfinder with the aspect ratio of the model's input; the camera is on only while it is open.

import { byId } from "./elements.js";

const MAX_SIDE = 1024; // pixels of the longer side of a photo

/**
 * Set up the camera.
 * @param {(file: Blob, name: string) => void} onImage called with each photo, a PNG file
 * @param {(message: string) => void} onError called with the reason if the camera is not available
 * @param {() => {width: number, height: number}} inputSize returns the size of the model's input
 */
export function setUpCamera(onImage, onError, inputSize) {
  const dialog = byId("camera"), video = byId("viewfinder"), takeButton = byId("take-photo");
  let stream = null, isOpening = false;

  const stop = () => {
    stream?.getTracks().forEach((track) => { track.stop(); });
    stream = null;
    video.srcObject = null;
    dialog.close();
  };
  byId("open-camera").addEventListener("click", async () => {
    if (isOpening) return;
    isOpening = true;
    const { width, height } = inputSize();
    video.style.aspectRatio = `${width} / ${height}`;
    try {
      if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    } catch (error) {
      onError(describeError(error));
      return;
    } finally {
      isOpening = false;
    }
    video.srcObject = stream;
    takeButton.disabled = true;
    dialog.showModal();
    await video.play().then(() => { takeButton.disabled = false; takeButton.focus(); }, stop);
  });
  takeButton.addEventListener("click", async () => {
    const file = await takePhoto(video, inputSize());
    stop();
    onImage(file, "from the camera");
  });
  byId("close-camera").addEventListener("click", stop);
  dialog.addEventListener("close", () => { if (stream) stop(); });
  document.addEventListener("visibilitychange", () => { if (document.hidden && stream) stop(); });
  addEventListener("pagehide", () => { if (stream) stop(); });
}

function takePhoto(video, { width, height }) {
  // The viewfinder shows the largest centred part of the video with the input's aspect ratio.
  const scale = Math.min(video.videoWidth / width, video.videoHeight / height);
  const cropWidth = width * scale, cropHeight = height * scale;
  const canvas = document.createElement("canvas");
  const reduction = Math.min(1, MAX_SIDE / Math.max(cropWidth, cropHeight));
  canvas.width = Math.round(cropWidth * reduction);
  canvas.height = Math.round(cropHeight * reduction);
  const [left, top] = [(video.videoWidth - cropWidth) / 2, (video.videoHeight - cropHeight) / 2];
  canvas.getContext("2d").drawImage(video, left, top, cropWidth, cropHeight, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
}

function describeError(error) {
  switch (error.name) {
    case "NotAllowedError": return "The camera permission was denied. Allow the camera in the browser's settings for this page.";
    case "NotFoundError":
    case "OverconstrainedError": return "No camera was found. Connect a camera, or upload an image.";
    case "NotReadableError": return "The camera cannot be read. Another program may be using it; close that program and try again.";
    case "SecurityError": return "This browser allows the camera only on this machine (127.0.0.1 or localhost) or over HTTPS. Upload an image instead.";
    default: return `The camera is not available: ${error.message || error.name}. Upload an image instead.`;
  }
}
