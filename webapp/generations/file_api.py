"""REST: the files of results and those that they start from, and uploads of the latter."""

from __future__ import annotations

import os
import re
import uuid
from typing import Any, BinaryIO

from django.conf import settings
from django.http import FileResponse, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
from webapp.accounts.permissions import check_may_change, check_may_submit
from webapp.common.interface import PAGE, SentFile, StrictSerializer, list_of, parse_body
from webapp.common.pagination import parse_page
from webapp.common.problems import Problem
from webapp.common.storage import BlobMissing, open_blob
from webapp.generations import input_queries, queries, upload_operations
from webapp.generations.models import Upload
from webapp.generations.representation import describe_upload
from webapp.generations.stills import CLIP_TYPE, draw_still
from webapp.generations.uploading import UnableToTakePicture

#: A file of whatever kind it is, whole or the part that `Range` asks for.
_FILE = {(200, "*/*"): bytes, (206, "*/*"): bytes}
_NO_SUCH_FILE = "There is no such file, or it is not yours."
_ENDINGS = {
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/webp": "webp",
    "audio/wav": "wav",
    "text/plain": "txt",
    "text/vnd.abc": "abc",
}
#: Nothing in a file may run or call; a drawing may only style itself.
_POLICY = "sandbox; default-src 'none'"
_DRAWING_POLICY = f"{_POLICY}; style-src 'unsafe-inline'"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class UploadInput(StrictSerializer):
    """A picture: PNG, JPEG, WebP or BMP, as a field of a form."""

    file = SentFile()


class UploadOutput(serializers.Serializer[Any]):
    """A picture to start from; made by `describe_upload`, written out here for the schema."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    media_type = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    links = serializers.DictField(child=serializers.CharField())


def _serve(request: Request, *, sha256: str, media_type: str) -> HttpResponse | FileResponse:
    """Stored bytes. They never change, so a private cache may keep them."""
    etag = f'"{sha256}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    try:
        file = open_blob(sha256)
    except BlobMissing as error:
        raise Problem(404, "not_found", "The file is lost; its row remains.") from error
    inline = media_type.startswith(("image/", "audio/")) and "download" not in request.query_params
    response: HttpResponse | FileResponse | None = _serve_part(request, file, media_type)
    if response is None:
        response = FileResponse(
            file,
            as_attachment=not inline,
            filename=f"{sha256[:16]}.{_ENDINGS.get(media_type.partition(';')[0], 'bin')}",
            content_type=media_type,
        )
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    is_drawing = media_type == "image/svg+xml"
    response["Content-Security-Policy"] = _DRAWING_POLICY if is_drawing else _POLICY
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _serve_still(request: Request, *, sha256: str) -> HttpResponse:
    """The first frame of a clip as a picture that does not move."""
    etag = f'"{sha256}-still"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    try:
        with open_blob(sha256) as file:
            still = draw_still(file)
    except BlobMissing as error:
        raise Problem(404, "not_found", "The file is lost; its row remains.") from error
    response = HttpResponse(still, content_type="image/png")
    response["ETag"] = etag
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    response["Content-Security-Policy"] = _POLICY
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _serve_part(request: Request, file: BinaryIO, media_type: str) -> HttpResponse | None:
    """The part that a player asks for when a listener jumps, or None for the whole (RFC 9110).

    Ranges of other forms, and beyond the end, may be answered with the whole file, and are.
    """
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    if found is None or "If-Range" in request.headers:
        return None
    size = file.seek(0, os.SEEK_END)
    start = int(found[1])
    end = min(int(found[2] or size), size - 1)
    if start > end:
        file.seek(0)
        return None
    file.seek(start)
    with file:
        part = HttpResponse(file.read(end - start + 1), status=206, content_type=media_type)
    part["Content-Range"] = f"bytes {start}-{end}/{size}"
    return part


class ArtifactContentApi(APIView):
    """`/api/v1/artifacts/{id}/content`."""

    @extend_schema(operation_id="artifacts_content", responses=_FILE)
    def get(self, request: Request, artifact_id: uuid.UUID) -> HttpResponse | FileResponse:
        """The bytes of a file. They never change, so a private cache may keep them.

        With `still` in the query, the first frame of a clip (image/webp) as PNG.
        """
        artifact = queries.get_artifact(user=member(request), artifact_id=artifact_id)
        if "still" in request.query_params and artifact.media_type == CLIP_TYPE:
            return _serve_still(request, sha256=artifact.sha256)
        return _serve(request, sha256=artifact.sha256, media_type=artifact.media_type)


class InputContentApi(APIView):
    """`/api/v1/generations/{id}/inputs/{name}/content`."""

    @extend_schema(
        operation_id="generations_input_content",
        responses=_FILE,
    )
    def get(
        self, request: Request, generation_id: uuid.UUID, name: str
    ) -> HttpResponse | FileResponse:
        """The bytes that a generation starts from, also after their upload was deleted."""
        kept = input_queries.get_input(
            user=member(request), generation_id=generation_id, name=name
        )
        return _serve(request, sha256=kept.sha256, media_type=kept.media_type)


class UploadsApi(APIView):
    """`/api/v1/uploads`."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="uploads_list",
        parameters=PAGE,
        responses={200: list_of(UploadOutput)},
    )
    def get(self, request: Request) -> Response:
        """One's own uploads, newest first."""
        page = parse_page(request.query_params.dict())
        found = input_queries.list_uploads(user=member(request), page=page)
        return Response(found.to_dict([describe_upload(row) for row in found.rows]))

    @extend_schema(
        operation_id="uploads_create",
        request={"multipart/form-data": UploadInput},
        responses={200: UploadOutput, 201: UploadOutput},
    )
    def post(self, request: Request) -> Response:
        """Bring a picture: 201, or 200 for one that is here already.

        What is kept is a PNG drawn anew from its pixels, turned upright, at most 1,024 pixels on
        a side, without metadata. The picture is the key: sending it again makes nothing new.
        """
        user = member(request)
        check_may_submit(user)
        file = parse_body(UploadInput, request)["file"]
        try:
            if file.size > settings.PINAKES_MAX_UPLOAD_BYTES:
                raise upload_operations.too_large_file()
            kept = upload_operations.keep_upload(
                owner=user, content=file.read(), name=file.name or ""
            )
        except UnableToTakePicture as error:
            raise _refused(error) from error
        except upload_operations.TooManyUploads as error:
            raise Problem(409, "too_many_uploads", str(error)) from error
        body = describe_upload(kept.upload)
        status = 201 if kept.is_new else 200
        return Response(body, status=status, headers={"Location": body["links"]["self"]})


def _refused(error: UnableToTakePicture) -> Problem:
    if error.code == "too_large":
        return Problem(413, "too_large", error.detail)
    fault = Fault("/file", error.code, error.detail)
    return Problem(422, "unsupported_picture", error.detail, errors=[fault])


def _find(request: Request, upload_id: uuid.UUID) -> Upload:
    return input_queries.get_upload(user=member(request), upload_id=upload_id)


class UploadApi(APIView):
    """`/api/v1/uploads/{id}`."""

    @extend_schema(operation_id="uploads_get", responses={200: UploadOutput})
    def get(self, request: Request, upload_id: uuid.UUID) -> Response:
        """One upload."""
        return Response(describe_upload(_find(request, upload_id)))

    @extend_schema(operation_id="uploads_delete", responses={204: None})
    def delete(self, request: Request, upload_id: uuid.UUID) -> Response:
        """Take it off the list; generations that started from it keep its bytes."""
        upload = _find(request, upload_id)
        check_may_change(member(request), upload.owner_id)
        upload_operations.delete_upload(upload=upload)
        return Response(status=204)


class UploadContentApi(APIView):
    """`/api/v1/uploads/{id}/content`."""

    @extend_schema(operation_id="uploads_content", responses={(200, "image/png"): bytes})
    def get(self, request: Request, upload_id: uuid.UUID) -> HttpResponse | FileResponse:
        """The bytes of the PNG."""
        upload = _find(request, upload_id)
        return _serve(request, sha256=upload.sha256, media_type=upload.media_type)
