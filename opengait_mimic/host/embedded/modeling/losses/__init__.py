"""All classes found in the files of this folder; a new file is published by being here."""

from utils import classes_of

globals().update(classes_of(__name__, __path__))
