import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MAIN } from './orrery.ts'

const LOCKS = join('.dvc', 'tmp')
const COMMAND_MS_MAX = 120_000

export interface Ended {
  /** Null when it did not end by itself in time. */
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a command of the command line in a folder, told of no server but those that its arguments name. */
export function runCommand(
  folder: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { ORRERY_URL: _url, MLFLOW_TRACKING_URI: _uri, ORRERY_HOME: _home, ...env } = process.env
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { ...env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_MS_MAX,
    killSignal: 'SIGKILL',
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
}

/** Every file and folder below `folder`, with what it holds; DVC's own folder for locks does not count. */
export async function contentOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.map((entry) => ({ path: join(entry.parentPath, entry.name), entry }))
  const lasting = paths.filter(({ path }) => !path.includes(LOCKS))
  return Object.fromEntries(
    await Promise.all(
      lasting.map(async ({ path, entry }) => [
        path,
        entry.isFile()
          ? createHash('sha256')
              .update(await readFile(path))
              .digest('hex')
          : 'a folder',
      ]),
    ),
  ) as Record<string, string>
}
