"""Measurements against the targets: ``python -m tests.tools.bench``.

Each file measures one thing and gives rows; ``report.py`` writes them. CPU time, medians of
interleaved rounds, one process; nothing is skipped silently and a missed target is shown as missed.
"""

import os

# Several BLAS threads on few cores would measure their quarrel; set before numpy is imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
