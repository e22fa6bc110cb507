"""HTTP interface and web page of `optotype serve`; no other package imports the web framework.

Modules:
    api: The HTTP API under /v1: predict, explain, corrections, model.
    app: The ASGI application: its routes, and the middleware in front of them, outermost last.
    batching: Dynamic batching: while the model computes one batch, arriving requests form the next one.
    bodies: Conversion of request bodies to model inputs; every byte of a body is untrusted.
    concurrency: Limit on the number of requests that are processed at once.
    connection: Limits of a connection, from its first byte on: before a request is complete, and while a response
        waits.
    docs: The interactive API documentation at /docs: Swagger UI, served from files of this machine.
    explaining: Explanations of predictions; their computations take turns with batches of predictions.
    guard: Access control: checks of Host, Origin, Sec-Fetch-Site and the bearer token, and the security headers of
        responses.
    limits: Limits of the server, and the middleware that enforces those on request bodies.
    metrics: Prometheus metrics of the server.
    problems: Error responses in application/problem+json (RFC 9457): a title, a status, and a detail that says what
        to do.
    schemas: Response bodies of the HTTP interface, as OpenAPI describes them.
    served_model: The served model with its fingerprint, run and accuracy, as one value; a reload creates another
        one.
    server: The server process: its listening socket, event loop and signals.
    service: The service behind the HTTP interface: the served model, its queue, explanations, corrections and
        metrics.
    shutdown: Response to requests that are cancelled because the server stops.
    uvicorn_protocol: The only module that uses undocumented attributes of uvicorn; policies are in `connection` and
        `server`.
"""

from optotype.web.server import Settings, serve

__all__ = ["Settings", "serve"]
