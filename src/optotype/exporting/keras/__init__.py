"""Export to and import from Keras model files.

Modules:
    from_keras: Import Keras models: from_keras. The file is read as data; nothing in it is run or trusted.
    hdf5_worker: A program that reads HDF5 in a separate process: the library is large, and a malicious file may
        crash it.
    layers: Translate Keras's description of a Sequential model into optotype's layers; all unsupported parts are
        listed at once.
    model_file: Read Keras model files (.keras and legacy .h5) without Keras, as JSON and arrays; no code in them is
        run.
    write: Keras export: a Sequential model of Keras's own layers, whose first layer scales the pixels.
"""
