"""The timed programs, one per library; each runs in its own environment and reads its job from a pipe."""
