import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, serverCommand, startFamily, type Family } from '../tests/support/process.ts'
import { pythonBin } from '../tests/support/python.ts'

/** A server under measurement: ours or the peer's. */
export interface Contender {
  readonly url: string
  readonly family: Family
  /** From the start of its process to the first 200 of the address that says it is up. */
  readonly startMs: number
  stop(): Promise<void>
}

const START_MS_MAX = 180_000

export async function startOrrery(home: string): Promise<Contender> {
  const port = await freePort()
  return contender(startingOf(...serverCommand(home, port)), `http://127.0.0.1:${port}`, '/health')
}

/** `mlflow server` as its manual starts it: SQLite, artifacts in a folder, its own number of workers. */
export async function startMlflow(home: string): Promise<Contender> {
  const port = await freePort()
  const address = `--host 127.0.0.1 --port ${port}`.split(' ')
  const store = `--backend-store-uri sqlite:///${join(home, 'mlflow.db')}`.split(' ')
  const files = ['--artifacts-destination', join(home, 'artifacts')]
  const args = ['server', ...address, ...store, ...files]
  const family = startingOf(join(pythonBin(), 'mlflow'), args, home)
  return contender(family, `http://127.0.0.1:${port}`, '/health')
}

/** `mlflow models serve` of a model's folder, in the environment that is there. */
export async function startMlflowModel(model: string, home: string): Promise<Contender> {
  const port = await freePort()
  const args = ['models', 'serve', '--host', '127.0.0.1', '--port', String(port)]
  const family = startingOf(
    join(pythonBin(), 'mlflow'),
    [...args, '--env-manager', 'local', '--model-uri', model],
    home,
  )
  return contender(family, `http://127.0.0.1:${port}`, '/ping')
}

interface Starting {
  readonly family: Family
  readonly beganMs: number
}

function startingOf(command: string, args: readonly string[], folder?: string): Starting {
  const beganMs = performance.now()
  // The peer finds its own python and helpers by PATH, as in an activated environment.
  const path = `${pythonBin()}:${process.env['PATH'] ?? ''}`
  const family = startFamily(command, args, {
    environment: { PATH: path, MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true' },
    ...(folder === undefined ? {} : { folder }),
  })
  family.stdout.resume()
  return { family, beganMs }
}

async function contender(
  { family, beganMs }: Starting,
  url: string,
  path: string,
): Promise<Contender> {
  try {
    await answered(`${url}${path}`, family)
  } catch (error) {
    await family.end()
    throw error
  }
  const startMs = performance.now() - beganMs
  return { url, family, startMs, stop: family.end }
}

async function answered(address: string, family: Family): Promise<void> {
  let ended: number | null | undefined
  void family.exited.then((status) => (ended = status))
  for (const deadline = performance.now() + START_MS_MAX; performance.now() < deadline;) {
    const status = await fetch(address).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 200) return
    if (ended !== undefined) throw new Error(`it ended with ${ended}:\n${family.log()}`)
    await sleep(5)
  }
  throw new Error(`${address} did not answer in ${START_MS_MAX} ms:\n${family.log()}`)
}

/** Resident memory of a family in MiB, each shared page counted once among those that share it. */
export async function memoryMib(family: Family): Promise<number> {
  const shares = (await family.living()).map(async ({ pid }) => {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0)
  })
  return (await Promise.all(shares)).reduce((sum, kib) => sum + kib, 0) / 1024
}

/** Runs a command to its end. Rejects with what it printed when it fails. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  options: { folder: string; environment?: Readonly<Record<string, string>> },
): Promise<string> {
  const child = spawn(command, args, {
    cwd: options.folder,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  const take = (chunk: Buffer) => void (printed += chunk.toString())
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${String(status)}:\n${printed}`)
  return printed
}
