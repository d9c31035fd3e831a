import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Problem } from '#base/problem'

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

/** Runs the conversion in a Python. Throws a problem that says what to do when it cannot be carried out. */
export async function convertWith(
  python: string,
  order: ConversionOrder,
  say: (text: string) => void,
): Promise<Converted> {
  const child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'] })
  let printed = ''
  let complaints = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-LAST_WORDS_MAX)
    for (const line of chunk.toString().split('\n'))
      if (/^(reading|converting|comparing|logging) /.test(line)) say(line)
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(JSON.stringify(order))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        new Problem(
          'not-found',
          `${python} cannot be run (${error.message}); name a Python with --python`,
        ),
      ),
    )
    child.once('close', resolve)
  })
  const outcome = outcomeIn(printed)
  if (outcome === undefined)
    throw new Problem(
      'unavailable',
      `the conversion ended with code ${code}:\n${complaints.trim()}`,
    )
  if ('refused' in outcome) throw new Problem('unsupported', outcome.refused)
  return outcome
}

function outcomeIn(printed: string): Converted | { readonly refused: string } | undefined {
  try {
    return JSON.parse(printed.trimEnd().split('\n').at(-1) ?? '') as Converted
  } catch {
    return undefined
  }
}
