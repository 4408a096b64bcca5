"""Sections of indexes: what they mean, and that everything wrong with them is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from eggcarton.buildout import indexes
from eggcarton.core.errors import UsageProblem
from eggcarton.indexes.routing import Index, Mirror
from eggcarton.packages import lock as locks
from support.buildouts import Buildout
from support.distributions import wheel

USUAL = "https://usual.index.example/simple/"
CORP = {"url": "https://corp.index.example/simple/", "projects": "corp-* Acme.Core"}


def read(names: str, **sections: Mapping[str, str]) -> tuple[tuple[Index, ...], tuple[str, ...]]:
    return indexes.read(names.split(), sections, lambda: USUAL)


def problems(names: str, **sections: Mapping[str, str]) -> list[str]:
    with pytest.raises(UsageProblem) as caught:
        read(names, **sections)
    return str(caught.value).splitlines()


def test_without_sections_there_is_one_index() -> None:
    """Where no section is named, all is asked at the usual index, which has no mirrors."""
    assert ((Index("default", USUAL),), ()) == read("", corp=CORP)


def test_sections() -> None:
    """An index without an address is the usual one; names are canonical, and a mirror says what it is for."""
    mirrors = """
        https://near.index.example/simple/
        https://far.index.example/simple/ tier=2 only=files
        https://blobs.index.example layout=sha256 tier=0
        https://pages.index.example/simple only=pages
    """
    told = {"mirrors": mirrors, "authority": "quorum:3", "credentials": "env:TOKEN", "allow-stale": "true"}
    public = Index(
        "public",
        USUAL,
        mirrors=(
            Mirror("https://near.index.example/simple/"),
            Mirror("https://far.index.example/simple/", tier=2, only="files"),
            Mirror("https://blobs.index.example", tier=0, only="files", hashed=True),
            Mirror("https://pages.index.example/simple", only="pages"),
        ),
        authority="quorum:3",
        credentials="env:TOKEN",
        allow_stale=True,
    )
    corp = Index("corp", CORP["url"], ("corp-*", "acme-core"))
    assert ((public, corp), ()) == read("public corp", public=told, corp=CORP)


def test_an_index_survives_the_way_to_the_child() -> None:
    """What is told of an index in JSON makes the same index again."""
    (index,), _ = read("x", x={"mirrors": "https://a.index.example/ tier=3 only=files", "authority": "any"})
    assert index == Index.of(index.fields())


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        (
            "url",
            "ftp://index.example/",
            "'ftp://index.example/' is not the address of an index: it does not begin with",
        ),
        ("url", " ", "option 'url': nothing stands behind it: write the address, or leave the option out"),
        ("url", "https://index.example/?x=1", "is not the address of an index: the pages of an index lie below it"),
        ("mirrors", "index.example", "holds 'index.example', which is not the address of an index: it does not begin"),
        ("mirrors", "https://m.index.example/ tire=2", "holds 'tire=2', which is not known: did you mean 'tier='?"),
        ("mirrors", "https://m.index.example/ tier=soon", "holds 'tier=soon': tier is a number from 0 to 999"),
        ("mirrors", "https://m.index.example/ only=wheels", "holds 'only=wheels': only is files or pages"),
        ("mirrors", "https://m.index.example/ layout=md5", "holds 'layout=md5': layout is sha256"),
        ("mirrors", "https://m.index.example/ tier=1 tier=2", "holds 'tier' twice in one line"),
        ("mirrors", "https://m.index.example/ layout=sha256 only=pages", "a mirror that keeps files by their hash has"),
        ("mirrors", "https://m.index.example/ https://n.index.example/", "each mirror has a line to itself"),
        ("authority", "majority", "'majority' is not 'canonical', 'any' or 'quorum:NUMBER'"),
        ("authority", "quorum:1", "'quorum:1' is no quorum: at least two routes must agree"),
        ("authority", "quorum:2", "'quorum:2' wants more routes than there are: 1 can tell what the index lists"),
        ("credentials", "env:", "what stands there is not 'netrc', 'keyring', 'none' or 'env:NAME'"),
        ("projects", "*", "'*' is all names: leave 'projects' out, which makes this the default index"),
        ("projects", "-x", "holds '-x', which is not the name of a distribution"),
        ("allow-stale", "yes", "'yes' is neither 'true' nor 'false'"),
        ("mirror", "https://m.index.example/", "option 'mirror' is not known: did you mean 'mirrors'?"),
    ],
)
def test_options_that_are_wrong(option: str, value: str, told: str) -> None:
    """Each wrong option is told with its section and what would be right."""
    values = {"url": "https://index.example/simple/", option: value}
    [line] = problems("public", public=values)
    assert line.startswith(f"[public] option '{option}'")
    assert told in line


def test_all_that_is_wrong_is_told_at_once() -> None:
    """What cannot be read, what does not fit together, and what is wrong with another section: all in one message."""
    first = {"url": "index.example", "authority": "quorum:3", "allow-stale": "yes"}
    told = problems("one two tow", one=first, two={"projects": "a"})
    assert [
        "[one] option 'url': 'index.example' is not the address of an index: it does not begin with http:// or https://",
        "[one] option 'allow-stale': 'yes' is neither 'true' nor 'false', the only two spellings",
        "[one] option 'authority': 'quorum:3' wants more routes than there are: 1 can tell what the index lists; add "
        "mirrors without 'only=files', or ask for fewer",
        "[two] option 'url' is missing: an index that only some names are asked at is never the usual one",
        "[eggcarton] option 'indexes': there is no section [tow]: did you mean 'two'?",
    ] == told


@pytest.mark.parametrize(
    ("names", "sections", "told"),
    [
        ("a b", {"a": {}, "b": {"url": "https://b.index.example/"}}, "[a] and [b] have no 'projects', and only one"),
        ("corp", {"corp": CORP}, "all of them have 'projects', and none is asked for all other names"),
        ("a a", {"a": {}}, "'a' stands there 2 times: name it once"),
        (
            "a b c",
            {"a": {}, "b": CORP, "c": {"url": "https://c.index.example/", "projects": "acme_core corp-x"}},
            "'acme-core' is in 'projects' of [b] and [c]: a name is asked at one index only",
        ),
        (
            "a corp",
            {"a": {"mirrors": "https://CORP.index.example/simple"}, "corp": CORP},
            "a mirror of [a] is the index [corp]: only what has the same files is a mirror",
        ),
        (
            "a b",
            {"a": {}, "b": {"url": USUAL, "projects": "b"}},
            "[a] and [b] have the same 'url': one of them is enough",
        ),
        ("app", {"app": {"recipe": "eggcarton:scripts"}}, "[app] is no index: give it a section of its own"),
    ],
)
def test_sections_that_do_not_fit_together(names: str, sections: dict[str, dict[str, str]], told: str) -> None:
    """What only the sections beside each other show is told with the option that names them."""
    [line] = problems(names, **sections)
    assert line.startswith(f"[eggcarton] option 'indexes': {told}")


def test_an_address_that_stands_there_twice() -> None:
    """A mirror that is the index itself, or another mirror, is told, whatever the spelling and the credentials."""
    mirrors = "https://corp.index.example/simple\nhttps://me:secret@m.index.example/\nhttps://m.index.example"
    told = problems("x", x={"url": CORP["url"], "mirrors": mirrors})
    assert [
        "[x] https://corp.index.example/simple/ stands there 2 times: name it once, as 'url' or as one of 'mirrors'",
        "[x] https://m.index.example/ stands there 2 times: name it once, as 'url' or as one of 'mirrors'",
    ] == told


def test_credentials_in_addresses_are_warned_of_and_used() -> None:
    """Credentials in the configuration are used, and told as a risk, without telling them."""
    url = "https://me:secret@corp.index.example/simple/"
    found, warnings = read("x", x={"url": url, "mirrors": "https://token@m.index.example/"})
    assert (url, "https://token@m.index.example/") == (found[0].url, found[0].mirrors[0].url)
    assert ["[x] option 'url' holds credentials", "[x] option 'mirrors' holds credentials"] == [
        warning.partition(":")[0] for warning in warnings
    ]
    assert "secret" not in "".join(warnings)
    assert "token" not in "".join(warnings)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("url", "https://me:se/cret@index.example/"),
        ("url", "https://me:secret@[index.example/"),
        ("mirrors", "https://me:secret@index.example:port/"),
        ("mirrors", "https://m.index.example/ https://me:secret@index.example/"),
        ("credentials", "me:secret"),
    ],
)
def test_credentials_are_not_told_where_they_are_wrong(option: str, value: str) -> None:
    """A message about a wrong value does not repeat what may be credentials."""
    told = "\n".join(problems("x", x={option: value}))
    assert f"option '{option}'" in told
    assert "cret" not in told


CONFIG = """
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = six
"""


@pytest.fixture
def simple(build: Buildout) -> Buildout:
    """A buildout that wants what its index has."""
    wheel(build.index.directory, "six", "1.17.0")
    build.configure(CONFIG)
    return build


@pytest.mark.slow
def test_all_problems_end_a_run_before_anything_is_asked(simple: Buildout) -> None:
    """Wrong sections end a run with exit code 2 and nothing asked, each problem with its section."""
    simple.configure(CONFIG + "[eggcarton]\nindexes = public corp\n[public]\nauthority = mine\nurl = x\n")
    output = simple.fails(status=2)
    told = ["[public] option 'url': 'x'", "[public] option 'authority': 'mine'", "there is no section [corp]"]
    assert [True, True, True] == [text in output for text in told]
    assert [] == simple.index.paths()


@pytest.mark.slow
def test_the_usual_index_under_a_name(simple: Buildout) -> None:
    """An index without an address is the one that was asked before, and a lock does not change by its name."""
    simple.build()
    before = simple.lock.read_bytes()
    simple.configure(CONFIG + "[eggcarton]\nindexes = public\n[public]\n")
    assert 1 == len(simple.build().splitlines())
    simple.build("eggcarton:policy=frozen")
    assert before == simple.lock.read_bytes()


@pytest.mark.slow
def test_an_index_with_an_address_of_its_own(simple: Buildout) -> None:
    """The index that a section names is asked; that of [buildout] then has no effect, and that is told."""
    simple.configure(CONFIG + f"[eggcarton]\nindexes = here\n[here]\nurl = {simple.index.url}\n")
    told = "[buildout] option 'index' has no effect: [here] has a 'url' of its own; remove one of them"
    assert told in simple.build("buildout:index=http://127.0.0.1:9/simple/")
    assert "six" in simple.lock.read_text("utf-8")


@pytest.mark.slow
def test_a_section_that_nothing_names(simple: Buildout) -> None:
    """An index that 'indexes' does not name is told, and ends the run where its names would be asked elsewhere."""
    simple.configure(CONFIG + "[near]\nmirrors = https://near.index.example/simple/\n")
    told = "nothing reads the section [near]: if it is an index, name it in 'indexes' of [eggcarton]"
    assert told in simple.build()
    simple.lock.unlink()
    asked = len(simple.index.requests)
    simple.configure(CONFIG + "[corp]\nurl = https://corp.index.example/simple/\nprojects = corp-*\n")
    told = "nothing reads the section [corp], which has 'url' and 'projects' like an index, so that its names would be"
    assert told in simple.fails(status=2)
    assert asked == len(simple.index.requests)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("index = public", "[eggcarton] option 'index' is not known: did you mean 'indexes'?"),
        ("find-links = wheels", "[eggcarton] option 'find-links' has no effect here: it belongs into [buildout]"),
    ],
)
def test_options_of_other_sections(simple: Buildout, option: str, told: str) -> None:
    """What a part or [buildout] has as an option is none of [eggcarton]: the run ends with nothing asked."""
    simple.configure(CONFIG + f"[eggcarton]\n{option}\n[public]\n")
    assert told in simple.fails(status=2)
    assert [] == simple.index.paths()


@pytest.mark.slow
def test_a_lock_that_names_an_index_which_is_gone(simple: Buildout) -> None:
    """A name of a private index is never asked at the default one: a run without that index ends, and asks nobody."""
    simple.build()
    found = locks.read(simple.lock)
    gone = replace(found, packages=tuple(replace(package, index="corp") for package in found.packages))
    simple.lock.write_text(locks.text_of(gone), "utf-8")
    asked = len(simple.index.requests)
    output = simple.fails(status=2)
    assert "the lock has six from the index 'corp', and no such index is configured: name it in 'indexes'" in output
    simple.fails("eggcarton:policy=frozen", status=2)
    assert asked == len(simple.index.requests)


@pytest.mark.slow
def test_a_lock_that_names_another_index_has_drifted(simple: Buildout) -> None:
    """Where a name is asked at another index by now, what the lock has of it is not believed any more."""
    simple.build()
    sections = f"[eggcarton]\nindexes = public mine\n[public]\n[mine]\nurl = {simple.index.url}\nprojects = six\n"
    simple.configure(CONFIG + sections.replace("127.0.0.1", "localhost"))
    output = simple.fails("eggcarton:policy=frozen", status=3)
    assert "six is asked at the index mine, the lock has it from the default index" in output
