"""Image files: from encoded content to pixels, one at a time or many in worker processes."""
