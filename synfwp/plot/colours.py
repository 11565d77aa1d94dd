"""Colours of figures."""

COLOURS = {  # Okabe & Ito (2008), readable with any kind of colour vision; yellow is left out, it fades on white
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "orange": "#E69F00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "black": "#000000",
}
