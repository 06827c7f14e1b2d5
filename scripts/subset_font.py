"""Cut the Chinese font of pictures to the signs that lessons use; for authors, needs fonttools.

    python scripts/subset_font.py NotoSansSC_400Regular.ttf

The whole font (10 MB, SIL Open Font License) is in the npm package @expo-google-fonts/noto-sans-sc.
Kept are the 3,755 characters of GB2312's first level, Chinese punctuation, and every sign of the
glossary and of locale/zh.
"""

import sys
from pathlib import Path

from fontTools import subset

HOME = Path(__file__).parents[1]
OUT = HOME / "labkit" / "explore" / "fonts" / "NotoSansSC-Lab.ttf"


def signs() -> set[str]:
    """Return the signs that the font keeps."""
    level_one = (bytes([row, cell]) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    found = {each.decode("gb2312", "ignore") for each in level_one}
    found |= set("，。、；：？！“”‘’（）《》…—·％℃×÷±≤≥≠≈→←↑↓①②③④⑤⑥⑦⑧⑨⑩")
    for path in [HOME / "data" / "glossary.csv", *(HOME / "locale" / "zh").glob("*.po")]:
        found |= set(path.read_text(encoding="utf-8"))
    return found - {""}


def main() -> None:
    """Write the font."""
    options = subset.Options(layout_features=[], hinting=False, name_IDs=[0, 1, 2, 4, 6, 13, 14])
    font = subset.load_font(sys.argv[1], options)
    cut = subset.Subsetter(options)
    cut.populate(text="".join(signs()))
    cut.subset(font)
    for record in font["name"].names:
        if record.nameID in (1, 4):
            record.string = "Noto Sans SC Lab"
    subset.save_font(font, OUT, options)
    print(f"{OUT}: {OUT.stat().st_size:,} bytes, {len(font.getBestCmap()):,} signs")


if __name__ == "__main__":
    main()
