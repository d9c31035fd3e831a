"""Code that finds its run in the environment, as a stage of a pipeline does, and does not know who made it."""
import json
import os
import mlflow

given = os.environ["MLFLOW_RUN_ID"]
with mlflow.start_run() as run:
    mlflow.log_metric("auc", 0.8)
    mlflow.log_param("depth", 4)
print(json.dumps({"same": run.info.run_id == given}))
