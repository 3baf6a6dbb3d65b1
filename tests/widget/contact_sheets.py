"""Join the pictures of each size and theme to a sheet: `python -m tests.widget.contact_sheets PICTURES OUT`.

PICTURES is the folder that `python -m tests.widget.screenshots` filled.
"""

import sys
from base64 import b64encode
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.widget.browsing import chromium, launched
from tests.widget.screenshots import SCHEMES, SIZES

WIDTHS = {"desktop": 400, "phone": 180}
HEIGHTS = {"desktop": 281, "phone": 370}
STYLE = """
body { margin: 12px; width: 1640px; display: flex; flex-wrap: wrap; gap: 12px; background: GROUND; }
figure { margin: 0; width: WIDTHpx; } figcaption { font: 13px sans-serif; color: INK; padding: 3px 0; }
img { width: 100%; height: HEIGHTpx; object-fit: contain; object-position: top; outline: 1px solid #8888; }
"""


def main() -> None:
    """Make the sheets."""
    if len(sys.argv) != 3 or chromium() is None:
        sys.exit("usage: python -m tests.widget.contact_sheets PICTURES OUT, where a Chromium is installed")
    pictures, out = map(Path, sys.argv[1:])
    with sync_playwright() as playwright:
        browser = launched(playwright, chromium() or "")
        for size in SIZES:
            for scheme in SCHEMES:
                _sheet(browser, sorted(pictures.glob(f"*-{size}-{scheme}.png")), out / f"states-{size}-{scheme}.jpg")
        browser.close()


def _sheet(browser: Browser, pictures: list[Path], out: Path) -> None:
    _, size, scheme = out.stem.split("-")
    ground, ink = ("#ddd", "#111") if scheme == "light" else ("#333", "#eee")
    style = STYLE.replace("WIDTH", str(WIDTHS[size])).replace("HEIGHT", str(HEIGHTS[size]))
    figures = "".join(
        f'<figure><img src="data:image/png;base64,{b64encode(picture.read_bytes()).decode()}">'
        f"<figcaption>{picture.stem.removesuffix(f'-{size}-{scheme}')}</figcaption></figure>"
        for picture in pictures
    )
    page = browser.new_page(viewport={"width": 1664, "height": 900})
    page.set_content(f"<style>{style.replace('GROUND', ground).replace('INK', ink)}</style>{figures}")
    page.screenshot(path=out, type="jpeg", quality=50, full_page=True)
    page.close()


if __name__ == "__main__":
    main()
