"""Curves of losses as a plain SVG."""

import math
from html import escape

WIDTH, HEIGHT = 680, 360
LEFT, RIGHT, TOP, BOTTOM = 58, 28, 34, 44
COLOURS = ("#1f6fb4", "#d1495b", "#3c8d40", "#8a5fbf", "#c77d0a", "#4d4d4d")


def ticks(least, most, about):
    """Round numbers from the least to the most, some `about` of them."""
    step = 10.0 ** math.floor(math.log10((most - least) / about))
    step *= min((1, 2, 5, 10), key=lambda by: abs((most - least) / (step * by) - about))
    return [step * i for i in range(math.ceil(least / step - 1e-9), math.floor(most / step + 1e-9) + 1)]


def words(x, y, text, at="start", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{at}"{more}>{escape(text)}</text>'


def plot(title, unit, curves):
    """`curves` are pairs of a label and [(step, loss), …]. The scale is cut where a first evaluation would flatten the rest."""
    last = max(step for _, points in curves for step, _ in points)
    losses = [x for _, points in curves for _, x in points]
    # What stands above is where every run begins; what tells them apart is below.
    least, most = min(losses), min(max(losses), max(points[-1][1] for _, points in curves) * 1.3)
    room = 0.06 * (most - least)
    least, most = least - room, most + room
    across = lambda step: LEFT + (WIDTH - LEFT - RIGHT) * step / last
    up = lambda loss: TOP + (HEIGHT - TOP - BOTTOM) * (most - loss) / (most - least)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
           f'role="img" font-family="sans-serif" font-size="12" fill="#444"><title>{escape(f"{title}: {unit}")}</title>',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<clipPath id="in"><rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT + 4}" height="{HEIGHT - TOP - BOTTOM}"/></clipPath>',
           words(LEFT, 20, f"{title}: {unit}", more=' font-weight="bold"')]
    marks = ticks(least, most, 6)
    digits = max(1, -math.floor(math.log10(marks[1] - marks[0]) + 1e-9)) if len(marks) > 1 else 2
    for loss in marks:
        y = up(loss)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(words(LEFT - 8, y + 4, f"{loss:.{digits}f}", "end"))
    for step in ticks(0, last, 6):
        out.append(words(across(step), HEIGHT - BOTTOM + 18, f"{step:,.0f}", "middle"))
    out.append(words((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "steps", "middle"))
    # Losses fall, so the right upper corner is free. Letters are some 6.6 wide.
    legend = WIDTH - RIGHT - 32 - 6.6 * max(len(label) for label, _ in curves)
    for i, (label, points) in enumerate(curves):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{across(step):.1f},{up(loss):.1f}" for step, loss in points)
        out.append(f'<g clip-path="url(#in)"><polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        out += [f'<circle cx="{across(s):.1f}" cy="{up(x):.1f}" r="2.6" fill="{colour}"/>' for s, x in points]
        y = TOP + 14 + 17 * i
        out.append("</g>")
        out.append(f'<line x1="{legend:.0f}" x2="{legend + 22:.0f}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" stroke-width="3"/>')
        out.append(words(legend + 28, y, label))
    return "\n".join(out) + "\n</svg>\n"
