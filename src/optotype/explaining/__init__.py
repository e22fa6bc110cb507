"""Explanations of predictions: occlusion maps and similar training images.

Modules:
    neighbours: Nearest neighbours: the training images with the most similar features, the inputs of the model's
        last layer.
    occlusion: Occlusion maps: which parts of an image support a class.
"""
