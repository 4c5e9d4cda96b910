"""Columns may be called anything; the layers and inputs of a network may not."""

import re

SLASH, LIKE_A_SLASH = "/", "\N{DIVISION SLASH}"


def layer_name(column: str, ending: str) -> str:
    """The column's name as TensorFlow takes it for a scope, and an ending.

    Letters, digits and underscores stay; others become their code point between dots: "a b" becomes
    "a.20.b". An underscore at the beginning counts among the others.
    """
    return re.sub("[^A-Za-z0-9_]|^_", lambda found: f".{ord(found[0]):x}.", column) + ending


def column_of(layer: str, ending: str) -> str:
    """The column that `layer_name` named."""
    codes = re.compile(r"\.([0-9a-f]+)\.")
    return codes.sub(lambda found: chr(int(found[1], 16)), layer.removesuffix(ending))


def input_name(column: str) -> str:
    """The column's name as Keras takes it for an input: all but the slash may stay."""
    return column.replace(SLASH, LIKE_A_SLASH)


def column_of_input(name: str) -> str:
    """The column that `input_name` named."""
    return name.replace(LIKE_A_SLASH, SLASH)
