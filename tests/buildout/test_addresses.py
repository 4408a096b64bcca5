"""Parts that ask for a repository or an archive by its address: locked once, built from what is kept ever after."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from eggcarton.indexes.cache import file_digest
from eggcarton.packages.lock import LockedPackage, read
from support.buildouts import Buildout, Stock, copy
from support.distributions import sdist, wheel
from support.fakes import GREETING
from support.repositories import Repository, served

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app stock

[app]
recipe = eggcarton:scripts
eggs = {line}

[stock]
recipe = zc.recipe.egg
eggs = {line}
scripts = greet=stock-greet
"""


@pytest.fixture
def repository(build: Buildout, tmp_path: Path) -> Repository:
    """A repository of a program that needs a distribution of the index."""
    wheel(build.index.directory, "six", "1.17.0")
    made = Repository(tmp_path / "repositories" / "greeting.git")
    provide(made, GREETING)
    made.commit(tag="v1.0")
    return made


def provide(repository: Repository, module: str) -> None:
    """Have a repository build a wheel of a module, with a program."""
    repository.project("greeting", "1.0", {"greeting.py": module}, requires=["six"])
    repository.write({"wheel/greeting-1.0.dist-info/entry_points.txt": "[console_scripts]\ngreet = greeting:main\n"})


def entry(build: Buildout, name: str = "greeting") -> LockedPackage:
    """Return what the lock has of a name."""
    (found,) = read(build.lock).named(name)
    return found


def another(build: Buildout, template: Path, place: Path) -> Buildout:
    """Return the buildout of somebody else, who has the same configuration and the same lock, and no cache."""
    made = Buildout(root=place / "build", home=place / "home", index=build.index)
    copy(template, made.root)
    shutil.copytree(build.home / ".buildout", made.home / ".buildout")
    for name in ("buildout.cfg", "pylock.toml"):
        shutil.copyfile(build.root / name, made.root / name)
    return made


def test_a_repository(build: Buildout, repository: Repository) -> None:
    """Ours and a stock recipe build with what a tag stands for; the second run does nothing, though the tag is gone."""
    build.configure(CONFIG.format(line=f"greeting @ {repository.url}@v1.0"))
    build.build()
    assert "greeting 1.0\n" == build.run(program="greet").output
    assert "greeting 1.0\n" == build.run(program="stock-greet").output
    assert [] == build.index.paths("*greeting*")
    shutil.rmtree(repository.place)
    assert 1 == len(build.build().splitlines())
    assert 1 == len(build.build("-o").splitlines())
    assert "pylock.toml answers the configuration." in build.run("lock", "--check", program="eggcarton").output
    status, said = build.run("verify", program="eggcarton")
    assert (0, "This build is air-gapped.") == (status, said.splitlines()[-1][:25])
    status, said = build.run("why", "six", program="eggcarton")
    assert 0 == status
    assert "greeting needs six" in said


@pytest.mark.parametrize("version", ["6.0.1", "5.2.0"])
def test_stock_buildouts(build: Buildout, repository: Repository, stock: Stock, version: str, tmp_path: Path) -> None:
    """With the extension, stock zc.buildouts take an address too, for our recipes and for theirs."""
    stock.take_over(build, version)
    with served(tmp_path / "repositories") as address:
        # zc.buildout 5.2.0 cannot read git+file.
        build.configure(CONFIG.format(line=f"greeting @ git+{address}/greeting.git/.git@v1.0"))
        build.build()
    for more in ((), ("-o",)):
        build.build(*more)
        for program in ("greet", "stock-greet"):
            assert "greeting 1.0\n" == build.run(program=program).output


def test_two_machines(build: Buildout, repository: Repository, template: Path, tmp_path: Path) -> None:
    """Somebody else builds the same of the lock, with the repository as with what is kept of it, and has one digest."""
    build.configure(CONFIG.format(line=f"greeting @ {repository.url}@main"))
    build.build()
    repository.project("greeting", "2.0")
    repository.commit()
    other = another(build, template, tmp_path / "other")
    other.build("eggcarton:policy=frozen")
    digests = [
        made.run("verify", "--tree-digest", program="eggcarton").output.splitlines()[-1] for made in (build, other)
    ]
    assert 64 == len(digests[0])
    assert digests[0] == digests[1]
    kept = entry(build).sdist
    assert kept is not None
    shutil.rmtree(repository.place)
    last = another(build, template, tmp_path / "last")
    said = last.fails("eggcarton:policy=frozen", status=4)
    assert "cannot be asked" in said
    said = last.fails("-o", "eggcarton:policy=frozen", status=4)
    assert f"  {kept.name}" in said.splitlines()
    (last.root / "wheels").mkdir()
    shutil.copyfile(build.cache / "sha256" / kept.sha256[:2] / kept.sha256, last.root / "wheels" / kept.name)
    last.build("eggcarton:policy=frozen")
    assert digests[0] == last.run("verify", "--tree-digest", program="eggcarton").output.splitlines()[-1]


def test_a_branch(build: Buildout, repository: Repository) -> None:
    """A branch is followed by an upgrade of its name, and by nothing else; frozen, another revision is drift."""
    build.configure(CONFIG.format(line=f"greeting @ {repository.url}@main"))
    build.build()
    provide(repository, GREETING.replace("greeting", "salute"))
    commit = repository.commit()
    build.build()
    assert (
        "of main: bin/eggcarton lock --upgrade greeting takes it" in build.run("outdated", program="eggcarton").output
    )
    status, said = build.run("lock", "--upgrade", "greeting", program="eggcarton")
    assert 0 == status
    assert f"greeting 1.0: from {repository.url}@" in said
    assert f" -> {repository.url}@{commit}" in said
    build.build()
    build.configure(CONFIG.format(line=f"greeting @ {repository.url}@v1.0"))
    said = build.fails("eggcarton:policy=frozen", status=3)
    assert f"part app needs greeting @ {repository.url}@v1.0, the lock has it from {repository.url}@main" in said


def test_archives(build: Buildout, tmp_path: Path) -> None:
    """A wheel and a source archive come from their own addresses, and a digest that is wrong ends it."""
    path = wheel(
        tmp_path / "files", "greeting", "1.0", {"greeting.py": GREETING}, console_scripts={"greet": "greeting:main"}
    )
    source = sdist(tmp_path / "files", "old", "2.0")
    with served(tmp_path / "files") as address:
        lines = f"greeting @ {address}/{path.name}\n    old @ {address}/{source.name}"
        build.configure(CONFIG.format(line=lines))
        build.build()
    assert "greeting 1.0\n" == build.run(program="greet").output
    assert 1 == len(build.build().splitlines())
    digest = entry(build).wheels[0].sha256
    build.configure(CONFIG.format(line=f"greeting @ {address}/{path.name}#sha256={digest}"))
    build.build()
    build.configure(CONFIG.format(line=f"greeting @ {path.as_uri()}#sha256={'0' * 64}"))
    before = build.lock.read_bytes()
    assert f"has the sha256 {digest}, and {'0' * 64} is asked for" in build.fails(status=5)
    assert before == build.lock.read_bytes()


def test_credentials(build: Buildout, repository: Repository, tmp_path: Path) -> None:
    """Credentials in the configuration are used and warned of; neither the lock nor anything that is said has them."""
    with served(tmp_path / "repositories", credentials="me:secret") as address:
        address = address.replace("://", "://me:secret@")
        build.configure(CONFIG.format(line=f"greeting @ git+{address}/greeting.git/.git@v1.0"))
        said = build.build()
        assert "part app: the address of greeting holds credentials: they are used, and kept out of the lock" in said
        assert "secret" not in said
        assert "secret" not in build.lock.read_text("utf-8")
        assert "greeting 1.0\n" == build.run(program="greet").output
        # A constraint may hold them as well.
        build.write("requirements.txt", "-c constraints.txt\ngreeting\n")
        build.write("constraints.txt", f"greeting @ git+{address}/greeting.git/.git@main\n")
        more = "[eggcarton]\nrequirements = requirements.txt\n\n[app]"
        config = CONFIG.format(line="six").replace("parts = app stock", "parts = app")
        build.configure(config.replace("[app]", more))
        assert "secret" not in build.build()
    assert "main" == (entry(build).origin and entry(build).origin.revision)  # type: ignore[union-attr]
    assert "secret" not in build.lock.read_text("utf-8")


def test_without_the_extension(build: Buildout, repository: Repository, stock: Stock) -> None:
    """Without the extension our recipes refuse an address, since zc.buildout would ask its index for the name."""
    stock.take_over(build, "6.0.1")
    config = CONFIG.format(line=f"greeting @ {repository.url}@v1.0").replace("extensions = eggcarton\n", "")
    build.configure(config.replace("parts = app stock", "parts = app"))
    status, said = build.run()
    assert 2 == status, said
    assert "without the extension zc.buildout takes that name from its index, whatever the address" in said
    # So it does, in a recipe that is not ours.
    wheel(
        build.index.directory,
        "greeting",
        "9.0",
        {"greeting.py": "def main():\n    print('of the index')\n"},
        console_scripts={"greet": "greeting:main"},
    )
    build.configure(config.replace("parts = app stock", "parts = stock"))
    build.build()
    assert "of the index\n" == build.run(program="stock-greet").output


def test_a_develop_package_that_needs_an_address(build: Buildout, repository: Repository) -> None:
    """What a develop package needs by address is locked as if a part had asked for it, and a stock recipe takes it."""
    build.write(
        "mine/setup.py",
        f"""
        from setuptools import setup

        setup(name="mine", version="1.0", py_modules=[], install_requires=["greeting @ {repository.url}@v1.0"])
        """,
    )
    build.configure(
        CONFIG.format(line="mine")
        .replace("parts =", "develop = mine\nparts =")
        .replace("scripts = greet=stock-greet", "interpreter = py")
    )
    build.build()
    assert "1.0\n" == build.run("-c", "import greeting; print('1.0')", program="py").output
    assert "v1.0" == (entry(build).origin and entry(build).origin.revision)  # type: ignore[union-attr]
    assert 1 == len(build.build().splitlines())


def test_a_requirements_file(build: Buildout, repository: Repository, tmp_path: Path) -> None:
    """Lines of a requirements file may be bare addresses, for pip's eyes; a constraint may be one too."""
    path = wheel(tmp_path / "files", "colour", "5.0", {"colour.py": ""}, requires=["greeting"])
    digest = file_digest(path)
    build.write("constraints.txt", f"greeting @ {repository.url}@v1.0\n")
    build.write("requirements.txt", f"-c constraints.txt\n{path.as_uri()} --hash=sha256:{digest}\n")
    config = CONFIG.format(line="six").replace("[app]", "[eggcarton]\nrequirements = requirements.txt\n\n[app]")
    build.configure(config.replace("parts = app stock", "parts = app"))
    build.build()
    assert ("5.0", "v1.0") == (entry(build, "colour").version, entry(build).origin and entry(build).origin.revision)  # type: ignore[union-attr]
    assert 1 == len(build.build().splitlines())
    build.write("requirements.txt", f"{repository.url}@main#egg=greeting\n")
    build.build()
    assert "main" == (entry(build).origin and entry(build).origin.revision)  # type: ignore[union-attr]
    build.write("requirements.txt", f"{path.as_uri()} --hash=sha256:{'0' * 64}\n")
    assert "is asked for; nothing of it was built" in build.fails(status=5)


def test_a_lock_of_two_configurations(build: Buildout, repository: Repository) -> None:
    """An address that another configuration of the same lock asks for is given up by nobody."""
    config = CONFIG.format(line=f"greeting @ {repository.url}@v1.0")
    build.configure(config)
    shared = "[eggcarton]\nconfigs = buildout.cfg other.cfg\n\n[app]"
    build.configure(config.replace("[app]", shared))
    build.write("other.cfg", CONFIG.format(line="greeting").replace("[app]", shared))
    build.build()
    before = build.lock.read_bytes()
    for more in ((), ("eggcarton:policy=frozen",)):
        build.build("-c", "other.cfg", *more)
        assert before == build.lock.read_bytes()
    build.configure(config.replace("[app]", shared).replace(f" @ {repository.url}@v1.0", ""))
    wheel(
        build.index.directory, "greeting", "9.0", {"greeting.py": GREETING}, console_scripts={"greet": "greeting:main"}
    )
    status, said = build.run("lock", "--check", program="eggcarton")
    assert (3, True) == (status, "and nothing asks for that any more" in said), said
    assert 0 == build.run("lock", program="eggcarton").status
    assert None is entry(build).origin


def test_what_builds_require(build: Buildout, repository: Repository) -> None:
    """What a repository's build requires is locked under its name, and stays when another commit is taken."""
    wheel(build.index.directory, "helper", "1.0", {"helper.py": ""})
    project = (repository.place / "pyproject.toml").read_text("utf-8").replace("requires = []", "requires = ['helper']")
    backend = "import helper\n" + (repository.place / "backend.py").read_text("utf-8")
    repository.write({"pyproject.toml": project, "backend.py": backend})
    repository.commit()
    build.configure(CONFIG.format(line=f"greeting @ {repository.url}@main"))
    build.build()
    lock = build.root / "buildout.lock.toml"
    before = lock.read_bytes()
    assert b'for = ["greeting"]\nrequires = [\n    "helper",\n]' in before
    wheel(build.index.directory, "helper", "2.0", {"helper.py": ""})
    repository.write({"more.txt": ""})
    repository.commit()
    for arguments in (("lock",), ("lock", "--upgrade", "greeting"), ("lock",)):
        assert 0 == build.run(*arguments, program="eggcarton").status
        assert before == lock.read_bytes()
    build.build("eggcarton:policy=frozen")
