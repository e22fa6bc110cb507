"""HTTP and the page: the only code that knows the web framework."""
