"""How Sphinx builds these pages: ``make docs``."""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE.parent)]
# The examples' networks are small: more threads of torch cost them more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")

project = "sk_crossmodal"
author = "the contributors of sk_crossmodal"
project_copyright = author
release = version = version_of("sk_crossmodal")

extensions = [
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
nitpicky = False  # types in docstrings are words, "array-like of shape (n,)", more than names

# Markdown, which is read on code hosts, too.
myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath"]
myst_heading_anchors = 4
suppress_warnings = [
    # Tables of the reports on the paper begin at the level that their place asks for.
    "myst.header",
    # `py` blocks show lines that need data or machines of the reader's.
    "misc.highlighting_failure",
]

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc has said them, with shapes
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = "sk_crossmodal"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
toc_object_entries_show_parents = "hide"  # names are long enough
html_theme_options = {
    "logo": {"text": "sk_crossmodal"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "getting_started": []}
copybutton_prompt_text = ">>> |\\.\\.\\. |\\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "examples" / "gallery"),
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "auto_examples/backreferences",
    "doc_module": ("sk_crossmodal",),
    "reference_url": {"sk_crossmodal": None},
    "filename_pattern": "plot_",
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "min_reported_time": 1,
}

# `make linkcheck` asks for every external address. The project has no address of its own yet.
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_anchors_ignore_for_url = [r"https://github\.com/.*"]  # made by scripts of that host


def _is_ours(thing):
    """Whether something was defined here, not in scikit-learn, torch or the standard library."""
    thing = getattr(thing, "fget", None) or getattr(thing, "func", None) or thing
    return str(getattr(thing, "__module__", "")).startswith("sk_crossmodal")


def _skip_foreign(app, what, name, thing, skip, options):
    return True if what == "class" and not _is_ours(thing) else None


def setup(app):
    """Leave out of a class's page what it inherits from other packages."""
    app.connect("autodoc-skip-member", _skip_foreign)
