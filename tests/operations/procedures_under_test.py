"""Procedures that the operation tests submit; imported by real worker processes."""

import time

from jupyter_mldeploy.errors import Problem, WebserviceException
from jupyter_mldeploy.operations import procedure


@procedure("count")
def count(context):
    context.plan(["one", "two"])
    with context.phase("one"):
        for number in range(context.payload["to"]):
            context.log(f"counted {number}")
    with context.phase("two"):
        context.log("a warning\nin two lines", level="warning")
    return {"counted": context.payload["to"]}


@procedure("refuse")
def refuse(context):
    with context.phase("look"):
        problem = Problem(what="It is red.", hint="Paint it green.", file="score.py", line=3)
        raise WebserviceException("It is red.", problem=problem)


@procedure("break")
def break_down(context):
    with context.phase("work"):
        return {"impossible": 1 // 0}


@procedure("wait")
def wait(context):
    with context.phase("work"):
        context.log("waiting")
        while True:
            context.check_cancelled()
            time.sleep(0.01)
