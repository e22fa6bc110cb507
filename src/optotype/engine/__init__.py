"""The engine: layer specs, and a typed Python interface to the native code that trains and predicts."""

"""The engine: layer specs, and a typed Python interface to the native code that trains and predicts."""
