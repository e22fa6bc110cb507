"""Arrays as data sets: in memory, IDX and NPZ files.

Modules:
    idx: Reading and writing of IDX files, the format of MNIST. Plain files are memory-mapped; malformed ones are
        rejected.
    idx_folder: A folder of four IDX files with MNIST's names, each plain or compressed with gzip, as a Dataset.
    images: Checks and conversions of image arrays: shapes, dtypes, value ranges and channels.
    in_memory: Arrays and data frames in memory as a Dataset. They cannot be loaded again: their source is "arrays".
    npz: NPZ files with the arrays of Keras's data sets: x_train, y_train, x_test, y_test. The files are not
        trusted.
"""
