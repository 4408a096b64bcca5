"""Serve a directory of wheels from memory, every answer made before: what an index costs is not what is measured.

python3 bench/fixed_index.py DIRECTORY     # prints its address, and serves until it is ended
"""

import asyncio
import hashlib
import html
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

JSON = "application/vnd.pypi.simple.v1+json"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def answers(directory: Path) -> dict[tuple[str, bool], bytes]:
    """Return the whole answer to each path that there is, as HTML or a file, and as JSON where that is asked for."""
    found: dict[tuple[str, bool], bytes] = {}
    for wheel in sorted(directory.glob("*.whl")):
        data = wheel.read_bytes()
        with zipfile.ZipFile(wheel) as archive:
            place = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            metadata = archive.read(place)
        sha256, of_metadata = hashlib.sha256(data).hexdigest(), hashlib.sha256(metadata).hexdigest()
        project = wheel.name.partition("-")[0].replace("_", "-").lower()
        url = f"/files/{wheel.name}"
        entry = {
            "filename": wheel.name,
            "url": url,
            "hashes": {"sha256": sha256},
            "size": len(data),
            "core-metadata": {"sha256": of_metadata},
        }
        page = {"meta": {"api-version": "1.1"}, "name": project, "versions": ["1.0"], "files": [entry]}
        link = f'<a href="{url}#sha256={sha256}">{html.escape(wheel.name)}</a>'
        found[f"/simple/{project}/", True] = _answer(JSON, json.dumps(page).encode())
        found[f"/simple/{project}/", False] = _answer("text/html", f"<!DOCTYPE html><body>{link}</body>".encode())
        found[url, False] = _answer("application/octet-stream", data)
        found[f"{url}.metadata", False] = _answer("application/octet-stream", metadata)
    return found


def _answer(kind: str, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, known: Mapping[tuple[str, bool], bytes]
) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path, _ = head.split(" ", 2)
            answer = known.get((path, JSON in head)) or known.get((path, False), NOT_FOUND)
            writer.write(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else answer)
            await writer.drain()
            if "connection: close" in head.lower():
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _main(directory: Path) -> None:
    known = answers(directory)
    server = await asyncio.start_server(lambda reader, writer: _serve(reader, writer, known), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/simple/", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
