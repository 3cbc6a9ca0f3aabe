"""The pictures of the documentation are those of the main pages, and stay small."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from tests.browser.screenshots import DOCS, MAIN, SIZES, THEMES, smaller

MOST_BYTES = 2_000_000


def test_the_main_pages_are_there_at_each_size_in_each_theme_and_small() -> None:
    expected = {f"{name}-{size}-{theme}.png" for name in MAIN for size in SIZES for theme in THEMES}

    found = {file.name: file.stat().st_size for file in DOCS.glob("*.png")}

    assert set(found) == {*expected, "overview.png"}
    assert sum(found.values()) <= MOST_BYTES


def test_a_picture_keeps_its_size_and_its_edges_in_a_palette() -> None:
    image = Image.new("RGB", (300, 100), "white")
    for shade in range(100):
        image.paste((shade, shade, 200), (shade * 2, 10, shade * 2 + 2, 90))
    loose = BytesIO()
    image.save(loose, format="PNG", compress_level=0)

    packed = smaller(loose.getvalue())

    found = Image.open(BytesIO(packed))
    assert (found.size, found.mode) == ((300, 100), "P")
    assert len(packed) < len(loose.getvalue()) / 10
    assert found.convert("RGB").getpixel((290, 50)) == (255, 255, 255)
