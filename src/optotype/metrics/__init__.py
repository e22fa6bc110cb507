"""Pure functions of logits and labels: scores, and intervals that say how far a score can be trusted."""
