"""HTTP interface and web page of `optotype serve`; no other package imports the web framework."""

from optotype.web.server import Settings, serve

__all__ = ["Settings", "serve"]
