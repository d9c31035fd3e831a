import type { Resources } from './room.ts'

/** What a stage says of the variables that make bytes repeat: nothing is pinned, or these are, null leaving one out. */
export type Pin = false | ReadonlyMap<string, string | null>

/** What was held still for a run of a stage, so that the same inputs give the same bytes. */
export interface Pinned {
  readonly variables: Readonly<Record<string, string>>
  /** Names of those that whoever ran it had set by himself: they were left as they were. */
  readonly own: readonly string[]
}

export interface Surroundings {
  /** Processors of the machine. */
  readonly cpus: number
  /** Variables of whoever runs it. */
  readonly own: Readonly<Record<string, string | undefined>>
  /** When the commit at hand was made; undefined where there is none. */
  readonly commitSeconds: number | undefined
}

export const NOTHING_PINNED: Pinned = { variables: {}, own: [] }

/** Sums of floating-point numbers depend on how many threads share them. */
const THREADS = [
  'OMP_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'MKL_NUM_THREADS',
  'BLIS_NUM_THREADS',
  'VECLIB_MAXIMUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'NUMBA_NUM_THREADS',
  'POLARS_MAX_THREADS',
  'RAYON_NUM_THREADS',
]

/** The first moment that a zip archive can name: for projects without a commit. */
const EARLIEST_SECONDS = 315_532_800

/** Variables that make the same inputs give the same bytes; a stage, or whoever runs it, may say otherwise. */
export function pinned(
  {
    pin,
    resources,
  }: { readonly pin?: Pin | undefined; readonly resources?: Resources | undefined },
  around: Surroundings,
): Pinned {
  if (pin === false) return NOTHING_PINNED
  const usual = Object.entries(usually(threadsOf(resources, around), around.commitSeconds))
  const left = usual.filter(([name]) => pin?.has(name) !== true)
  const own = left.filter(([name]) => (around.own[name] ?? '') !== '').map(([name]) => name)
  const said = [...(pin ?? [])].filter((each): each is [string, string] => each[1] !== null)
  return {
    variables: Object.fromEntries([
      ...left.map(([name, value]) => [name, own.includes(name) ? around.own[name] : value]),
      ...said,
    ]) as Record<string, string>,
    own,
  }
}

/** As many as it declares; undeclared it has the machine for itself. */
function threadsOf(resources: Resources | undefined, { cpus }: Surroundings): number {
  return Math.max(1, Math.floor(resources?.cpus ?? cpus))
}

function usually(threads: number, commitSeconds = EARLIEST_SECONDS): Record<string, string> {
  return {
    // The order of sets, and so of what is written from them.
    PYTHONHASHSEED: '0',
    ...Object.fromEntries(THREADS.map((name) => [name, String(threads)])),
    // Without it cuBLAS chooses among its ways as its streams happen to fall.
    CUBLAS_WORKSPACE_CONFIG: ':4096:8',
    TZ: 'UTC',
    LC_ALL: 'C.UTF-8',
    SOURCE_DATE_EPOCH: String(Math.max(commitSeconds, EARLIEST_SECONDS)),
  }
}
