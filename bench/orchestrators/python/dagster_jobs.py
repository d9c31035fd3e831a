"""Ten stages in a row, and ten that depend on nothing; each writes the time at which it runs."""

import os
import subprocess

from dagster import Definitions, In, Nothing, job, op

OUT = os.environ["BENCH_OUT"]


def stage(name, number, ins):
    @op(name=name, ins=ins)
    def write():
        subprocess.run(f"date +%s%N > {OUT}/s{number}", shell=True, check=True)

    return write


first = stage("row0", 0, {})
others = [stage(f"row{number}", number, {"before": In(Nothing)}) for number in range(1, 10)]
alone = [stage(f"side{number}", number, {}) for number in range(10)]


@job
def row():
    before = first()
    for one in others:
        before = one(before)


@job
def side():
    for one in alone:
        one()


defs = Definitions(jobs=[row, side])
