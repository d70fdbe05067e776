"""Pages leave compressed; nothing else that is made for one reader does (decision 22)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.middleware.gzip import GZipMiddleware


class PageCompressionMiddleware(GZipMiddleware):
    """Compress whole HTML answers to reads, with Django's random padding against BREACH.

    Answers of the REST interface, streams and files stay as they are: what they hold can be chosen
    by others, and they are read by programs that need no help. Static files are compressed when
    they are collected.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """What answers a form may show a secret once, such as a new key, and stays as it is."""
        is_page = response.get("Content-Type", "").startswith("text/html")
        is_read = request.method in {"GET", "HEAD"}
        if not (is_page and is_read) or isinstance(response, StreamingHttpResponse):
            return response
        return super().process_response(request, response)
