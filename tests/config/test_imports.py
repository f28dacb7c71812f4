from __future__ import annotations

import subprocess
import sys


def test_names_need_neither_pydantic_nor_yaml():
    code = (
        "import sys; import jupyter_mldeploy.config as config; config.check_model_name('a');"
        "print(sorted({'pydantic', 'yaml'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_classes_need_no_yaml():
    code = (
        "import sys; from jupyter_mldeploy.config import *;"
        "LocalDeploymentConfiguration(port=1); print('yaml' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
