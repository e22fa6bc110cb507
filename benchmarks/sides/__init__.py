"""The programs that are timed, one for each library; each runs in its own environment and reads its job from a pipe."""
