"""Commands of ``synfwp`` in files of their own; `synfwp.cli` puts them together."""
