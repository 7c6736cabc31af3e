"""``python -m sk_crossmodal`` is ``sk-crossmodal``."""

import sys

from .cli import main

sys.exit(main())
