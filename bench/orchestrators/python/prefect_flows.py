"""Ten stages in a row, and ten that depend on nothing; each writes the time at which it runs."""

import os
import subprocess
import sys

from prefect import flow, serve, task

OUT = os.environ["BENCH_OUT"]


@task
def stage(number):
    subprocess.run(f"date +%s%N > {OUT}/s{number}", shell=True, check=True)


@flow
def row():
    before = []
    for number in range(10):
        before = [stage.submit(number, wait_for=before)]
    before[0].wait()


@flow
def side():
    for future in [stage.submit(number) for number in range(10)]:
        future.wait()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(row.to_deployment("bench"), side.to_deployment("bench"))
    else:
        {"row": row, "side": side}[sys.argv[1]]()
