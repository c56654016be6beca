"""The bundled plugins. They import only `router`, like anybody's."""
