"""What is refused of an entry script before anything runs."""

import pytest

from jupyter_mldeploy.deployment.script import check_script
from jupyter_mldeploy.errors import UserErrorException

GOOD = "def init():\n    pass\n\ndef run(data):\n    return data\n"

ACCEPTED = {
    "plain": GOOD,
    "headers": "def init(): pass\ndef run(data, request_headers): return data\n",
    "async": "def init(): pass\nasync def run(data): return data\n",
    "several arguments": "def init(): pass\ndef run(a, b=1, *, c=2): return a\n",
    "imported": "from mine import init, run\n",
    "star": "from mine import *\n",
    "assigned": "from mine import Scorer\nscorer = Scorer()\ninit, run = scorer.init, scorer.run\n",
    "conditional": "if True:\n    def init(): pass\nelse:\n    init = None\ntry:\n    from a import run\nexcept ImportError:\n    def run(data): return data\n",
    "init with defaults": "def init(path='x'): pass\ndef run(data): return data\n",
}

REFUSED = {
    "syntax": ("def init(:\n    pass\n", "is not valid Python", 1),
    "no init": ("def run(data): return data\n", "has no function init()", None),
    "no run": ("def init(): pass\n", "has no function run()", None),
    "nested run": ("def init():\n    def run(data): pass\n", "has no function run()", None),
    "init argument": ("def init(path): pass\ndef run(data): pass\n", "init() must not need", 1),
    "star args": (
        "def init(): pass\ndef run(*data): pass\n",
        "positional-only arguments, *args",
        2,
    ),
    "star kwargs": ("def init(): pass\ndef run(d, **k): pass\n", "*args, or **kwargs", 2),
    "positional only": ("def init(): pass\ndef run(d, /): pass\n", "positional-only", 2),
    "no argument": ("def init(): pass\ndef run(): pass\n", "argument for input data", 2),
    "headers only": (
        "def init(): pass\ndef run(request_headers): pass\n",
        'argument other than "request_headers"',
        2,
    ),
}


@pytest.mark.parametrize("source", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(tmp_path, source):
    script = tmp_path / "score.py"
    script.write_text(source)
    check_script(script)


@pytest.mark.parametrize(("source", "words", "line"), REFUSED.values(), ids=REFUSED)
def test_refused_with_place_and_way_out(tmp_path, source, words, line):
    script = tmp_path / "score.py"
    script.write_text(source)
    with pytest.raises(UserErrorException) as refused:
        check_script(script)
    assert words in refused.value.message
    assert refused.value.hint
    assert refused.value.problem.file == str(script)
    assert refused.value.problem.line == line
