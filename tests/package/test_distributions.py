"""Both distributions in ``dist/`` hold what they should, and run in an empty environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DIST = ROOT / "dist"
UV = Path(sys.executable).with_name("uv")
OLDEST = 10


def pythons() -> dict[str, Path]:
    """The oldest and the newest Python on this machine that the connectors support, by version."""
    folders = [Path(each) for each in os.environ["PATH"].split(os.pathsep)]
    folders += Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.*/bin")
    found = {}
    for path in (path for folder in folders for path in folder.glob("python3.*")):
        minor = re.fullmatch(r"python3\.(\d+)", path.name)
        if minor and int(minor[1]) >= OLDEST and "shims" not in path.parts:
            found[int(minor[1])] = path
    return {f"3.{minor}": found[minor] for minor in {min(found), max(found)}}


def wheel(name: str) -> Path:
    (found,) = DIST.glob(f"{name}-*.whl")
    return found


def text_in(archive: Path, ending: str) -> str:
    """A file of a wheel."""
    with zipfile.ZipFile(archive) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(ending))
        return opened.read(name).decode()


def test_the_wheel_holds_every_file_of_the_packages() -> None:
    packages = ("crm_systems", "crm_singer", "tap_crm", "target_crm", "crm_simulators")
    tracked = subprocess.run(
        ["git", "ls-files", *packages, "schemas"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    with zipfile.ZipFile(wheel("tap_crm")) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
    assert held == {re.sub(r"^schemas/", "crm_systems/schemas/", name) for name in tracked}


def test_the_source_holds_no_tests_and_no_recordings() -> None:
    (source,) = DIST.glob("tap_crm-*.tar.gz")
    with tarfile.open(source) as opened:
        folders = {Path(name).parts[1] for name in opened.getnames()}
    assert not folders & {"tests", "docs", "benchmarks", "tools", ".github"}
    assert {"crm_systems", "schemas", "LICENSE", "README.md", "CHANGELOG.md"} <= folders


def test_the_page_on_pypi_links_to_the_repository() -> None:
    page = text_in(wheel("tap_crm"), "METADATA").partition("\n\n")[2]
    links = [link for link in re.findall(r"\]\((.+?)\)", page) if not link.startswith(("https://", "#"))]
    assert links == []
    for path in re.findall(r"tap-crm/(?:blob/)?main/([^)#]+)", page):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(("version", "python"), pythons().items(), ids=pythons())
@pytest.mark.parametrize("name", ["tap-crm", "target-crm"])
def test_either_name_installs_every_command(name: str, version: str, python: Path, tmp_path: Path) -> None:
    subprocess.run([UV, "venv", "--quiet", "--python", python, tmp_path], check=True)
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", tmp_path, "--find-links", DIST]
    subprocess.run([*install, wheel(name.replace("-", "_"))], check=True)
    scripts = re.findall(r"^([\w-]+) ?=", text_in(wheel("tap_crm"), "entry_points.txt"), re.MULTILINE)
    assert {"tap-crm", "target-crm"} <= set(scripts)
    for script in scripts:
        # The simulators have no version of their own.
        option = "--help" if script == "crm-simulator" else "--version"
        command = [tmp_path / "bin" / script, option]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script} on {version}: {done.stderr}"
        assert script in done.stdout


def test_the_image_holds_all_that_both_commands_need(tmp_path: Path) -> None:
    """Does by hand what the Dockerfile says, since docker may not be here."""
    image = (ROOT / "Dockerfile").read_text("utf-8")
    source, goal = tmp_path / "source", tmp_path / "opt"
    source.mkdir()
    for names in re.findall(r"^COPY (?!--from)(.+) \S+$", image, re.MULTILINE):
        for name in names.split():
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, source / name)
    (building,) = re.findall(r"^RUN (python -m venv .+)$", image, re.MULTILINE)
    subprocess.run(["bash", "-c", building.replace("/opt", str(goal))], cwd=source, check=True, capture_output=True)
    for name in ("tap-crm", "target-crm"):
        subprocess.run([goal / "crm" / "bin" / name, "--version"], cwd="/", check=True, capture_output=True)
    assert re.search(r"^USER [1-9]\d*$", image.split("FROM")[-1], re.MULTILINE)
