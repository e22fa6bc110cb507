"""Everything a person looks at: reports, model cards, figures, image sheets and the notebook display.

Modules:
    comparison: The page of a comparison: verdicts, tables, and the images on which models disagree, in one
        self-contained file.
    confusion: Order of the classes in a confusion matrix, and its most frequent confusions.
    curves: Learning curves as figures: loss or accuracy over the epochs, training and validation.
    doctor: The page of `optotype data check`: the images in question, worst first, in one self-contained HTML file.
    facts: Facts about a model and its training as rows of a table: layers, recipe settings, provenance.
    figures: The figures of a report. The page has a table with the same numbers beside each, so the alt texts are
        short.
    first_layer: The weights of the first layer as images.
    gallery: The images of a report: top losses, most confident errors, a random sample, and the most novel ones.
    image_sheet: An image sheet: images side by side in labelled rows, as one PNG file.
    model_card: The model card: a Markdown file with the YAML head that model hubs read.
    notebook: How runs and judgements are displayed in a notebook.
    rendering: The Jinja environment of every page and of the model card.
    report: The report of a judgement: the values of its template.
    svg: Matplotlib figures as inline SVG: in the colours, light or dark, and in the font of their page.
    words: Formatting of numbers for reports, and the verdict of a judgement in sentences.
    write: Writes a judgement as the two files that people read: the report and the model card.
"""

from optotype.reporting.write import write_report

__all__ = ["write_report"]
