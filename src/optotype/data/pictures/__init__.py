"""Image files: from encoded content to pixels, one at a time or many in worker processes.

Modules:
    cache: The cache of decoded image files: uint8 pixels that are memory-mapped, and an index that describes them.
    chunks: Decoding of any number of image files to arrays, with one chunk in memory at a time.
    decode: Conversion of an image file to the array that a model expects.
    digits: Preprocessing of a drawn or photographed digit as for MNIST.
    encode: Images as PNG files and as data URIs, with which a page needs no other file.
    image_file: Opening of an image file, without trusting the file.
    location: The location of an encoded image: a file, or a range of bytes in a file.
    worker: The program that decodes image files in a separate process, so that a crash or hang does not affect the
        caller.
    worker_pool: Decoding of many image files at once, in worker processes that write pixels directly into files.
"""
