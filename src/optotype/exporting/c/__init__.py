"""Export as C99 source code.

Modules:
    format: The export format "c".
    functions: The layers as C99 functions on float32; an exported source contains those that its network uses.
    program: Compile an exported C source into a program and run it: faults in a separate process do no harm.
    source: C export: a header and a C99 source for any processor with a C compiler, including microcontrollers.
"""
