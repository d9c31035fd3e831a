"""The tables that MLflow makes in an empty SQLite file, each statement in one line, and the revision that they are of."""

import json
import logging
import re
import sqlite3
import tempfile

from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine

logging.disable(logging.CRITICAL)
with tempfile.TemporaryDirectory() as folder:
    file = f"{folder}/mlflow.db"
    _initialize_tables(create_sqlalchemy_engine(f"sqlite:///{file}"))
    db = sqlite3.connect(file)
    rows = db.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type = 'table' DESC, type = 'index' DESC, name"
    )
    statements = [re.sub(r"\s+", " ", sql).replace("( ", "(").replace(" )", ")") for (sql,) in rows]
    revision = db.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    db.close()
print(json.dumps({"revision": revision, "statements": statements}))
