"""uv runs under no configuration but ours."""

from __future__ import annotations

from pathlib import Path

from eggcarton.packages import uv
from support.closed import uv_program


def test_what_would_steer_it_is_taken_away(tmp_path: Path) -> None:
    """Variables of uv, pip, Python, proxies and virtual environments are not handed on; all others are."""
    inherited = {"UV_INDEX": "x", "PIP_INDEX_URL": "x", "PYTHONPATH": "x", "VIRTUAL_ENV": "x", "CONDA_PREFIX": "x"}
    fixed = {"UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    proxies = {"https_proxy": "http://me:secret@proxy.example", "HTTP_PROXY": "y", "all_proxy": "z"}
    kept = {"PATH": "/bin", "no_proxy": "127.0.0.1"}
    assert {**kept, **fixed} == uv.environment({**inherited, **proxies, **kept})


def test_authorities(tmp_path: Path) -> None:
    """A bundle of authorities, by whatever variable it is named, is named to uv; one that is not there is not."""
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    for variable in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        assert str(bundle) == uv.environment({variable: str(bundle)})["SSL_CERT_FILE"]
    assert "SSL_CERT_FILE" not in uv.environment({"PIP_CERT": str(tmp_path / "none")})


def test_how_it_ended(tmp_path: Path) -> None:
    """The status and the words of uv are told; it uses the cache that it is given and runs where it is told to."""
    done = uv.run(uv_program(), ["cache", "dir"], cache=tmp_path / "cache", directory=tmp_path)
    assert (0, "") == (done.status, done.output)
    failed = uv.run(uv_program(), ["pip", "install", "-r", "none.txt"], cache=tmp_path / "cache", directory=tmp_path)
    assert 0 != failed.status
    assert "none.txt" in failed.output
