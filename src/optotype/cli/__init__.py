"""The command line: one file per verb. Only this package prints, and heavy imports stay inside the verbs.

Modules:
    augmentation_preview: `optotype data --augment`: images as a training with this augmentation sees them, and the
        choice of "auto".
    compare: `optotype compare`: compare models on the same images, with a verdict for every pair and a report page.
    data: `optotype data`: the contents of a data set as a table and a sheet of images; with --check, its faults.
    export: `optotype export`: write a model as a file for other software.
    info: `optotype info`: the installed version, the instruction sets and the built-in data sets.
    input_sheet: `optotype predict --show`: the model's input images in one picture, with the predicted classes.
    judge: `optotype judge`: evaluate a model on its own test images or on new images, with intervals and diagnoses.
    layers: The table of a network's layers: their output shapes and numbers of parameters.
    loading: Loading data sets with a progress bar, which appears after two seconds. On a pipe the bar is one line.
    main: The command `optotype`: its verbs, and the only place that turns an error into a message and an exit code.
    options: Arguments and options that several verbs share.
    predict: `optotype predict`: classify any number of images with a model.
    prediction_writers: Writers of predictions: lines for people; JSON, CSV and Parquet for programs. Each writes
        chunk by chunk.
    print_judgement: Print a judgement: one row per split, one fact per line, and the verdict at the end.
    recipes: `optotype recipes`: list the built-in recipes, or print one recipe as TOML.
    runs: `optotype runs`: list the runs in a folder with their accuracies.
    serve: `optotype serve`: serve a model over HTTP, with a page to draw on.
    terminal: Output of all verbs: the console, text, tables, JSON and errors.
    train: `optotype train`: train a recipe on a data set and save the result in a run folder.
    training_progress: The progress of a training: a live line on a terminal, plain lines on a pipe, JSON lines for
        programs.
    training_result: The result of a training: accuracy with its 95 % interval, and the paths of the run and the
        model.
"""
