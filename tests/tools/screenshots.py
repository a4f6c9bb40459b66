"""Pictures of the console for the documentation: ``python -m tests.tools.screenshots``.

A desk's decisions are played against a real service, and the pages are drawn by the system's
Chromium; PNGs of at most 150 KB go to ``docs/images``.
"""

import argparse
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.console.browser import chromium, served_console, session_cookie, watch

FOLDER: Final = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES: Final = 150_000
_COLOURS: Final = 96


@dataclass(frozen=True)
class Shot:
    """One picture: its name, where, how large, in which colours."""

    name: str
    page: Literal["now", "decision"]
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"


SHOTS: Final = (
    Shot("console-now-light", "now", 1280, 860),
    Shot("console-now-dark", "now", 1280, 860, "dark"),
    Shot("console-now-narrow", "now", 360, 1180),
    Shot("console-decision-light", "decision", 1280, 1480),
)


def draw(folder: Path, decisions: int) -> list[Path]:
    """Play decisions and draw every picture.

    Parameters
    ----------
    folder : Path
        Where the pictures go.
    decisions : int
        How many are played before.
    """
    with tempfile.TemporaryDirectory() as room, served_console(Path(room), decisions) as url:
        cookie = session_cookie(url)
        with chromium() as browser:
            return [_shoot(browser, url, cookie, shot, folder) for shot in SHOTS]


def _shoot(browser: Browser, url: str, cookie: Any, shot: Shot, folder: Path) -> Path:
    size: Any = {"width": shot.width, "height": shot.height}
    with browser.new_context(viewport=size, color_scheme=shot.scheme) as context:
        context.add_cookies([cookie])
        watched = watch(context, url)
        page = watched.page
        if shot.page == "decision":
            watched.visit(f"/decisions/{_telling_decision(page, url)}")
        else:
            watched.visit("")
            page.wait_for_function(
                "document.querySelector('[data-live-state]').textContent === 'Live'"
            )
        target = folder / f"{shot.name}.png"
        target.write_bytes(compressed(page.screenshot()))
        assert watched.problems == []
        return target


def _telling_decision(page: Page, url: str) -> str:
    """Choose, of the last decisions of the policy, the one in which most signals have a size."""
    found = page.request.get(f"{url}/console/journal.json?strategy=rl").json()["decisions"][:60]
    best = max(found, key=lambda entry: _sized(entry["answer"]))
    return str(best["decision_id"])


def _sized(answer: dict[str, Any]) -> tuple[int, int]:
    finals = [
        part["final_usd"] for position in answer["positions"] for part in position["contributions"]
    ]
    return sum(usd != 0.0 for usd in finals), len(answer["binding_limits"])


def compressed(picture: bytes) -> bytes:
    """Reduce a PNG to a palette.

    Raises
    ------
    ValueError
        If it is too large for the documentation even so.
    """
    few = (
        Image.open(io.BytesIO(picture)).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    )
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    if len(out.getvalue()) > MOST_BYTES:
        raise ValueError(
            f"the picture must hold at most {MOST_BYTES} bytes, was {len(out.getvalue())}"
        )
    return out.getvalue()


def main() -> None:
    """Draw every picture anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--decisions", type=int, default=150)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for path in draw(chosen.folder.resolve(), chosen.decisions):
        print(f"{path}: {path.stat().st_size} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
