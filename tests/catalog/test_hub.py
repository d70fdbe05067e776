"""Models are fetched from a hub: a small one of this test, with the addresses of the real one."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub")

from webapp.catalog.hub import UnableToFetchModel, fetch_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b'{"architectures": ["GPT2LMHeadModel"]}',
    "model.safetensors": b"weights",
    "pytorch_model.bin": b"a pickle",
    "modeling_own.py": b"raise SystemExit",
}


#: As pipelines lie on the hub: each part's weights several times over, and all in one file.
PIPELINE = {
    "README.md": b"---\nlicense: mit\n---\n",
    "model_index.json": json.dumps(
        {
            "_class_name": "StableDiffusionPipeline",
            "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
        }
    ).encode(),
    "all-in-one.safetensors": b"all of it",
    "unet/config.json": b"{}",
    "unet/diffusion_pytorch_model.safetensors": b"whole",
    "unet/diffusion_pytorch_model.fp16.safetensors": b"half",
    "unet/diffusion_pytorch_model.bin": b"a pickle",
    "vae/diffusion_pytorch_model.fp16.safetensors": b"half",
    "vae_older/diffusion_pytorch_model.safetensors": b"another",
}
REPOSITORIES = {"maker/small": FILES, "maker/painter": PIPELINE}


class _Handler(BaseHTTPRequestHandler):
    """Tells of its repositories, and hands out their files."""

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def do_GET(self) -> None:
        self._answer(has_body=True)

    def _answer(self, *, has_body: bool) -> None:
        path = self.path.partition("?")[0]
        repository = next((each for each in REPOSITORIES if f"/{each}" in path), "")
        files = REPOSITORIES.get(repository, {})
        name = path.partition(f"/{repository}/resolve/")[2].partition("/")[2]
        if repository and path.startswith(f"/api/models/{repository}/tree/"):
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": "0"}
                for name, content in files.items()
            ]
            self._send(json.dumps(tree).encode(), has_body=has_body)
        elif repository and path.startswith(f"/api/models/{repository}"):
            facts = {"id": repository, "sha": COMMIT, "siblings": []}
            self._send(json.dumps(facts).encode(), has_body=has_body)
        elif name in files:
            content = files[name]
            etag = hashlib.sha256(content).hexdigest()
            headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}
            self._send(content, has_body=has_body, headers=headers)
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _send(
        self, content: bytes, *, has_body: bool, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if has_body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_weights_come_and_neither_pickles_nor_programs(hub: str, tmp_path: Path) -> None:
    assert fetch_model("maker/small", revision="main", root=tmp_path, hub=hub) == "maker--small"
    there = [path for path in (tmp_path / "maker--small").iterdir() if path.is_file()]
    found = {path.name: path.read_bytes() for path in there}
    assert found == {name: FILES[name] for name in ("config.json", "model.safetensors")}
    assert fetch_model("maker/small", revision="main", root=tmp_path, hub=hub) == "maker--small"


def test_of_a_pipeline_each_part_comes_once(hub: str, tmp_path: Path) -> None:
    fetch_model("maker/painter", revision="main", root=tmp_path, hub=hub)
    folder = tmp_path / "maker--painter"
    there = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert {str(path) for path in there if ".cache" not in path.parts} == {
        "README.md",
        "model_index.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    }


@pytest.mark.parametrize("name", ["maker/no-such", "../etc", "just-a-name"])
def test_what_is_not_there_is_told_of(hub: str, tmp_path: Path, name: str) -> None:
    with pytest.raises(UnableToFetchModel):
        fetch_model(name, revision="main", root=tmp_path, hub=hub)
    assert not list(tmp_path.glob("*/*.safetensors"))
