"""What the documents and docstrings name is there: files, functions, modules, decisions, links."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import pytest

from deploy.settings import Settings

ROOT = Path(__file__).parent.parent
ROOMS = ("core", "devices", "ingest", "alerts", "dashboards", "deploy")
HOW_IT_WORKS = ROOT / "docs/how-it-works.md"
DECISIONS = ROOT / "docs/decisions"
NEVER_WRITTEN = {"0008", "0009", "0019"}  # numbers of decisions; the index says so

OTHERS = {  # names of PostgreSQL, Go, paho, import-linter and ISAPI
    "pg_snapshot_xmin",
    "CrossOriginProtection",
    "manual_ack",
    "acyclic_siblings",
    "CertificateCaptureEvent",
}
MADE_BY_THE_READER = {"deploy/mosquitto/certs"}

PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("devices/**/*.md"))
    if not page.is_relative_to(ROOT / ".venv")
)
PACKAGES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("__init__.py"))

_LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
_FILE = re.compile(rf"(?<![\w/.{{-])(?:{'|'.join(ROOMS)}|tests|docs)/[\w./-]*\w")
_NAME = re.compile(r"`([\w/]+\.py):\s+([\w.]+)`")
_DOTTED = re.compile(rf"`((?:{'|'.join(ROOMS)})(?:\.\w+)+)`")
_DECISION = re.compile(r"\b[Dd]ecisions?[ /](\d{4})")
_NUMBER = re.compile(r"(?<![\w.,/-])(0\d{3})(?![\w,-])")  # as one decision names another
_OURS = re.compile(r"`((?=[\w.]*_|[A-Z]\w*[a-z])[A-Za-z][\w.]*)`")  # snake_case or CamelCase
_CODE = re.compile(r"`([a-z_]+)(?:/|\.py)?`")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    """A page whole; of a Python file its docstrings and comments."""
    text = path.read_text()
    if path.suffix == ".md":
        return text
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, _DOCUMENTED)]
    comments = (line.partition("  # ")[2] or line for line in text.splitlines() if "# " in line)
    return "\n".join([*(ast.get_docstring(node) or "" for node in nodes), *comments])


_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


# ---------------------------------------------------------------- what a reference leads to


@cache
def vocabulary() -> frozenset[str]:
    """Every word in the files of the rooms, and the variables of the settings."""
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file())
    texts = (path.read_text() for path in files if path.suffix in (".py", ".sql", ".html", ".js"))
    variables = {f"CAREWATCH_{name.upper()}" for name in Settings.model_fields}
    return frozenset(word for text in texts for word in re.findall(r"\w+", text)) | variables


@cache
def defined(path: Path) -> frozenset[str]:
    """Every name that a module defines or imports, those of its classes as `Class.name`."""
    return frozenset(_names(ast.parse(path.read_text()).body))


def _names(body: list[ast.stmt], within: str = "") -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield within + name
            case ast.ClassDef(name=name, body=members):
                yield within + name
                yield from _names(members, f"{within}{name}.")
            case ast.Assign(targets=targets):
                yield from (within + each.id for each in targets if isinstance(each, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield within + name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (within + (each.asname or each.name) for each in names)


def leads_somewhere(dotted: str) -> bool:
    """Whether `alerts.desk.acknowledge` is a module, or a name that one defines."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        folder = ROOT.joinpath(*parts[:cut])
        for module in (folder.with_suffix(".py"), folder / "__init__.py"):
            if module.exists():
                return cut == len(parts) or ".".join(parts[cut:]) in defined(module)
    return ROOT.joinpath(*parts).exists()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# ---------------------------------------------------------------- references


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    wrong = []
    for link in _LINK.findall(page.read_text()):
        file, _, anchor = link.partition("#")
        target = (page.parent / file) if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_a_page_mentions_is_there(page: Path) -> None:
    assert lost(page) == []


@pytest.mark.parametrize("room", [*ROOMS, "tests"])
def test_what_docstrings_and_comments_mention_is_there(room: str) -> None:
    sources = (ROOT / room).rglob("*.py")
    assert [f"{named(path)}: {each}" for path in sources for each in lost(path)] == []


def lost(path: Path) -> list[str]:
    """The files, names, modules and decisions that a text mentions and that are not there."""
    text = text_of(path)
    files = set(_FILE.findall(text)) - MADE_BY_THE_READER
    found = [file for file in files if not exists(file)]
    found += [
        f"{file}: {name}"
        for file, name in _NAME.findall(text)
        if not (ROOT / file).is_file() or name not in defined(ROOT / file)
    ]
    found += [dotted for dotted in _DOTTED.findall(text) if not leads_somewhere(dotted)]
    numbers = _DECISION.findall(text)
    if path.parent == DECISIONS:
        numbers += set(_NUMBER.findall(text)) - NEVER_WRITTEN
    return found + [number for number in numbers if not list(DECISIONS.glob(f"{number}-*.md"))]


def exists(file: str) -> bool:
    """A file, a folder, or a module without its suffix. A decision may be named by its number."""
    if re.fullmatch(r"docs/decisions/\d{4}", file):
        return bool(list(ROOT.glob(f"{file}-*.md")))
    return (ROOT / file).exists() or (ROOT / f"{file}.py").exists()


@pytest.mark.parametrize("package", PACKAGES, ids=named)
def test_what_a_package_says_of_itself_is_inside(package: Path) -> None:
    """Each word in backquotes is a module of the package, or a name that one of them defines."""
    inside = package.parent
    known = {path.stem for path in inside.iterdir()}
    known |= {name.split(".")[-1] for path in inside.rglob("*.py") for name in defined(path)}
    words = _CODE.findall(ast.get_docstring(ast.parse(package.read_text())) or "")
    assert [word for word in words if word not in known | {"carewatch"}] == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent in (ROOT, DECISIONS, ROOT / "docs")], ids=named
)
def test_each_class_and_table_that_a_page_speaks_of_is_in_the_code(page: Path) -> None:
    words = {word for name in _OURS.findall(page.read_text()) for word in name.split(".")}
    assert words - vocabulary() - OTHERS == set()


# ---------------------------------------------------------------- decisions


def test_the_index_lists_every_decision_by_its_title() -> None:
    index = dict(re.findall(r"^- \[(.+?)\]\((.+?)\)", (DECISIONS / "README.md").read_text(), re.M))
    pages = sorted(page for page in DECISIONS.glob("[0-9]*.md"))
    titles = {page.read_text().partition("\n")[0].removeprefix("# "): page.name for page in pages}
    assert index == titles
    assert all(title.startswith(name[:4]) for title, name in titles.items())


def test_each_number_is_one_decision_and_none_is_missing() -> None:
    numbers = [page.name[:4] for page in DECISIONS.glob("[0-9]*.md")]
    every = sorted(map(int, [*numbers, *NEVER_WRITTEN]))
    assert every == list(range(1, every[-1] + 1))
    assert all(number in (DECISIONS / "README.md").read_text() for number in NEVER_WRITTEN)


def test_every_library_that_is_installed_has_its_reason() -> None:
    """0001 names each dependency, or the name it is imported by."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.split(r"[\[<>=~;]", each)[0].lower() for each in project["dependencies"]]
    reasons = (DECISIONS / "0001-libraries.md").read_text().lower()
    assert [name for name in names if name not in reasons] == []


# ---------------------------------------------------------------- how it works


def section(title: str) -> str:
    return HOW_IT_WORKS.read_text().split(f"## {title}\n")[1].split("\n## ")[0]


def test_an_sos_takes_twelve_steps_and_each_names_its_functions() -> None:
    steps = re.split(r"^\d+\. ", section("One SOS in twelve steps"), flags=re.M)[1:]
    assert len(steps) == 12
    assert [step for step in steps if not _NAME.search(step)] == []


def test_each_of_the_25_words_says_where_it_is_in_the_code() -> None:
    rows = [row for row in section("The words").splitlines() if row.startswith("| ")][1:]
    assert len(rows) == 25
    assert [row for row in rows if not _NAME.search(row)] == []


# ---------------------------------------------------------------- the picture of the rooms

Arrow = tuple[str, str]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOMS, cache_dir=None)


def picture() -> str:
    return section("The rooms").split("```mermaid\n")[1].split("```")[0]


def drawn() -> dict[Arrow, str]:
    """The arrows of the picture, with what stands on them."""
    found = {}
    for line in re.sub(r'\["[^"]*"\]', "", picture()).splitlines():
        arrow = re.fullmatch(r' *([\w.]+) --(?: "([\w, ]+)" --)?> ([\w.]+)', line)
        if arrow:
            found[arrow[1], arrow[3]] = arrow[2] or ""
    return found


def cut(module: str, depth: int) -> str:
    return ".".join(module.split(".")[:depth])


def arrows(graph: grimp.ImportGraph, depth: int) -> dict[Arrow, set[str]]:
    """Who imports whom when modules are taken together at a depth, and the modules meant."""
    found: dict[Arrow, set[str]] = {}
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            ends = (cut(importer, depth), cut(imported, depth))
            if ends[0] != ends[1]:
                found.setdefault(ends, set()).add(imported)
    return found


def folders(graph: grimp.ImportGraph) -> set[str]:
    return {name for room in ROOMS for name in graph.find_children(room) if _is_folder(name)}


def _is_folder(name: str) -> bool:
    return (ROOT / name.replace(".", "/")).is_dir()


def reduced(found: set[Arrow]) -> set[Arrow]:
    """The arrows that no longer way along the others shows already."""
    after: dict[str, set[str]] = {}
    for start, end in found:
        after.setdefault(start, set()).add(end)

    def reached(start: str) -> set[str]:
        return {end for near in after.get(start, ()) for end in {near, *reached(near)}}

    return {
        (start, end)
        for start, end in found
        if not any(end in reached(near) for near in after[start] - {end})
    }


def test_every_room_and_every_folder_is_in_the_picture(graph: grimp.ImportGraph) -> None:
    names = set(re.findall(r'([\w.]+)\["', picture()))
    assert names == folders(graph) | set(ROOMS)


def test_between_rooms_the_picture_shows_every_import_and_no_other(
    graph: grimp.ImportGraph,
) -> None:
    assert {arrow for arrow in drawn() if "." not in "".join(arrow)} == set(arrows(graph, 1))


def test_on_an_arrow_stand_the_doors_that_are_used(graph: grimp.ImportGraph) -> None:
    found = arrows(graph, 1)
    used = {
        arrow: ", ".join(sorted({module.split(".")[1] for module in found[arrow]}))
        for arrow, doors in drawn().items()
        if doors
    }
    assert used == {arrow: doors for arrow, doors in drawn().items() if doors}
    assert set(used) == {("alerts", "ingest"), ("dashboards", "ingest"), ("dashboards", "alerts")}


def test_within_a_room_the_picture_shows_how_its_folders_rest_on_each_other(
    graph: grimp.ImportGraph,
) -> None:
    inside = folders(graph)
    found = {
        (start, end)
        for start, end in arrows(graph, 2)
        if start in inside and end in inside and cut(start, 1) == cut(end, 1)
    }
    assert {arrow for arrow in drawn() if "." in "".join(arrow)} == reduced(found)
