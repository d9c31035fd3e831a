import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runPython } from '../../../tests/support/python.ts'
import { MLFLOW, SCHEMA } from './schema.ts'

const SCRIPT = 'tests/conformance/mlflow-migration/scripts/schema.py'

test(
  'the tables that are written are those that the newest MLflow makes',
  { timeout: 120_000 },
  async () => {
    const script = await readFile(join(import.meta.dirname, '..', '..', '..', SCRIPT), 'utf8')
    const made = (await runPython(script)) as { revision: string; statements: string[] }
    expect(MLFLOW.revision).toBe(made.revision)
    // Checks stand in no order of their own.
    const parts = (statement: string) => statement.split(', ').toSorted()
    expect(SCHEMA.trim().split('\n').map(parts)).toEqual(made.statements.map(parts))
  },
)
