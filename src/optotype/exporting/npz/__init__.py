"""Export as NPZ, NumPy's archive of arrays.

Modules:
    reader: Reader of NPZ exports that needs only NumPy. docs/exports.md shows this file, so it imports nothing of
        optotype.
    write: NPZ export: each layer's weights as arrays in Keras's layout, everything else as a JSON text, no pickle.
"""
