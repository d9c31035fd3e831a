import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** The folder of a Python with the clients that conformance tests drive; `npm test` prepares it and sets the variable. */
export function pythonBin(): string {
  const bin = process.env['ORRERY_TEST_PYTHON_BIN']
  if (bin === undefined || bin === '')
    throw new Error(
      'ORRERY_TEST_PYTHON_BIN is not set: it names the bin folder of a Python environment with the clients of tests/requirements.txt; `npm test` prepares one',
    )
  return bin
}

/** The same with a client of MLflow 2. */
export function mlflow2Bin(): string {
  const bin = process.env['ORRERY_TEST_MLFLOW2_BIN']
  if (bin === undefined || bin === '')
    throw new Error(
      'ORRERY_TEST_MLFLOW2_BIN is not set: it names the bin folder of a Python environment with the packages of tests/requirements-mlflow2.txt; `npm test` prepares one',
    )
  return bin
}

/** The same with Evidently, NannyML, River, Fairlearn and whylogs. */
export function monitorsBin(): string {
  const bin = process.env['ORRERY_TEST_MONITORS_BIN']
  if (bin === undefined || bin === '')
    throw new Error(
      'ORRERY_TEST_MONITORS_BIN is not set: it names the bin folder of a Python environment with the packages of tests/requirements-monitors.txt; `npm test` prepares one',
    )
  return bin
}

/** Runs a Python script and gives what it prints last, a line of JSON. Rejects with all its output when it fails. */
export async function runPython(
  script: string,
  environment: Readonly<Record<string, string>> = {},
  bin: string = pythonBin(),
): Promise<unknown> {
  const child = spawn(join(bin, 'python'), ['-c', script], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  let complaints = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`the script ended with ${code}:\n${printed}\n${complaints}`)
  return JSON.parse(printed.trim().split('\n').at(-1) ?? 'null') as unknown
}
