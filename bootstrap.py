#!/usr/bin/env python3
"""Make bin/buildout and bin/eggcarton in a directory with a buildout.cfg, then run bin/buildout there.

    python3 bootstrap.py [DIR] [--index URL ...] [--from DIRECTORY] [arguments of bin/buildout]
    python3 bootstrap.py init django|plone|pyramid|wsgi DIR [--name NAME] [--index URL ...] [--from DIRECTORY]

Needs CPython 3.10 or later as it comes, and nothing else: with the machine's pip, or the one inside ensurepip, however
old, or with --index or --from alone, it gets the toolchain by the sha256 of each file that stand in the pins beside
it. Given again, --index names another way to the same files, for when the one before does not answer or gives wrong
bytes. --from names a bundle of bin/eggcarton fetch --to, which needs no network, or a directory of wheels. Run again
it does nothing but run bin/buildout.

With init it writes a new checkout instead, a small application that builds, tests and serves at once.
"""
# The text of this file is understood by every Python, so that an old one can say what is wrong.

from __future__ import print_function

import os
import sys

if sys.version_info < (3, 10):
    sys.exit(
        "Error: this is Python %d.%d; bootstrap.py needs CPython 3.10 or later, such as python3.12 bootstrap.py"
        % sys.version_info[:2]
    )


def interrupted(kind, error, trace):
    """Tell of Ctrl-C in one sentence, whenever it comes, amid the imports below too; all else is told as ever."""
    if not issubclass(kind, KeyboardInterrupt):
        return sys.__excepthook__(kind, error, trace)
    os.write(2, b"Interrupted; nothing half-made is left: run it again to go on.\n")
    os._exit(130)


if __name__ == "__main__":
    sys.excepthook = interrupted

import base64  # noqa: E402
import configparser  # noqa: E402
import difflib  # noqa: E402
import glob  # noqa: E402
import hashlib  # noqa: E402
import http.client  # noqa: E402
import json  # noqa: E402
import re  # noqa: E402
import shutil  # noqa: E402
import signal  # noqa: E402
import subprocess  # noqa: E402
import sysconfig  # noqa: E402
import tempfile  # noqa: E402
import urllib.error  # noqa: E402
import urllib.parse  # noqa: E402
import urllib.request  # noqa: E402
import zipfile  # noqa: E402

TESTED = (3, 13)
try:
    HERE = os.path.dirname(os.path.abspath(__file__))
except OSError:
    sys.exit("Error: the working directory is gone; change to one that exists")
SOURCE = os.path.join(HERE, "src")
TOOLCHAIN = os.path.join(HERE, "toolchain.txt")
PINS_OF_CLOSED_SET = os.path.join("eggcarton", "packages", "closed-set.txt")
CLOSED_SET = os.path.join(SOURCE, PINS_OF_CLOSED_SET)
MANIFEST, NOTE = "bundle.sha256", os.path.join(".eggcarton", "bundle")
VENDORED = os.path.join(HERE, "vendored.sha256")
INDEXES = ("http", "https", "file")
PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
COMMANDS = ("annotate", "bootstrap", "install", "query", "runsetup", "setup")
KINDS = ("django", "plone", "pyramid", "wsgi")
# The first lines of what does the rest: until it can clear up, Ctrl-C ends it without a word; the parent tells of it.
NEXT_STEP = """
import os, signal, sys
if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
closed_set = sys.argv[1]
sys.path[:0] = sys.argv[1:3]
del sys.argv[1:3]
try:
    from eggcarton.child.bootstrap import main
except ImportError as error:
    sys.exit("Error: %s; remove %s, or get the whole checkout again, and run it again" % (error, closed_set))
main()
"""
PIP = (
    "import runpy, sys; sys.path[:0] = filter(None, [sys.argv.pop(1)]); "
    "runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)


class Problem(Exception):
    """A finished sentence for the user, and an exit code."""

    def __init__(self, sentence, exit_code=1):
        Exception.__init__(self, sentence)
        self.exit_code = exit_code


def main(arguments):
    """Do what the command line asks for."""
    open_streams()
    if arguments[:1] == ["init"]:
        init(arguments[1:])
    else:
        run_buildout(arguments)


def run_buildout(arguments):
    """Make bin/buildout where there is none of this file yet, and become it."""
    directory, indexes, bundle, rest = read_arguments(arguments)
    if sys.version_info[:2] > TESTED:
        print("This is Python %d.%d, which is newer than what was tried; going on." % sys.version_info[:2])
    for path in (directory, HERE, executable()):
        if not is_text(path):
            raise Problem("%r holds a line end, or bytes that are no UTF-8: no script can name such a path" % path, 2)
    stamp, wish = stamp_of(), wish_of(directory, rest)
    script = script_of(directory, wish)
    is_new = script is None or not is_current(script, stamp)
    if is_new and not os.access(directory, os.W_OK):
        raise Problem("%s may not be written by this user; give a directory that may" % directory)
    if bundle:
        check_bundle(bundle)
        take_note(bundle, directory, rest)
    if is_new:
        build(directory, indexes, bundle, rest, stamp, wish)
        script = script_of(directory, wish)
    sys.stdout.flush()
    os.chdir(directory)
    os.execv(script, [script] + rest)


def init(words):
    """Write a new checkout, as bin/eggcarton init does, for those who have no bin/eggcarton yet."""
    indexes, bundle, rest = read_sources(words)
    if "-h" in rest or "--help" in rest:
        print(__doc__)
        return
    pairs = zip([""] + rest, rest, strict=False)
    named = [word for before, word in pairs if not word.startswith("-") and before != "--name"]
    if len(named) < 2:
        raise Problem("init needs a kind and a directory: init %s DIR" % "|".join(KINDS), 2)
    if named[0] not in KINDS:
        guess = "".join("did you mean %s? else " % kind for kind in difflib.get_close_matches(named[0], KINDS, 1))
        raise Problem("init has no kind %r; %sname one of %s" % (named[0], guess, ", ".join(KINDS)), 2)
    if bundle:
        check_bundle(bundle)
    # Where the usual cache cannot be written, what is fetched here is of no use for long.
    scratch = tempfile.mkdtemp(prefix="eggcarton-init-")
    try:
        next_step(scratch, indexes, bundle, rest, {"command": "init"})
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def open_streams():
    """Let the standard streams be there: a file that is opened where one is closed would be taken for it."""
    number = 0
    while number <= 2:
        number = os.open(os.devnull, os.O_RDWR)
        if number <= 2:
            os.set_inheritable(number, True)
    os.close(number)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def is_text(path):
    """Tell whether a path can stand in one line of UTF-8."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\n" not in path and "\r" not in path


def absolute(path):
    """Return an absolute path, which a working directory that was removed cannot give."""
    try:
        return os.path.abspath(path)
    except OSError:
        raise Problem("the working directory is gone; change to one that exists")


def wish_of(directory, rest):
    """Return what the configuration and the command line say themselves of where bin/buildout belongs.

    It is only compared with what they said when bin/buildout was made; what it means zc.buildout alone can tell.
    """
    lines, config = list(rest), configuration(rest)
    if "://" not in config:
        with open(os.path.join(directory, config), encoding="utf-8", errors="replace") as stream:
            lines += stream.read().splitlines()
    wishes = (re.match(r"(?:buildout:)?((?:bin-)?directory\s*[-+]?=.*)", line) for line in lines)
    return "\n".join(found.group(1).strip() for found in wishes if found)


def script_of(directory, wish):
    """Return the bin/buildout that answers a wish, None where none does; the next step notes where it put one."""
    place, noted = os.path.join(directory, "bin"), ""
    try:
        with open(os.path.join(directory, ".eggcarton", "bin"), encoding="utf-8") as stream:
            place, noted = (str(word) for word in json.load(stream))
    except (OSError, ValueError, TypeError):
        pass
    return os.path.join(place, "buildout") if noted == wish else None


def read_arguments(arguments):
    """Return the directory, the indexes, the bundle and what is left for bin/buildout."""
    directory, words = None, list(arguments)
    if words and words[0] in ("-h", "--help"):
        print(__doc__)
        sys.exit(0)
    if words and not words[0].startswith("-") and "=" not in words[0] and words[0] not in COMMANDS:
        directory = words.pop(0)
        if not os.path.isdir(directory):
            raise Problem("%s is not a directory; give one that holds a buildout.cfg" % (directory or "''"), 2)
    indexes, bundle, rest = read_sources(words)
    directory = absolute(directory or os.curdir)
    check_configuration(directory, configuration(rest))
    return directory, indexes, bundle, rest


def read_sources(words):
    """Return the indexes and the bundle that words name, and the words that are left."""
    indexes, bundle, rest, words = [], None, [], list(words)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if name in ("--index", "--from"):
            value = value if equals else words.pop(0) if words else ""
            if not value:
                raise Problem("%s needs a value: --index URL or --from DIRECTORY" % name, 2)
            if name == "--index":
                indexes.append(checked(value, name))
            else:
                bundle = absolute(value)
                if not os.path.isdir(bundle):
                    raise Problem("--from %s is not a directory" % value, 2)
        else:
            rest.append(word)
    return indexes, bundle, rest


def configuration(rest):
    """Return the configuration file that bin/buildout's arguments name."""
    for position, word in enumerate(rest):
        found = re.match("-[a-zA-Z]*c(.*)$", word)
        if found and not word.startswith("--"):
            if not found.group(1) and position + 1 == len(rest):
                raise Problem("-c needs a value: -c FILE", 2)
            return found.group(1) or rest[position + 1]
    return "buildout.cfg"


def is_offline(rest):
    """Tell whether bin/buildout's arguments, the last of them that says anything of it, let no socket be opened."""
    offline, words = False, iter(rest)
    for word in words:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            flags, takes_value, attached = re.match("-([^ct]*)([ct]?)(.*)$", word, re.DOTALL).groups()
            for flag in flags:
                offline = flag == "o" if flag in "oO" else offline
            # What stands right behind -t zc.buildout overlooks.
            if takes_value == "t" or (takes_value and not attached):
                next(words, None)
        elif equals and [part.strip() for part in name.split(":")] in (["offline"], ["buildout", "offline"]):
            offline = value.strip() == "true"
        elif not equals:
            break
    return offline


def check_configuration(directory, config):
    """Refuse a directory, or a configuration in it, that this user cannot read."""
    if not os.access(directory, os.X_OK):
        raise Problem("%s may not be entered by this user; give a directory that may" % directory)
    path = os.path.join(directory, config)
    if "://" in config:
        return
    if not os.path.isfile(path):
        raise Problem("%s holds no %s; give the directory of a buildout, or write one there" % (directory, config), 2)
    if not os.access(path, os.R_OK):
        raise Problem("%s may not be read by this user" % path)


def stamp_of():
    """Return a digest of all that decides what this would make."""
    subject = "%s %s %s" % (executable(), sys.version, HERE)
    digest = hashlib.sha256(subject.encode("utf-8"))
    parts = [os.path.abspath(__file__), TOOLCHAIN]
    wheel = own_wheel()
    if wheel is None:
        parts += [
            CLOSED_SET,
            os.path.join(HERE, "setup.py"),
            os.path.join(SOURCE, "eggcarton", "child", "bootstrap.py"),
        ]
    else:
        digest.update(wheel[1].encode("ascii"))
    for path in parts:
        try:
            with open(path, "rb") as stream:
                digest.update(stream.read())
        except FileNotFoundError:
            raise Problem("%s is missing; get the whole checkout again" % path)
    return digest.hexdigest()


def own_wheel():
    """Return the path and the sha256 of eggcarton's wheel that lies here vendored; None in a checkout of eggcarton."""
    if os.path.isdir(os.path.join(SOURCE, "eggcarton", "packages")) or not os.path.exists(VENDORED):
        return None
    with open(VENDORED, encoding="utf-8", errors="replace") as stream:
        found = re.search(r"^([0-9a-f]{64})  (eggcarton-[^/\s]+\.whl)$", stream.read(), re.M)
    if not found:
        raise Problem("%s names no wheel of eggcarton; run bin/eggcarton vendor again where it came from" % VENDORED)
    path = os.path.join(HERE, found.group(2))
    try:
        with open(path, "rb") as stream:
            digest = hashlib.sha256(stream.read()).hexdigest()
    except FileNotFoundError:
        raise Problem("%s is missing; restore it, or run bin/eggcarton vendor again where it came from" % path)
    if digest != found.group(1):
        raise Problem("%s has another sha256 than %s tells; restore both" % (path, os.path.basename(VENDORED)), 5)
    return path, digest


def unpacked(cache, wheel, digest):
    """Return a directory with the content of eggcarton's wheel, unpacked once for a machine."""
    place = os.path.join(cache, "eggcarton", digest[:16])
    if os.path.isdir(place):
        return place
    os.makedirs(os.path.dirname(place), exist_ok=True)
    staging = tempfile.mkdtemp(prefix=".unpack-", dir=os.path.dirname(place))
    try:
        target = os.path.join(staging, "source")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
        try:
            os.rename(target, place)
        except OSError:
            if not os.path.isdir(place):
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return place


def executable():
    """Return the Python to build for: the one that a virtual environment was made of, which outlives it."""
    python = getattr(sys, "_base_executable", None) or sys.executable
    # Before 3.11 Python itself does not know it.
    while True:
        try:
            with open(os.path.join(os.path.dirname(os.path.dirname(python)), "pyvenv.cfg"), encoding="utf-8") as stream:
                home = re.search(r"^home\s*=\s*(.+?)\s*$", stream.read(), re.M).group(1)
        except (IOError, UnicodeDecodeError, AttributeError):
            return python
        names = ("python%d.%d" % sys.version_info[:2], "python3", "python")
        found = [path for path in (os.path.join(home, name) for name in names) if os.access(path, os.X_OK)]
        if not found or found[0] == python:
            return python
        python = found[0]


def is_current(script, stamp):
    """Tell whether bin/buildout is what this would make, with everything that it starts from still there."""
    try:
        with open(script, encoding="utf-8") as stream:
            text = stream.read()
    except (IOError, UnicodeDecodeError):
        return False
    if "# bootstrap: " + stamp not in text or not os.access(script, os.X_OK):
        return False
    places = re.findall(r'^    (".*"),$', text.partition("sys.path[:0] = [")[2].partition("\n]")[0], re.M)
    here = os.path.dirname(os.path.realpath(script))
    try:
        return bool(places) and all(os.path.isdir(os.path.join(here, json.loads(place))) for place in places)
    except ValueError:
        return False


def check_bundle(bundle):
    """Hold each file that a bundle lists against its sha256, before anything of it is used; none may lie elsewhere.

    A directory of wheels, which lists nothing, is no bundle: its wheels are held against the pins.
    """
    try:
        with open(os.path.join(bundle, MANIFEST), encoding="utf-8", errors="replace") as stream:
            lines = stream.read().splitlines()
    except FileNotFoundError:
        return
    made_for = [line[len("# for ") :] for line in lines if line.startswith("# for ")]
    if made_for and not any(is_for_here(*target.split()[:2]) for target in made_for if " " in target):
        raise Problem(
            "the bundle %s was made for %s, and this is Python %d.%d on %s; make one for it, where there is a network, "
            "with bin/eggcarton fetch --to DIR --platform NAME --python %d.%d"
            % (
                (bundle, ", ".join(made_for))
                + sys.version_info[:2]
                + (sysconfig.get_platform(),)
                + sys.version_info[:2]
            )
        )
    found = [fault for line in lines if not line.startswith("#") for fault in [fault_in_bundle(bundle, line)] if fault]
    if found:
        raise Problem(
            "the bundle %s is not what was made, and nothing was installed; copy it again:\n  %s"
            % (bundle, "\n  ".join(found)),
            5,
        )


def is_for_here(platform, python):
    """Tell whether what was made for a platform, as wheels name it, and a version of Python is for this one."""
    version = python.split(".")[:2]
    is_python = python == "all" or version == [str(number) for number in sys.version_info[:2]]
    return is_python and (platform == "all" or fits("name-1-py3-none-%s.whl" % platform))


def fault_in_bundle(bundle, line):
    """Return what is wrong with the file that a line of a bundle's list names, None where nothing is."""
    match = re.match(r"([0-9a-f]{64})  (.+)$", line)
    if not match:
        return "%s: %r is no line of it" % (MANIFEST, line)
    sha256, name = match.groups()
    if os.path.isabs(name) or ".." in re.split(r"[/\\]", name):
        return "%s: %s leaves the bundle" % (MANIFEST, name)
    path = os.path.join(bundle, name)
    if os.path.commonpath([os.path.realpath(bundle), os.path.realpath(path)]) != os.path.realpath(bundle):
        return "%s: it is a link that leaves the bundle" % name
    try:
        digest = digest_of(path)
    except FileNotFoundError:
        return "%s: it is missing" % name
    if digest == sha256:
        return None
    return "%s: its %d bytes have another sha256 than %s tells" % (name, os.path.getsize(path), MANIFEST)


def take_note(bundle, directory, rest):
    """Have every later build look for the files of its lock in a bundle; take its copies of what is extended."""
    if not any(os.path.exists(os.path.join(bundle, name)) for name in (MANIFEST, "wheels", "extends")):
        return
    # In a tree that may be moved as a whole the bundle moves with it.
    is_inside = os.path.commonpath([directory, bundle]) == directory
    noted = os.fsencode(os.path.relpath(bundle, directory) if is_inside else bundle) + b"\n"
    put(os.path.join(directory, NOTE), noted)
    config = configuration(rest)
    beside = directory if "://" in config else os.path.dirname(os.path.join(directory, config))
    for path in glob.glob(os.path.join(glob.escape(bundle), "extends", "*")):
        if digest_of(path) == os.path.basename(path):
            with open(path, "rb") as stream:
                put(os.path.join(beside, ".eggcarton", "extends", os.path.basename(path)), stream.read())


def put(path, data):
    """Let a file hold something, whole or not at all; where it does already nothing is written."""
    try:
        with open(path, "rb") as stream:
            if stream.read() == data:
                return
    except OSError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = "%s.%d" % (path, os.getpid())
    with open(temporary, "wb") as stream:
        stream.write(data)
    os.replace(temporary, path)


def digest_of(path):
    """Return the sha256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def toolchain_in(bundle):
    """Return the directory of a bundle that holds the toolchain: one of that name, or itself."""
    place = os.path.join(bundle, "toolchain")
    return place if os.path.isdir(place) else bundle


def build(directory, indexes, bundle, rest, stamp, wish):
    """Make bin/buildout and bin/eggcarton in a directory."""
    next_step(directory, indexes, bundle, rest, {"command": "bootstrap", "stamp": stamp, "wish": wish})


def next_step(directory, indexes, bundle, rest, order):
    """Fetch what is missing and let eggcarton's own code, in its closed set of libraries, do what is ordered."""
    cache = cache_directory(directory)
    settings = Settings(indexes)
    wheel = own_wheel()
    source = SOURCE if wheel is None else unpacked(cache, *wheel)
    pins_file = os.path.join(source, PINS_OF_CLOSED_SET)
    wheels = toolchain_in(bundle) if bundle else fetched(cache, settings, pins_file, offline=is_offline(rest))
    closed = closed_set(cache, wheels, pins_file)
    order.update(
        {
            "directory": directory,
            "arguments": rest,
            "toolchain": TOOLCHAIN,
            "wheels": wheels,
            "closed_set": closed,
            "checkout": HERE,
            "own_wheel": wheel,
            "cache": cache,
            "python": executable(),
        }
    )
    clean = dict((name, value) for name, value in os.environ.items() if not name.startswith("PYTHON"))
    command = [executable(), "-IS", "-c", NEXT_STEP, closed, source, json.dumps(order)]
    process = subprocess.Popen(command, env=clean)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        # It may have heard of it by itself, and heeds the first signal only; it needs its time to clear up.
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    if status in (130, -signal.SIGINT):
        raise KeyboardInterrupt
    if status:
        sys.exit(status)


def cache_directory(directory):
    """Return a directory for fetched files: the usual one, or one in the target where that cannot be written."""
    if os.environ.get("EGGCARTON_CACHE"):
        usual = absolute(os.environ["EGGCARTON_CACHE"])
    else:
        home = os.path.expanduser("~")
        if sys.platform == "darwin":
            usual = os.path.join(home, "Library", "Caches", "eggcarton")
        else:
            usual = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), "eggcarton")
    try:
        reason = "it is not an absolute path"
        if os.path.isabs(usual):
            os.makedirs(usual, exist_ok=True)
            if os.access(usual, os.W_OK):
                return usual
            reason = "it may not be written"
    except OSError as error:
        reason = error.strerror.lower()
    chosen = os.path.join(directory, ".eggcarton", "cache")
    print("The cache %s cannot be used (%s); %s is used." % (usual, reason, chosen))
    return chosen


class Settings(object):
    """Index, certificate and proxy as the environment and pip's configuration name them; nothing else of it."""

    def __init__(self, indexes=None):
        sections = {}
        for path in self.files():
            parser = configparser.RawConfigParser()
            try:
                parser.read(path, "utf-8")
            except (configparser.Error, OSError, UnicodeDecodeError):
                continue
            for section in parser.sections():
                items = [(name.replace("_", "-"), value) for name, value in parser.items(section)]
                named = [(name, (value, "%s in %s" % (name, path))) for name, value in items]
                sections.setdefault(section, {}).update(named)
        # pip reads a command's own section after the global one, whichever file they stand in.
        self.found = {}
        for section in ("global", "install", "download"):
            self.found.update(sections.get(section, {}))
        self.indexes, self.index_source = list(indexes or ()), "--index"
        if not self.indexes:
            named, self.index_source = self.first("index-url", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
            # uv lets a name stand before the address.
            self.indexes = [re.sub(r"\A[\w.-]+=(?=\w+:)", "", named)] if named else []
        self.certificate, self.certificate_source = self.first("cert", "PIP_CERT", "SSL_CERT_FILE")
        self.proxy, self.proxy_source = self.first("proxy", "PIP_PROXY")

    def first(self, option, *variables):
        """Return the value of the first variable that is set, or else of an option of pip, and where it is from."""
        for name in variables:
            if os.environ.get(name):
                return os.environ[name], name
        return self.found.get(option) or (None, option)

    def check(self):
        """Refuse what cannot be an address before anybody is asked by it."""
        self.indexes = [checked(index, self.index_source) for index in self.indexes]
        if self.certificate and not os.path.exists(self.certificate):
            raise Problem(
                "%s: there is no %s; name a file that is there" % (self.certificate_source, self.certificate), 2
            )
        for index in self.indexes or ["https://"]:
            parts = urllib.parse.urlsplit(index)
            proxy, source = self.proxy, self.proxy_source
            if not proxy and parts.scheme != "file" and not urllib.request.proxy_bypass(parts.hostname or ""):
                known = urllib.request.getproxies()
                scheme = parts.scheme if known.get(parts.scheme) else "all"
                proxy, source = known.get(scheme), scheme + "_proxy"
            if proxy:
                checked(proxy if "://" in proxy else "http://" + proxy, source, "a proxy", PROXIES)

    @staticmethod
    def files():
        chosen = os.environ.get("PIP_CONFIG_FILE")
        if chosen == os.devnull:
            return []
        home = os.path.expanduser("~")
        config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
        paths = ["/etc/pip.conf", os.path.join(home, ".pip", "pip.conf"), os.path.join(config, "pip", "pip.conf")]
        return paths + [os.path.join(sys.prefix, "pip.conf")] + ([chosen] if chosen else [])


def checked(address, source, what="an index", schemes=INDEXES):
    """Return an address that can be one; a directory may stand for an index, as it may for pip."""
    if schemes is INDEXES and os.path.isdir(address):
        return "file://" + urllib.request.pathname2url(absolute(address))
    reason = None
    try:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in schemes or not address[len(parts.scheme) :].startswith("://"):
            reason = "it does not begin with %s" % " or ".join(scheme + "://" for scheme in schemes[:3])
        elif parts.scheme != "file" and not parts.hostname:
            reason = "it names no host"
        elif re.search(r"[\x00-\x20\x7f]", address):
            reason = "it holds a blank"
    except ValueError:
        reason = "its host is none"
    try:
        if reason is None and parts.port == 0:
            reason = "no port is 0"
    except ValueError:
        reason = "its port is not a number up to 65535"
    if reason:
        # In what is no address, nobody can tell where credentials end.
        shown = re.sub("//.*@", "//", address)
        raise Problem(
            "%s: %s is not the address of %s: %s; mend it, or leave it out" % (source, shown, what, reason), 2
        )
    return address


def pins(of_closed_set):
    """Return the text of all pins: the toolchain, the closed set, and uv among the latter."""
    text = ""
    for path in (TOOLCHAIN, of_closed_set):
        try:
            with open(path, encoding="utf-8") as stream:
                text += stream.read() + "\n"
        except UnicodeDecodeError:
            raise Problem("%s is not UTF-8; get the whole checkout again" % path)
    return text


def bundle_name(text):
    """Return a name for the wheels that these pins mean for this Python and platform."""
    subject = "%s %s %s %s" % (text, sys.version_info[:2], sys.implementation.name, sysconfig.get_platform())
    return hashlib.sha256(subject.encode("utf-8")).hexdigest()[:16]


def fetched(cache, settings, of_closed_set=CLOSED_SET, offline=False):
    """Return a directory with every pinned wheel, fetched once for a machine."""
    text = pins(of_closed_set)
    place = os.path.join(cache, "bootstrap", bundle_name(text))
    if os.path.isdir(place):
        return place
    if offline:
        raise Problem(
            "offline, and the toolchain for this Python is not in the cache %s; name a directory that holds its "
            "wheels with --from DIRECTORY, or leave offline out" % cache,
            4,
        )
    settings.check()
    os.makedirs(os.path.dirname(place), exist_ok=True)
    print("Fetching the toolchain ...")
    sys.stdout.flush()
    staging = tempfile.mkdtemp(prefix=".wheels-", dir=os.path.dirname(place))
    try:
        target = os.path.join(staging, "wheels")
        os.mkdir(target, 0o755)
        launch = pip()
        if launch is not None:
            for lines in (TOOLCHAIN, of_closed_set):
                by_pip(launch, lines, target, settings)
        elif settings.indexes:
            for name, hashes in sorted(pinned(text).items()):
                on_one_of(settings.indexes, by_index, name, hashes, target, settings)
        else:
            raise Problem(
                "this Python has neither pip nor ensurepip; name an index with --index URL, "
                "or wheels with --from DIRECTORY",
                4,
            )
        os.chmod(target, 0o755)
        try:
            os.rename(target, place)
        except OSError:
            if not os.path.isdir(place):
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return place


def pip():
    """Return how to start the machine's pip, or the one inside ensurepip; None where there is neither."""
    if subprocess.call([executable(), "-I", "-c", "import pip"], stderr=subprocess.DEVNULL) == 0:
        return [executable(), "-I", "-c", PIP, ""]
    try:
        import ensurepip
    except ImportError:
        return None
    places = [os.path.join(os.path.dirname(ensurepip.__file__), "_bundled")]
    places.append(sysconfig.get_config_var("WHEEL_PKG_DIR") or "/usr/share/python-wheels")
    found = sorted(path for place in places for path in glob.glob(os.path.join(place, "pip-*.whl")))
    return [executable(), "-I", "-c", PIP, found[-1]] if found else None


def on_one_of(indexes, fetch, *arguments):
    """Have something fetched from the first index that has it with the right bytes, which comes first from then on."""
    problems = []
    for position, index in enumerate(indexes):
        try:
            fetch(index, *arguments)
        except Problem as problem:
            problems.append(problem)
            if position + 1 < len(indexes):
                print("%s; asking the next index." % problem)
                sys.stdout.flush()
        else:
            indexes.insert(0, indexes.pop(position))
            return
    # Wrong bytes weigh more than none.
    raise max(problems, key=lambda problem: problem.exit_code)


def by_pip(launch, requirements, place, settings):
    """Have pip fetch every pinned wheel of a file; its own configuration and variables are left out."""
    on_one_of(settings.indexes or [None], by_pip_from, launch, requirements, place, settings)


def by_pip_from(index, launch, requirements, place, settings):
    """Have pip fetch every pinned wheel of a file from one index, None for its own; it hears of no other one."""
    command = launch + ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command += ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--retries", "2", "--timeout", "20"]
    command += ["--requirement", requirements, "--dest", place]
    clean = dict((n, v) for n, v in os.environ.items() if not n.startswith(("PIP_", "PYTHON")))
    # What a command line holds every user of the machine can read, and addresses may hold passwords.
    named = {"PIP_INDEX_URL": index, "PIP_CERT": settings.certificate, "PIP_PROXY": settings.proxy}
    clean.update((name, value) for name, value in named.items() if value)
    # Whatever pip leaves when it is killed lies where it is cleared away.
    clean.update(PIP_CONFIG_FILE=os.devnull, TMPDIR=os.path.dirname(place))
    done = subprocess.run(
        command, env=clean, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        explain(done.stdout.decode("utf-8", "replace"), os.path.basename(requirements), index)


def explain(output, name, index):
    """Turn pip's last words into one sentence."""
    where = without_credentials(index) if index else "the index"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if "DO NOT MATCH THE HASHES" in output or "THESE PACKAGES" in output:
        got = [line for line in lines if re.match("Expected|Got|Or", line) is None and "sha256" not in line]
        found = [line for line in lines if "from " in line and "==" in line] or got
        # Whence pip has the pin it tells in brackets at the end, with a path that may be long.
        culprit = re.split(r" \(from |#sha256=", found[-1])[0].rstrip(":")
        raise Problem(
            "a file from %s has another sha256 than %s pins (%s); nothing was installed" % (where, name, culprit[:200]),
            5,
        )
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    if any(word in output for word in ("connection", "Connection", "Retry", "resolve", "Timeout", "timed out")):
        raise Problem(
            "the toolchain could not be fetched from %s: %s; check the network and the proxy, "
            "or use --index URL or --from DIRECTORY" % (where, errors[-1][:300] if errors else "pip gave no reason"),
            4,
        )
    raise Problem(
        "pip could not fetch what %s pins from %s: %s"
        % (name, where, errors[-1][:300] if errors else "no reason given"),
        4,
    )


def without_credentials(url):
    """Return an address without the user name and password it may hold."""
    return re.sub(r"\A([\w+.-]*:?//)[^/?#]*@", r"\1", url)


def pinned(text):
    """Return the sha256 values of each canonical name and version whose marker may hold here."""
    found = {}
    for line in re.sub(r"\\\n", " ", text).splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)==([^ ;]+)\s*(?:;([^\\]*?))?(\s--hash.*)$", line)
        if match and holds(match.group(3) or ""):
            found.setdefault(match.group(1), set()).update(re.findall("sha256:([0-9a-f]{64})", match.group(4)))
    return found


def holds(marker):
    """Evaluate the few markers that our own pins use: comparisons of the Python version and the platform."""
    for clause in filter(None, (part.strip() for part in marker.split(" and "))):
        match = re.match(
            r"(python_full_version|python_version|sys_platform)\s*(==|!=|>=|<|>|<=)\s*['\"]([^'\"]+)['\"]$", clause
        )
        if not match:
            return True
        name, operator, value = match.groups()
        if name == "sys_platform":
            same = sys.platform == value
            answer = same if operator == "==" else not same
        else:
            wanted = tuple(int(number) for number in re.findall(r"\d+", value))
            have = (
                sys.version_info[: len(wanted)]
                if value.endswith("*") or name == "python_version"
                else sys.version_info[:3]
            )
            have, wanted = tuple(have), wanted
            answer = {
                "==": have == wanted,
                "!=": have != wanted,
                ">=": have >= wanted,
                "<=": have <= wanted,
                "<": have < wanted,
                ">": have > wanted,
            }[operator]
        if not answer:
            return False
    return True


def by_index(index, name, hashes, place, settings):
    """Fetch a pinned wheel with nothing but this file: from its page on one index, checked by sha256."""
    page = "%s/%s/" % (index.rstrip("/"), name)
    links = re.findall(r"""href=["']([^"']+)["']""", read(page, settings, index).decode("utf-8", "replace"))
    chosen = None
    for link in links:
        address, fragment = urllib.parse.urldefrag(urllib.parse.urljoin(page, link.replace("&amp;", "&")))
        if fragment.partition("=")[2] in hashes and fits(address):
            chosen = (address, fragment.partition("=")[2])
    if chosen is None:
        raise Problem(
            "%s lists no wheel of %s that is pinned for this Python and platform" % (without_credentials(index), name),
            4,
        )
    data = read(chosen[0], settings, index)
    if hashlib.sha256(data).hexdigest() != chosen[1]:
        raise Problem(
            "%s has another sha256 than the one pinned; nothing was installed" % without_credentials(chosen[0]), 5
        )
    with open(os.path.join(place, os.path.basename(urllib.parse.unquote(chosen[0]))), "wb") as stream:
        stream.write(data)


def read(address, settings, index):
    """Return what an address on one index serves; the credentials of no other one are sent."""
    plain = without_credentials(address)
    try:
        request = urllib.request.Request(plain, headers={"Accept": "text/html"})
        given = credentials(address, index)
        if given:
            # A redirect may lead to another host, which these are not for.
            request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(given).decode("ascii"))
        handlers = []
        if settings.proxy:
            handlers.append(urllib.request.ProxyHandler({"http": settings.proxy, "https": settings.proxy}))
        if settings.certificate and plain.startswith("https:"):
            import ssl

            context = ssl.create_default_context(cafile=settings.certificate)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        with urllib.request.build_opener(*handlers).open(request, timeout=30) as answer:
            return answer.read()
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise Problem(
            "%s could not be fetched: %s; check the address, the network and the proxy"
            % (plain, reason or "no answer"),
            4,
        )


def credentials(address, index):
    """Return the user name and password that an address holds, or the index's where it is of the same origin."""
    parts, own = urllib.parse.urlsplit(address), urllib.parse.urlsplit(index)
    same = (parts.scheme, parts.netloc.rpartition("@")[2]) == (own.scheme, own.netloc.rpartition("@")[2])
    found = parts.netloc.rpartition("@")[0] or (own.netloc.rpartition("@")[0] if same else "")
    return urllib.parse.unquote_to_bytes(found)


def fits(address):
    """Tell whether a wheel's name suits this Python and platform."""
    name = address.rpartition("/")[2]
    tags = name[: -len(".whl")].split("-")[-3:] if name.endswith(".whl") else []
    if len(tags) != 3:
        return False
    python, abi, platform = tags
    version = "cp%d%d" % sys.version_info[:2]
    if "py3" not in python.split(".") and not (version in python and (version in abi or "abi3" in abi)):
        return False
    if "abi3t" in abi or abi.endswith("t"):
        return False
    if platform == "any":
        return True
    machine = sysconfig.get_platform().replace("-", "_").replace(".", "_").partition("_")[2]
    if sys.platform.startswith("linux"):
        musl = "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "")
        return platform.endswith(machine) and ("musllinux" if musl else "manylinux") in platform
    if sys.platform == "darwin":
        return "macosx" in platform and platform.endswith((os.uname().machine, "universal2"))
    return platform == sysconfig.get_platform().replace("-", "_")


def closed_set(cache, wheels, of_closed_set):
    """Return the directory of the closed set, unpacked by uv from wheels that lie in a directory."""
    with open(of_closed_set, encoding="utf-8") as stream:
        text = stream.read()
    place = os.path.join(cache, "closed-set", bundle_name(text))
    if os.path.isdir(place):
        return place
    os.makedirs(os.path.dirname(place), exist_ok=True)
    staging = tempfile.mkdtemp(prefix=".closed-", dir=os.path.dirname(place))
    try:
        program = uv_from(wheels, pinned(text).get("uv", ()), staging)
        target = os.path.join(staging, "target")
        command = [program, "pip", "install", "--quiet", "--target", target, "--python", executable(), "--no-index"]
        command += [
            "--find-links",
            wheels,
            "--require-hashes",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--requirement",
            of_closed_set,
        ]
        clean = dict((n, v) for n, v in os.environ.items() if not n.startswith(("UV_", "PIP_", "PYTHON")))
        clean.update(
            UV_NO_CONFIG="1",
            UV_CACHE_DIR=os.path.join(staging, "cache"),
            UV_PYTHON_DOWNLOADS="never",
            UV_LINK_MODE="copy",
        )
        clean.pop("VIRTUAL_ENV", None)
        done = subprocess.run(
            command, env=clean, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            last = done.stdout.decode("utf-8", "replace").strip()
            raise Problem(
                "the libraries of eggcarton could not be unpacked from %s: %s" % (wheels, last),
                5 if "hash" in last.lower() else 1,
            )
        try:
            os.rename(target, place)
        except OSError:
            if not os.path.isdir(place):
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return place


def uv_from(wheels, hashes, staging):
    """Take the uv binary out of its wheel, once the wheel's sha256 was found among the pinned ones."""
    for path in sorted(glob.glob(os.path.join(wheels, "uv-*.whl"))):
        with open(path, "rb") as stream:
            if hashlib.sha256(stream.read()).hexdigest() not in hashes:
                continue
        if not fits(path):
            continue
        with zipfile.ZipFile(path) as archive:
            name = [name for name in archive.namelist() if re.match(r"uv-[^/]*\.data/scripts/uv(\.exe)?$", name)][0]
            program = os.path.join(staging, os.path.basename(name))
            with open(program, "wb") as stream:
                stream.write(archive.read(name))
        os.chmod(program, 0o755)
        return program
    raise Problem(
        "no wheel of uv in %s has a sha256 that is pinned for this platform; nothing was installed" % wheels, 5
    )


if __name__ == "__main__":
    try:
        try:
            main(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except Problem as problem:
        sys.exit(print("Error: %s" % problem, file=sys.stderr) or problem.exit_code)
    except BrokenPipeError:
        # Who read the output has left; the interpreter would complain when it flushes what is still in there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.exit("Error: %s: %s" % (error.filename or "bootstrap.py", error.strerror or error))
