"""The gradient descent explorer: it computes in the page, so it follows the pointer.

What is known of each surface (surfaces), a walk in numbers and words (words), its picture, and the
widget (explorer); the JavaScript in js/descent is laid out the same way.
"""

from labkit.explore.descent.explorer import DescentExplorer
from labkit.explore.descent.surfaces import describe_surface
from labkit.explore.descent.words import explain, stable_rate
