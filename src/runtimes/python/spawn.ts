import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What decides whether one process can do for another. */
export interface ProcessSpec {
  readonly executable: string
  readonly memoryBytesMax: number
  /** Those that the process gets; it sees no others. */
  readonly variables: Readonly<Record<string, string | undefined>>
}

/** A process that has no model yet, and the folder that it may write to. */
export interface Sidecar {
  readonly child: ChildProcess
  readonly scratch: string
}

export function spawnSidecar({ executable, memoryBytesMax, variables }: ProcessSpec): Sidecar {
  const scratch = mkdtempSync(join(tmpdir(), 'orrery-model-'))
  const file = fileURLToPath(new URL('./sidecar.py', import.meta.url))
  const megabytes = Math.ceil(memoryBytesMax / 1024 ** 2)
  const path = variables['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'
  const child = spawn(executable, ['-s', file, String(process.pid), String(megabytes)], {
    cwd: scratch,
    env: {
      ...variables,
      PATH: `${dirname(executable)}${delimiter}${path}`,
      HOME: scratch,
      TMPDIR: scratch,
      LANG: 'C.UTF-8',
      PYTHONHASHSEED: '0',
      PYTHONUNBUFFERED: '1',
      PYTHONUTF8: '1',
      // A thread for each core in each process would only get into one another's way.
      OMP_NUM_THREADS: '1',
      OPENBLAS_NUM_THREADS: '1',
      MKL_NUM_THREADS: '1',
      TOKENIZERS_PARALLELISM: 'false',
      MLFLOW_DISABLE_TELEMETRY: 'true',
      DO_NOT_TRACK: 'true',
    },
    // A group of its own: what the model starts ends with it, and Ctrl-C is for the server.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  child.once('exit', () => {
    killGroup(child)
    rmSync(scratch, { recursive: true, force: true })
  })
  return { child, scratch }
}

/** Ends a process with all that it has started. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
