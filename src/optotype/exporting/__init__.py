"""Export: write a model as a file for other software and verify it before saving; import Keras models.

Modules:
    export: Export a model: write a draft next to its destination, verify the draft, then move it there.
    exported_model: A model as every export contains it: the temperature is folded into the last layer, so no reader
        has to know it.
    formats: The export formats by name. A new format is one module with a `FORMAT` and one line in FORMATS.
    onnx: ONNX export: uint8 images in, probabilities and logits out.
    verification: Verification of exports: a file is only saved if its predictions are those of its model.
"""
