"""Runs: the run folder, and the only code that reads or writes it.

Modules:
    environment: The environment of a run: versions of software, the processor, and the engine's settings.
    epoch: The record of one epoch, and epochs.jsonl, which grows by one line per epoch.
    files: Small JSON files of a run folder: reading and writing; every problem is a RunError that names the file.
    listing: The runs in a folder. A damaged run is listed with its problem and does not hide the other runs.
    manifest: Run.json: the data and the status of a run. It is the first file that a run writes.
    naming: Names of run folders: data, recipe, seed and time; a name is never used twice.
    origin: The origin of a model: its data and split, and loading both again exactly as they were in training.
    predictions: Predictions of a split's images, stored in the run folder; every score of a judgement is computed
        from them.
    run: A Run: one training and its folder. The folder is complete and correct at any moment, even if the process
        is killed.
    skipped: Skipped.json: the unreadable image files that a run was trained without; it exists only if there are
        any.
    split: Split.json: the indices of the validation images and the fingerprint of the data, sealed by a hash.
    targets: TARGET: a run folder or a model file, resolved the same way for every command.
"""
