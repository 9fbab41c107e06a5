"""A drawn picture for what has none: calm shapes in two related tones, the same for the same id."""

import hashlib


def placeholder(seed: str) -> str:
    """An SVG of 480 by 480; holds nothing of the seed's text."""
    digest = hashlib.sha256(seed.encode()).digest()
    hue = digest[0] * 360 // 256
    lean = 20 + digest[1] % 40
    left, top = 120 + digest[2] % 120, 130 + digest[3] % 100
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 480" width="480" height="480">'
        f'<rect width="480" height="480" fill="hsl({hue} 24% 90%)"/>'
        f'<circle cx="{left}" cy="{top}" r="150" fill="hsl({(hue + 18) % 360} 30% 84%)"/>'
        f'<path d="M0 {330 + lean} C 140 {250 + lean} 300 {400 - lean} 480 {300 - lean} V480 H0 Z" '
        f'fill="hsl({(hue + 340) % 360} 26% 78%)"/>'
        f'<path d="M0 {400 + lean // 2} C 160 {350 - lean} 320 {470 - lean} 480 {390} V480 H0 Z" '
        f'fill="hsl({hue} 22% 70%)"/></svg>'
    )
