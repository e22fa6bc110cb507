"""A benchmark side that computes nothing: it takes its turns, prints other output, and fails in a given turn."""

import os
import sys

from benchmarks.sides import child
from benchmarks.sides.child import Json, Parent


def train(parent: Parent) -> Json:
    """Run the turns of the job."""
    sys.stdout.write("noise\n")
    for turn in range(parent.job["turns"]):
        parent.begin()
        if turn == parent.job.get("fails"):
            raise ValueError("out of luck")
        parent.end()
    return {"name": parent.job["name"], "mood": os.environ.get("MOOD"), "versions": {"fake": "1"}}


if __name__ == "__main__":
    child.run({"train": train})
