import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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
  /** What the process may take; left out for as much as there is. */
  readonly memory_bytes_max?: number
  /** A file of rows to compare on, beside the input example. */
  readonly sample?: string
  /** Why there is none. */
  readonly no_sample?: string
}

/** How a conversion ended that could be carried out. */
export interface Converted {
  /** Whether all rows are answered alike. */
  readonly converted: boolean
  readonly rows: number
  readonly differing: number
  readonly max_difference: number
  /** What the rows are, and of how many they were chosen. */
  readonly compared: readonly { readonly of: string; readonly rows: number; readonly all: number }[]
  /** Why none of the training data is among them, or not all that was chosen. */
  readonly not_compared: string | null
  readonly where: readonly {
    readonly of: string
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
/** A model may print as much as it likes; the outcome is at the end, and shorter. */
const PRINTED_MAX = 1024 * 1024

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
  child.stdout.on('data', (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-PRINTED_MAX)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-LAST_WORDS_MAX)
    for (const line of chunk.toString().split('\n'))
      if (/^(reading|converting|comparing|logging) /.test(line)) say(line)
  })
  child.stdin.on('error', () => undefined)
  // Left open: that it closes tells the conversion that nobody waits for it any more.
  child.stdin.write(`${JSON.stringify(order)}\n`)
  const ended = await new Promise<string>((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        new Problem(
          'not-found',
          `${python} cannot be run (${error.message}); name a Python with --python, for a server with its setting modelPython`,
        ),
      ),
    )
    child.once('exit', end)
    child.once('close', (code, killer) => resolve(killer === null ? `code ${code}` : killer))
  }).finally(() => signal?.removeEventListener('abort', end))
  signal?.throwIfAborted()
  const outcome = outcomeIn(printed)
  if (outcome === undefined)
    throw new Problem(
      'unavailable',
      `the conversion ended with ${ended}${limitOf(order)}:\n${complaints.trim()}`,
    )
  if ('refused' in outcome) throw new Problem('unsupported', outcome.refused)
  return outcome
}

/** That some rows are answered otherwise, and by how much; the first of them are among its details. */
export function notConverted(source: string, outcome: Converted): string {
  return `${source} is not converted: ${outcome.differing} of ${outcome.rows} rows are answered otherwise, by up to ${Number(outcome.max_difference.toPrecision(6))} (${outcome.by})`
}

function limitOf({ memory_bytes_max: bytes }: ConversionOrder): string {
  return bytes === undefined
    ? ''
    : ` (its memory is bounded to ${Math.ceil(bytes / 1024 ** 2)} MiB by modelMemoryBytesMax)`
}

/** Puts rows of the training data into a folder where there are such, as an order names them. */
export async function sampleIn(
  folder: string,
  rows: () => Promise<Uint8Array>,
): Promise<Pick<ConversionOrder, 'sample' | 'no_sample'>> {
  try {
    const sample = join(folder, 'training-rows.parquet')
    await writeFile(sample, await rows())
    return { sample }
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'not-found') throw error
    return { no_sample: error.message }
  }
}

function outcomeIn(printed: string): Converted | { readonly refused: string } | undefined {
  try {
    return JSON.parse(printed.trimEnd().split('\n').at(-1) ?? '') as Converted
  } catch {
    return undefined
  }
}
