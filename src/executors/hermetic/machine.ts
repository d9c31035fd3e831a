import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Watch } from '#stages'
import { tracerWords } from './trace.ts'
import { roomOf } from './view.ts'

const run = promisify(execFile)

/** What this machine can do to keep a stage to what it declares. */
export interface Abilities {
  /** bubblewrap makes rooms here: a stage can be kept from what it does not declare. */
  readonly encloses: boolean
  /** strace follows processes here, in such a room where there is one: what a stage looked at can be told. */
  readonly follows: boolean
  /** With a filter in the kernel, without which following costs three times as much. */
  readonly filters: boolean
  /** What is missing, and what would help; empty where nothing is. */
  readonly reasons: readonly string[]
}

type Variables = Readonly<Record<string, string | undefined>>

/** Tries it: whether a program is installed does not tell whether the machine, perhaps a container, lets it work. */
export async function abilitiesOf(variables: Variables): Promise<Abilities> {
  const room = roomOf({ network: false })
  const all = ['bwrap', ...room, '--', ...tracerWords({ file: '/dev/null', filters: true }), 'true']
  // Mostly all of it works, and one try tells so.
  if ((await tried(all, variables)) === null)
    return { encloses: true, follows: true, filters: true, reasons: [] }
  const reasons: string[] = []
  const enclosed = await tried(['bwrap', ...room, '--', 'true'], variables)
  if (enclosed !== null) reasons.push(reason('bubblewrap', 'bwrap', enclosed))
  const around = enclosed === null ? ['bwrap', ...room, '--'] : []
  const follow = (filters: boolean) =>
    tried([...around, ...tracerWords({ file: '/dev/null', filters }), 'true'], variables)
  const filtered = await follow(true)
  const followed = filtered === null ? null : await follow(false)
  if (followed !== null) reasons.push(reason('strace', 'strace', followed))
  return {
    encloses: enclosed === null,
    follows: followed === null,
    filters: filtered === null,
    reasons,
  }
}

/** Strict needs walls; observing needs eyes. */
export function isAble({ encloses, follows }: Abilities, watch: Watch): boolean {
  return watch === 'strict' ? encloses : follows
}

interface Failed {
  readonly isMissing: boolean
  readonly message: string
}

const TRY_MS = 10_000

async function tried(words: readonly string[], variables: Variables): Promise<Failed | null> {
  const [program = '', ...args] = words
  try {
    await run(program, args, { env: variables, timeout: TRY_MS })
    return null
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string }
    const said = (stderr ?? '').trim().split('\n').at(-1) ?? ''
    return { isMissing: code === 'ENOENT', message: said === '' ? message : said }
  }
}

function reason(name: string, program: string, { isMissing, message }: Failed): string {
  if (process.platform !== 'linux') return `${name} works on Linux only`
  return isMissing
    ? `${name} is not installed (Debian and Ubuntu: apt-get install -y ${name})`
    : `${program} may not work here (${message}); a container has to allow it, for example by --security-opt seccomp=unconfined`
}
