"""The same generator behind LitServe with its dynamic batching, to compare with.

    python -m bench.litserve_server PORT SLUG BATCH

A batch is read to its end before the next one begins, as LitServe's batched prediction does; the
generator's own passes, its weights and its number of threads are those of a Pinakes worker.
Annotations are evaluated here, because LitServe builds its interface from them.
"""

import base64
import sys
from collections.abc import Sequence
from typing import Any

import litserve
import torch

from genmodels.contract import GenerationRequest, Run, resolve_request
from genmodels.registry import list_checkpoints, load_generator

#: Seconds that the first request of a batch waits for company.
BATCH_TIMEOUT = 0.01


class GeneratorApi(litserve.LitAPI):  # type: ignore[misc]
    """Prompt, parameters and seed in; text, or bytes in base64, out."""

    def __init__(self, slug: str, **options: Any) -> None:
        super().__init__(**options)
        self.slug = slug

    def setup(self, device: str) -> None:
        del device
        torch.set_num_threads(1)
        folder = next(folder for folder in list_checkpoints() if folder.name == self.slug)
        self.generator = load_generator(folder)

    def decode_request(self, request: dict[str, Any]) -> GenerationRequest:
        return resolve_request(
            self.generator.card,
            prompt=request["prompt"],
            parameters=request["params"],
            seed=request["seed"],
        )

    def predict(self, requests: Any) -> Any:
        if isinstance(requests, GenerationRequest):
            return self._run([requests])[0]
        return self._run(requests)

    def _run(self, requests: Sequence[GenerationRequest]) -> list[bytes]:
        runs: list[Run] = [self.generator.open(request) for request in requests]
        while going := [run for run in runs if not run.done]:
            for start in range(0, len(going), self.generator.slots):
                self.generator.advance(going[start : start + self.generator.slots])
        return [run.sample.content for run in runs]

    def batch(self, inputs: list[GenerationRequest]) -> list[GenerationRequest]:
        return inputs

    def unbatch(self, output: list[bytes]) -> list[bytes]:
        return output

    def encode_response(self, output: bytes) -> dict[str, str]:
        return {"content": base64.b64encode(output).decode()}


def main() -> None:
    """Serve until the end."""
    port, slug, batch = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    api = GeneratorApi(slug, max_batch_size=batch, batch_timeout=BATCH_TIMEOUT)
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=1, timeout=300, track_requests=False
    )
    server.run(host="127.0.0.1", port=port, num_api_servers=1, generate_client_file=False)


if __name__ == "__main__":
    main()
