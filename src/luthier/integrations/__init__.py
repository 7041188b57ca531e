"""Luthier inside other libraries: a file or folder for each, which needs the extra of its name."""
