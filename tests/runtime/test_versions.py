"""Facts about versions: they are found in what programs say, and compared as packaging compares them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import Specifier
from packaging.version import Version as Reference

from eggcarton.runtime.versions import NoVersion, Version, find, suits

SAID = """
14.9 | psql | psql (PostgreSQL) 14.9 (Debian 14.9-1)
16dev | psql | psql (PostgreSQL) 16devel
17rc1 | psql | psql (PostgreSQL) 17rc1 (Debian 17~rc1-1)
7.0.15 | redis-server | Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=d81bff71cf150e
2.39.2 | git | git version 2.39.2
12.2.0 | gcc | gcc (Debian 12.2.0-14) 12.2.0/Copyright (C) 2022 Free Software Foundation, Inc.
1.22.1 | nginx | nginx version: nginx/1.22.1
2.4.57 | apache2 | Server version: Apache/2.4.57 (Debian)
17.0.9 | java | openjdk version "17.0.9" 2023-10-17/OpenJDK Runtime Environment (build 17.0.9+9-Debian-1deb12u1)
21 | java | Picked up JAVA_TOOL_OPTIONS: -Xmx1.5g/openjdk version "21" 2023-09-19
1.8.0-392 | java | openjdk version "1.8.0_392"
1.21.5 | go | go version go1.21.5 linux/amd64
18.19.0 | node | v18.19.0
9.2.0 | npm | 9.2.0
6.9.11-60 | convert | Version: ImageMagick 6.9.11-60 Q16 x86_64 2021-01-25 https://index.example
120.0.6099.109 | google-chrome | Google Chrome 120.0.6099.109
5.1.4-0 | ffmpeg | ffmpeg version 5.1.4-0+deb12u1 Copyright (c) 2000-2023 the FFmpeg developers/built with gcc 12
24.0.7 | docker | Docker version 24.0.7, build afdd53b
590 | less | less 590 (GNU regular expressions)
3.3a | tmux | tmux 3.3a
3.40.1 | sqlite3 | 3.40.1 2022-12-28 14:03:47 df5c253c0b3dd24916e4ec7cf77d3db5294cc9fd45ae7b9c5e82ad8197f38a24
5.2.15 | bash | GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)
5.36.0 | perl | /This is perl 5, version 36, subversion 0 (v5.36.0) built for x86_64-linux-gnu-thread-multi
7.88.1 | curl | curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1 OpenSSL/3.0.11 zlib/1.2.13
10.11.6 | mysql | mysql  Ver 15.1 Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64) using  EditLine wrapper
7.1.1 | varnishd | varnishd (varnish-7.1.1 revision 7cee1c5)
3.2.7 | rsync | rsync  version 3.2.7  protocol version 31
9.2.post1 | ssh | OpenSSH_9.2p1 Debian-2+deb12u1, OpenSSL 3.0.11 19 Sep 2023
1.1.1w | openssl | OpenSSL 1.1.1w  11 Sep 2023
252.17-1 | systemctl | systemd 252 (252.17-1~deb12u1)/+PAM +AUDIT
2.0.0-beta.2 | tool | tool/2.0.0-beta.2 linux-x64 node-v18.1.0
1.2 | foo | could not connect to 127.0.0.1:6379/foo 1.2
1.7.0 | foo | libfoo.so.1.2: no version information available/foo 1.7.0
None | foo | usage: foo [-h] [-n 12]
None | foo | error 127
None | foo |
"""
CASES = [[word.strip() for word in line.split("|")] for line in SAID.strip().splitlines()]


@pytest.mark.parametrize(("version", "program", "text"), CASES)
def test_found(version: str, program: str, text: str) -> None:
    """What a program says of itself tells one version, or none, and one that is told can be compared."""
    words = text if text.startswith("tool/") or "nginx/" in text or "Apache/" in text or "curl" in text else ""
    found = find(words or text.replace("/", "\n"), program)
    assert version == str(found)
    assert found is None or Version(found).release


NUMBER = st.integers(0, 3)
RELEASE = st.lists(NUMBER, min_size=1, max_size=4).map(lambda numbers: ".".join(map(str, numbers)))
PRE = st.tuples(st.sampled_from(["a", "b", "rc", ".beta.", "-alpha", "c", "_pre_", "preview"]), NUMBER)
POST = st.one_of(
    NUMBER.map(lambda n: f".post{n}"), NUMBER.map(lambda n: f"-{n}"), st.just(".post"), NUMBER.map(lambda n: f"rev{n}")
)
EPOCH = st.sampled_from(["", "", "1!", "0!"])
PUBLIC = st.tuples(
    EPOCH,
    RELEASE,
    st.just("") | PRE.map(lambda pre: f"{pre[0]}{pre[1]}"),
    st.just("") | POST,
    st.just("") | NUMBER.map(lambda n: f".dev{n}"),
).map("".join)
ANY = st.tuples(PUBLIC, st.sampled_from(["", "", "+1", "+a", "+1.a", "+deb.2"])).map("".join)


@given(ANY, ANY)
def test_order(one: str, other: str) -> None:
    """Versions have the order of packaging's."""
    expected = (Reference(one) < Reference(other), Reference(one) == Reference(other))
    assert expected == (Version(one) < Version(other), Version(one) == Version(other))


@given(ANY, st.sampled_from(["<", "<=", ">=", ">"]), PUBLIC)
def test_comparison(found: str, operator: str, wanted: str) -> None:
    """Comparisons hold for what they hold for in packaging."""
    assert Specifier(operator + wanted).contains(found, prereleases=True) == suits(Version(found), operator, wanted)


@given(ANY, st.sampled_from(["==", "!="]), st.one_of(ANY, st.tuples(EPOCH, RELEASE, st.just(".*")).map("".join)))
def test_equality(found: str, operator: str, wanted: str) -> None:
    """So does what is equal, with a local part or without, and what begins alike."""
    assert Specifier(operator + wanted).contains(found, prereleases=True) == suits(Version(found), operator, wanted)


@given(ANY, PUBLIC.filter(lambda version: len(Reference(version).release) > 1))
def test_compatible(found: str, wanted: str) -> None:
    """So does what is compatible."""
    assert Specifier(f"~={wanted}").contains(found, prereleases=True) == suits(Version(found), "~=", wanted)


@pytest.mark.parametrize(
    ("earlier", "later"), [("1.1.1", "1.1.1w"), ("1.1.1v", "1.1.1w"), ("3.3rc1", "3.3"), ("3.3", "3.3a")]
)
def test_letters(earlier: str, later: str) -> None:
    """A letter behind a number is what was mended later, as programs mean it."""
    assert Version(earlier) < Version(later)


@pytest.mark.parametrize("text", ["", "new", "1..2", "1.x", "1.2-"])
def test_no_version(text: str) -> None:
    """What is no version is refused."""
    with pytest.raises(NoVersion, match="is no version"):
        Version(text)
