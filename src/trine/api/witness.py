"""Serve a witness of logs over HTTP (C2SP tlog-witness)."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from trine.services.evidence.witness import REQUEST_BYTES_MAX, TEXT, Witness


def create_app(witness: Witness) -> FastAPI:
    """Make the application."""
    app = FastAPI(title="Trine witness", openapi_url=None, docs_url=None, redoc_url=None)

    async def add_checkpoint(request: Request) -> Response:
        """Cosign a checkpoint, or say why not."""
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > REQUEST_BYTES_MAX:
                return Response(b"the body is too large\n", 413, media_type=TEXT)
        answer = await witness.add(bytes(body))
        # As a header: a media type of text would get a character set.
        return Response(answer.body, answer.status, {"content-type": answer.media_type})

    async def verifier(_: Request) -> Response:
        """Answer the key that cosigns."""
        return Response(f"{witness.verifier}\n", media_type=TEXT)

    app.add_route("/add-checkpoint", add_checkpoint, methods=["POST"])
    app.add_route("/witness.vkey", verifier, methods=["GET"])
    return app
