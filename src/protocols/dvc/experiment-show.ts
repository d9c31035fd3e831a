import { flattened, isMap, plainParam, type Figures, type ParamValue } from '#stages'
import { figuresJson, pythonRepr } from './figures.ts'
import { pythonFloat } from './python.ts'

/** What one revision says: the folder now, a commit, or an experiment. */
export interface Look {
  /** A commit, or `workspace`. */
  readonly rev: string
  readonly name: string | null
  readonly atMs: number | null
  readonly params: Figures
  readonly metrics: Figures
  readonly deps: ReadonlyMap<string, LookedPath>
  readonly outs: ReadonlyMap<
    string,
    LookedPath & { readonly cached: boolean; readonly tracked: boolean }
  >
  /** Why nothing of it could be read. */
  readonly error: string | null
}

export interface LookedPath {
  readonly md5: string | null
  readonly sizeBytes: number | null
  readonly files: number | null
}

export interface ShownExperiment {
  readonly name: string
  readonly state: 'success' | 'queued' | 'running' | 'failed'
  /** Whether a worker made it, or will. */
  readonly isQueued: boolean
  readonly look: Look
}

export interface ShownBaseline {
  readonly look: Look
  readonly experiments: readonly ShownExperiment[]
}

/** What `dvc exp show --json` prints. */
export function experimentsJson(shown: readonly ShownBaseline[]): unknown[] {
  return shown.map(({ look, experiments }) => ({
    ...lookJson(look),
    experiments:
      experiments.length === 0
        ? null
        : experiments.map((each) => ({
            revs: [{ ...lookJson(each.look), experiments: null }],
            executor: each.isQueued ? executorJson(each) : null,
            name: each.name,
          })),
  }))
}

function executorJson({ state, look }: ShownExperiment) {
  const local = { root: null, log: null, pid: null, returncode: null, task_id: look.rev }
  return { state, name: 'dvc-task', local }
}

function lookJson({ rev, name, error, ...look }: Look) {
  const fault = error === null ? null : { msg: error, type: 'DvcException' }
  return { rev, name, data: error === null ? dataJson({ rev, ...look }) : null, error: fault }
}

function dataJson({ rev, atMs, params, metrics, deps, outs }: Omit<Look, 'name' | 'error'>) {
  return {
    rev,
    timestamp: atMs === null ? null : localTime(atMs),
    params: filesJson(params),
    metrics: filesJson(metrics),
    deps: Object.fromEntries([...deps].map(([name, dep]) => [name, pathJson(dep)])),
    outs: Object.fromEntries(
      [...outs].map(([name, { cached, tracked, ...out }]) => [
        name,
        { ...pathJson(out), use_cache: cached, is_data_source: tracked },
      ]),
    ),
    meta: {},
  }
}

function pathJson({ md5, sizeBytes, files }: LookedPath) {
  return { hash: md5, size: sizeBytes, nfiles: files }
}

function filesJson(figures: Figures): unknown {
  const all = figuresJson([{ name: '', figures }], (path) => path) as Record<
    string,
    { data?: unknown }
  >
  return all['']?.data ?? {}
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** As Python writes a time of the machine's zone. */
function localTime(atMs: number): string {
  const at = new Date(atMs)
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

export interface Columns {
  readonly kind: 'metric' | 'param' | 'dep'
  readonly head: string
}

export interface ShownRow {
  readonly look: Look
  /** Undefined for the folder and for commits. */
  readonly experiment: ShownExperiment | undefined
  readonly isLast: boolean
  readonly values: ReadonlyMap<string, ParamValue>
}

export interface ExperimentTable {
  readonly columns: readonly Columns[]
  readonly rows: readonly ShownRow[]
}

/** All figures of all revisions as one table. */
export function experimentTable(
  shown: readonly ShownBaseline[],
  how: {
    readonly keep?: RegExp
    readonly drop?: RegExp
    readonly onlyChanged?: boolean
    readonly sortBy?: string
    readonly descending?: boolean
  } = {},
): ExperimentTable {
  const looks = shown.flatMap(({ look, experiments }) => [
    look,
    ...experiments.map((each) => each.look),
  ])
  const all = columnsOf(looks)
  const valuesOf = (look: Look) => new Map(all.flatMap(({ head, of }) => pairOf(head, of(look))))
  const sorted = (experiments: readonly ShownExperiment[]) => {
    const { sortBy } = how
    if (sortBy === undefined) return experiments
    const column = all.find(({ head, short }) => head === sortBy || short === sortBy)
    const compared = experiments.toSorted((one, other) =>
      column === undefined ? 0 : byValue(column.of(one.look), column.of(other.look)),
    )
    return how.descending === true ? compared.toReversed() : compared
  }
  const rows = shown.flatMap(({ look, experiments }): ShownRow[] => {
    const below = sorted(experiments)
    return [
      { look, experiment: undefined, isLast: false, values: valuesOf(look) },
      ...below.map((experiment, at) => ({
        look: experiment.look,
        experiment,
        isLast: at === below.length - 1,
        values: valuesOf(experiment.look),
      })),
    ]
  })
  const isSame = (head: string) =>
    new Set(rows.map(({ values }) => cellText(values.get(head), {}))).size <= 1
  const columns = all.filter(({ head }) => {
    if (how.keep?.test(head) === true) return true
    if (how.drop?.test(head) === true) return false
    return how.onlyChanged !== true || rows.length < 2 || !isSame(head)
  })
  return { columns, rows }
}

/** Whether a word names a column that the table could be sorted by. */
export function hasColumn(shown: readonly ShownBaseline[], word: string): boolean {
  const looks = shown.flatMap(({ look, experiments }) => [
    look,
    ...experiments.map((each) => each.look),
  ])
  return columnsOf(looks).some(({ head, short }) => head === word || short === word)
}

type Column = Columns & {
  readonly short: string
  readonly of: (look: Look) => ParamValue | undefined
}

function columnsOf(looks: readonly Look[]): Column[] {
  const figures = (kind: 'metric' | 'param', read: (look: Look) => Figures) =>
    figureColumns(kind, looks, read)
  const columns = [
    ...figures('metric', ({ metrics }) => metrics),
    ...figures('param', ({ params }) => params),
  ]
  // A name that several files, or params and metrics, have is told with its file.
  const counts = new Map<string, number>()
  for (const { short } of columns) counts.set(short, (counts.get(short) ?? 0) + 1)
  const deps = [...new Set(looks.flatMap((look) => [...look.deps.keys()]))].map((path): Column => ({
    kind: 'dep',
    head: path,
    short: path,
    of: ({ deps: all }) => all.get(path)?.md5 ?? undefined,
  }))
  return [
    ...columns.map(({ kind, head, short, of }): Column => {
      const isShared = (counts.get(short) ?? 0) > 1
      return { kind, head: isShared ? head : short, short, of }
    }),
    ...deps,
  ]
}

function figureColumns(
  kind: 'metric' | 'param',
  looks: readonly Look[],
  read: (look: Look) => Figures,
): Column[] {
  const names = new Map<string, Set<string>>()
  for (const look of looks)
    for (const [path, file] of read(look)) {
      const known = names.get(path) ?? new Set()
      names.set(path, known)
      if (file.kind === 'read') for (const name of flatOf(file.value).keys()) known.add(name)
    }
  return [...names].flatMap(([path, inFile]) =>
    [...inFile].map((name): Column => ({
      kind,
      head: `${path}:${name}`,
      short: name === '' ? path : name,
      of: (look) => {
        const file = read(look).get(path)
        return file?.kind === 'read' ? flatOf(file.value).get(name) : undefined
      },
    })),
  )
}

function flatOf(value: ParamValue): Map<string, ParamValue> {
  return isMap(value) ? flattened(value) : new Map([['', value]])
}

function pairOf(head: string, value: ParamValue | undefined): [string, ParamValue][] {
  return value === undefined ? [] : [[head, value]]
}

/** Numbers before texts; what has no value comes last. */
function byValue(one: ParamValue | undefined, other: ParamValue | undefined): number {
  const [left, right] = [one, other].map((value) =>
    typeof value === 'bigint' ? Number(value) : value,
  )
  if (left === undefined || left === null) return right === undefined || right === null ? 0 : 1
  if (right === undefined || right === null) return -1
  if (typeof left === 'number' && typeof right === 'number') return left - right
  const [first, second] = [JSON.stringify(plainParam(left)), JSON.stringify(plainParam(right))]
  return first < second ? -1 : first > second ? 1 : 0
}

/** A value as one cell; floats to so many significant digits where that is asked for. */
export function cellText(value: ParamValue | undefined, { digits }: { digits?: number }): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number')
    return digits === undefined || !Number.isFinite(value)
      ? pythonFloat(value)
      : pythonFloat(Number(value.toPrecision(digits)))
  return pythonRepr(value)
}

/** The table as `dvc exp show --csv` prints it. */
export function experimentCsv(
  { columns, rows }: ExperimentTable,
  how: { digits?: number },
): string[] {
  const hasStates = rows.some(({ experiment }) => experiment?.isQueued === true)
  const heads = [
    'Experiment',
    'rev',
    'typ',
    'Created',
    'parent',
    ...(hasStates ? ['State', 'Executor'] : []),
    ...columns.map(({ head }) => head),
  ]
  const lines = rows.map(({ look, experiment, isLast, values }) => {
    const kind = experiment === undefined ? 'baseline' : isLast ? 'branch_base' : 'branch_commit'
    const rev =
      experiment === undefined ? (look.name ?? look.rev.slice(0, WORD)) : look.rev.slice(0, 7)
    const isPending = experiment?.isQueued === true
    return [
      experiment?.name ?? '',
      rev,
      kind,
      look.atMs === null ? '' : localTime(look.atMs),
      '',
      ...(hasStates
        ? [isPending ? capital(experiment.state) : '', isPending ? 'Dvc-task' : '']
        : []),
      ...columns.map(({ head }) => cellText(values.get(head), how)),
    ]
  })
  return [heads, ...lines].map((cells) => cells.map(csvCell).join(','))
}

/** `workspace` whole, and a commit by its first seven. */
const WORD = 9

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
