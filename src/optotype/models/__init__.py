"""Trained models, their file format, and prediction from pixels to probabilities.

Modules:
    calibration: Calibration: temperature scaling of probabilities, and label sets that contain the true class at a
        target rate.
    checks: Checks that the parts of a model fit together: weights, golden images and provenance.
    file: The model file: safetensors, with one JSON text under the metadata key "optotype". No code, no pickle.
    file_upgrade: Model files of formats 1 and 2: their names of header keys and arrays, translated to those of
        format 3.
    golden: Golden images: images with the logits that a model computed at the end of training, checked at every
        load.
    inputs: Conversion of a caller's images (arrays, rows, image files) to the array that a network takes.
    model: A Model: trained weights with everything that prediction needs: layers, pixel scale, class names and
        provenance.
    novelty: Novelty detection: a distance from the training images, and a threshold above which an image counts as
        novel.
    prediction: A prediction of one image, with its uncertainty.
    provenance: The provenance of a model: data, split, run and environment that it was trained with, as typed
        values.
    summary: A model's summary as text: a table of its layers, its input, classes, uncertainty and provenance.
    transfer: Transfer learning: a recipe whose first layers start from the weights of a trained model.
"""
