"""How well a color stands out: the contrast of WCAG 2."""

LIGHT, DARK = "#ffffff", "#212121"  # the grounds of pages and of JupyterLab's themes


def contrast(color: str, ground: str) -> float:
    """Return the contrast ratio of two colors such as "#1845fb"; graphics need 3, text 4.5."""
    low, high = sorted((_luminance(color), _luminance(ground)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
