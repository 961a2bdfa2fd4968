"""Draw the pictures anew, after a change that was looked at."""

from . import FORMS, draw, picture

for form in FORMS:
    draw(form, picture(form))
