"""HTTP and the page: the only code that knows the web framework."""

from optotype.web.server import Settings, serve

__all__ = ["Settings", "serve"]
