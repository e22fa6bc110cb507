"""The engine: layer specs, and a typed Python interface to the native code that trains and predicts.

Modules:
    augmentation: Augmentation: random changes of training images, different in every epoch, as they enter the
        network.
    frozen: A network whose first layers are frozen: they compute as in prediction, and only the layers after them
        train.
    initializers: Initial values of parameters, named and defined as in Keras; they depend on a key only.
    layers: Layer specs, named and defined as in Keras, with their output shapes and parameters.
    network: A network that trains and predicts: a typed Python interface to the native engine.
    optimizers: Optimizer specs, named and defined as in Keras 3; the arithmetic is in csrc/kernels/optimizers.hpp.
    processor: The instruction sets and cores of this processor, and the choice of instruction set, precision and
        threads.
    schedules: Learning-rate schedules: pure functions from (schedule, peak rate, number of steps) to one rate per
        step.
    trainable: The interface of everything that a training loop can train.
"""

"""The engine: layer specs, and a typed Python interface to the native code that trains and predicts."""
