"""What the tests of the reference share."""

import os
from importlib.util import find_spec

# Before NumPy is imported: on busy cores, waiting threads of its matrix products cost six times
# what they gain on matrices as small as these.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# These build networks of a framework; the others must pass with none installed.
collect_ignore = [] if find_spec("paddle") else ["test_paddle.py", "test_parity.py"]
collect_ignore += [] if find_spec("onnx") and find_spec("onnxruntime") else ["test_onnx.py"]
