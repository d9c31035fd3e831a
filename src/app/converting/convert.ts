import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Problem } from '#base/problem'
import { killGroup } from '#runtimes/python/spawn'

export interface ConversionOrder {
  readonly url: string
  readonly model: string
  readonly version: string
  readonly register_as: string
  readonly rows_max: number
  readonly tolerance: number
  readonly dry: boolean
  readonly sample?: string
}

/** How a conversion ended that could be carried out. */
export interface Converted {
  /** Whether all rows are answered alike. */
  readonly converted: boolean
  readonly rows: number
  readonly differing: number
  readonly max_difference: number
  readonly where: readonly {
    readonly row: number
    readonly output: string
    readonly model: unknown
    readonly onnx: unknown
  }[]
  /** The converter, its version, and how it was used. */
  readonly by: string
  /** What it was registered as. */
  readonly model?: string
  readonly version?: number
  readonly tags?: Readonly<Record<string, string>>
}

const SCRIPT = fileURLToPath(new URL('./convert.py', import.meta.url))
const LAST_WORDS_MAX = 4000

/** Where a conversion runs, and until when. */
export interface Conversion {
  readonly say?: (text: string) => void
  /** All that it sees of the environment; by default that of this process. */
  readonly variables?: Readonly<Record<string, string | undefined>>
  /** Ends it with all that it has started. */
  readonly signal?: AbortSignal
}

/**
 * Runs the conversion in a Python, which ends when this process does. Throws a problem that says what to do when it
 * cannot be carried out.
 */
export async function convertWith(
  python: string,
  order: ConversionOrder,
  { say = () => undefined, variables, signal }: Conversion,
): Promise<Converted> {
  signal?.throwIfAborted()
  // A group of its own: what the model starts ends with it.
  const child = spawn(python, [SCRIPT], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    ...(variables === undefined ? {} : { env: variables }),
  })
  const end = () => killGroup(child)
  signal?.addEventListener('abort', end)
  let printed = ''
  let complaints = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-LAST_WORDS_MAX)
    for (const line of chunk.toString().split('\n'))
      if (/^(reading|converting|comparing|logging) /.test(line)) say(line)
  })
  child.stdin.on('error', () => undefined)
  // Left open: that it closes tells the conversion that nobody waits for it any more.
  child.stdin.write(`${JSON.stringify(order)}\n`)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        new Problem(
          'not-found',
          `${python} cannot be run (${error.message}); name a Python with --python, for a server with its setting modelPython`,
        ),
      ),
    )
    child.once('exit', end)
    child.once('close', resolve)
  }).finally(() => signal?.removeEventListener('abort', end))
  signal?.throwIfAborted()
  const outcome = outcomeIn(printed)
  if (outcome === undefined)
    throw new Problem(
      'unavailable',
      `the conversion ended with code ${code}:\n${complaints.trim()}`,
    )
  if ('refused' in outcome) throw new Problem('unsupported', outcome.refused)
  return outcome
}

/** That some rows are answered otherwise, and by how much; the first of them are among its details. */
export function notConverted(source: string, outcome: Converted): string {
  return `${source} is not converted: ${outcome.differing} of ${outcome.rows} rows are answered otherwise, by up to ${Number(outcome.max_difference.toPrecision(6))} (${outcome.by})`
}

function outcomeIn(printed: string): Converted | { readonly refused: string } | undefined {
  try {
    return JSON.parse(printed.trimEnd().split('\n').at(-1) ?? '') as Converted
  } catch {
    return undefined
  }
}
