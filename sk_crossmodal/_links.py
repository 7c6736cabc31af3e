"""Where the documentation is, for the links in scikit-learn's HTML view."""

from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path


def documentation() -> str:
    """Address of the guide: the project's page, else the copy in a checkout, else empty."""
    try:
        urls = metadata("sk_crossmodal").get_all("Project-URL") or []
    except PackageNotFoundError:  # used without being installed
        urls = []
    for label, _, url in (entry.partition(", ") for entry in urls):
        if label == "Documentation":
            return str(url)
    guide = Path(__file__).resolve().parents[1] / "docs" / "guide.md"
    return guide.as_uri() if guide.exists() else ""


class LinkedEstimator:
    """Mixin: scikit-learn's HTML view of the estimator links to the documentation."""

    _doc_link_module = "sk_crossmodal"
    _doc_link_template = documentation().replace("{", "{{").replace("}", "}}")
