"""Ten stages in a row, and ten that depend on nothing; each writes the time at which it runs."""

import os

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

OUT = os.environ["BENCH_OUT"]


def stage(number):
    command = f"date +%s%N > {OUT}/s{number}"
    return BashOperator(task_id=f"s{number}", bash_command=command)


for name in ("row", "side"):
    with DAG(name, schedule=None) as dag:
        stages = [stage(number) for number in range(10)]
        if name == "row":
            for before, after in zip(stages, stages[1:]):
                before >> after
    globals()[name] = dag
