"""The engine: layer specs, defined once, and thin typed Python over the native code that trains and predicts."""
