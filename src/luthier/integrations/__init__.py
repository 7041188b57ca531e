"""Luthier inside other libraries. One file per library; each needs the extra of its name."""
