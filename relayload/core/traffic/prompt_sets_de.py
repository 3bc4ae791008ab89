"""Built-in prompts in German, by kind."""

from collections.abc import Mapping
from types import MappingProxyType

_SIMPLE = (
    "Was ist die Hauptstadt von Australien?",
    "Nenne drei Gründe, warum Brot beim Backen aufgeht.",
    "Wie viele Tage hat der Februar in einem Schaltjahr?",
    "Erkläre in zwei Sätzen, warum der Himmel blau ist.",
    "Welche Sprache spricht man in Brasilien?",
    "Schreibe eine höfliche Absage auf eine Einladung zum Abendessen, höchstens drei Sätze.",
)

_CODE = (
    "Schreibe eine Python-Funktion, die prüft, ob eine Zeichenkette ein Palindrom ist.",
    "Schreibe in Go eine Funktion, die zwei sortierte Listen zusammenführt, mit Tests.",
    "Schreibe eine SQL-Abfrage, die je Kunde die letzte Bestellung liefert.",
    "Implementiere in JavaScript eine Funktion, die einen Aufruf höchstens einmal je Sekunde durchlässt.",
    "Finde den Fehler in diesem Code und erkläre ihn:\n\n```python\nfor i in range(len(xs)):\n    if xs[i] == 0:\n"
    "        del xs[i]\n```",
    "Implementiere in Python einen LRU-Cache, dessen Zugriffe konstante Zeit brauchen.",
)

_MATH_PROOF = (
    "Beweise, dass die Wurzel aus 3 irrational ist.",
    "Beweise durch Induktion, dass die Summe der ersten n ungeraden Zahlen n² ist.",
    "Beweise, dass es unendlich viele Primzahlen gibt, und gib einen zweiten Beweis an.",
    "Beweise den Satz des Thales und seine Umkehrung.",
    "Beweise, dass jede beschränkte monotone Folge konvergiert.",
    "Beweise, dass ein Baum mit n Knoten genau n − 1 Kanten hat.",
)

_IMAGE_REASONING = (
    "Beschreibe das Muster in diesem Bild und sage, wie es rechts weiterginge.",
    "Welche Farbe überwiegt in diesem Bild? Begründe Schritt für Schritt.",
    "Vergleiche die linke obere mit der rechten unteren Ecke des Bildes.",
    "Schätze, wie viele Streifen dieses Bild hat, und erkläre, wie du zählst.",
)

SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"simple": _SIMPLE, "code": _CODE, "math_proof": _MATH_PROOF, "image_reasoning": _IMAGE_REASONING}
)
