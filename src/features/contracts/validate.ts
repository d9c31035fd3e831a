import { Problem } from '#base/problem'
import type { Clock } from '#base/clock'
import type { Contract, Dataset } from './contract.ts'
import { judge, isAboutRows, withExamples } from './judge.ts'
import { countsOf, outcomeOf, type Check, type DatasetReport, type Report } from './report.ts'
import type { Rule, Test } from './rule.ts'
import type { Table } from '#tables'
import type { OpenTables, TableEngine } from './store.ts'

export interface ContractDependencies {
  readonly engine: TableEngine
  /** The table at a path. Throws `not-found` or `invalid`. */
  readonly tableAt: (path: string) => Promise<Table>
  readonly clock: Clock
}

export interface ValidateOptions {
  /** The file that the contract was read from, as reports name it. */
  readonly file: string
  /** Where data is that is not where the contract says, by the dataset's name. */
  readonly paths?: ReadonlyMap<string, string>
  /** Rows that are shown of what breaks a rule. */
  readonly examples?: number
  readonly signal?: AbortSignal
  readonly onRule?: (done: number, of: number) => void
}

const EXAMPLES = 5

/** Holds data against a contract. Data that is not as promised is in the report; what cannot be read is thrown. */
export async function validate(
  { engine, tableAt, clock }: ContractDependencies,
  contract: Contract,
  options: ValidateOptions,
): Promise<Report> {
  const placed = placesOf(contract, options)
  const tables = new Map<string, Table>()
  for (const { dataset, path } of placed) tables.set(dataset.name, await tableAt(path))
  const others = othersOf(contract, placed)
  for (const { dataset, path, by } of others)
    tables.set(dataset.name, await otherTableAt(tableAt, path, `${by} points at ${dataset.name}`))
  const references = new Map<string, Table>()
  for (const path of referencesOf(placed.map(({ dataset }) => dataset)))
    references.set(referenceTable(path), await tableAt(path))
  const texts = new Map(
    [...placed, ...others].map(({ dataset }) => [dataset.name, textColumns(dataset)]),
  )
  const open = await engine.open(new Map([...tables, ...references]), {
    texts,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  try {
    const total = placed.reduce((all, { dataset }) => all + dataset.rules.length, 0)
    let done = 0
    const onTest = () => options.onRule?.(++done, total)
    const present = await columnsOfAll(open, tables.keys())
    const datasets: DatasetReport[] = []
    for (const { dataset, path } of placed) {
      const checked = await checkDataset(open, dataset, {
        nowMs: clock.nowMs(),
        onTest,
        examples: options.examples ?? EXAMPLES,
        present,
      })
      datasets.push({ path, files: tables.get(dataset.name)?.files.length ?? 0, ...checked })
    }
    const counts = countsOf(datasets.flatMap(({ checks }) => checks))
    const { id, version } = contract
    return {
      contract: { file: options.file, id, version },
      outcome: outcomeOf(counts),
      counts,
      datasets,
    }
  } finally {
    await open.close()
  }
}

interface Placed {
  readonly dataset: Dataset
  readonly path: string
}

/** The datasets that are looked at: those that were given data, else all, each of which must say where it is. */
function placesOf(contract: Contract, { paths, file }: ValidateOptions): Placed[] {
  const given = paths ?? new Map<string, string>()
  const unknown = [...given.keys()].find(
    (name) => !contract.datasets.some((dataset) => dataset.name === name),
  )
  if (unknown !== undefined)
    throw new Problem(
      'not-found',
      `${file} has no dataset ${unknown}; it has ${contract.datasets.map(({ name }) => name).join(', ')}`,
    )
  const wanted = contract.datasets.filter(({ name }) => given.size === 0 || given.has(name))
  const needed = new Set(wanted.flatMap((dataset) => [dataset.name, ...pointedAt(dataset)]))
  return contract.datasets.flatMap((dataset) => {
    const path = given.get(dataset.name) ?? dataset.path
    if (path !== undefined) return needed.has(dataset.name) ? [{ dataset, path }] : []
    if (!wanted.includes(dataset)) return []
    throw new Problem(
      'invalid',
      `${file} does not say where the data of ${dataset.name} is; give its path, or write physicalName: PATH under schema`,
    )
  })
}

/** Datasets of other contracts that somebody points at, as far as those contracts place them. */
function othersOf(
  { others = [] }: Contract,
  placed: readonly Placed[],
): (Placed & { readonly by: string })[] {
  return others.flatMap((dataset) => {
    const rules = placed.flatMap((each) => each.dataset.rules)
    const by = rules.find(({ test }) => test.kind === 'reference' && test.dataset === dataset.name)
    const { path } = dataset
    return by === undefined || path === undefined ? [] : [{ dataset, path, by: by.id }]
  })
}

/** What is missing of another contract is told with who wants it. */
async function otherTableAt(
  tableAt: ContractDependencies['tableAt'],
  path: string,
  why: string,
): Promise<Table> {
  try {
    return await tableAt(path)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw new Problem(error.code, `${why}, and its data cannot be read: ${error.message}`)
  }
}

function pointedAt({ rules }: Dataset): string[] {
  return rules.flatMap(({ test }) => (test.kind === 'reference' ? [test.dataset] : []))
}

function referencesOf(datasets: readonly Dataset[]): string[] {
  const paths = datasets.flatMap(({ rules }) =>
    rules.flatMap(({ test }) => (test.kind === 'drift' ? [test.reference] : [])),
  )
  return [...new Set(paths)]
}

/** The table that holds a reference; no dataset can have this name, since names hold no NUL. */
export function referenceTable(path: string): string {
  return `reference:${path}`
}

function textColumns({ columns }: Dataset): string[] {
  return columns.flatMap(({ name, type }) => (type === 'string' ? [name] : []))
}

async function columnsOfAll(
  open: OpenTables,
  tables: Iterable<string>,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, ReadonlySet<string>>()
  for (const table of tables)
    found.set(table, new Set((await open.columns(table)).map(({ name }) => name)))
  return found
}

async function checkDataset(
  open: OpenTables,
  dataset: Dataset,
  how: {
    nowMs: number
    onTest: () => void
    examples: number
    present: ReadonlyMap<string, ReadonlySet<string>>
  },
): Promise<{ name: string; rows: number; checks: Check[] }> {
  const names = how.present.get(dataset.name) ?? new Set()
  const { rules } = dataset
  const why = rules.map(({ test }) => unmeasurable(test, names, how.present))
  const measurable = rules.filter((_, index) => why[index] === undefined)
  const { rows, measured } = await open.measure(
    dataset.name,
    measurable.map(({ test }) => test),
    { nowMs: how.nowMs, onTest: how.onTest },
  )
  const checks: Check[] = []
  let next = 0
  for (const [index, rule] of rules.entries()) {
    const reason = why[index]
    const found =
      reason === undefined
        ? (measured[next++] ?? { kind: 'impossible' as const, reason: 'it was not measured' })
        : { kind: 'impossible' as const, reason }
    const check = judge(rule, found, { dataset: dataset.name, rows })
    checks.push(await shown(open, dataset.name, { rule, check, examples: how.examples }))
  }
  return { name: dataset.name, rows, checks }
}

async function shown(
  open: OpenTables,
  table: string,
  { rule, check, examples }: { rule: Rule; check: Check; examples: number },
): Promise<Check> {
  const hasRows = check.outcome === 'failed' && (check.failures ?? 0) > 0
  const isShowable = hasRows && isAboutRows(rule.test)
  if (rule.test.kind === 'other-columns' && check.outcome === 'failed')
    return withExamples(check, await open.examples(table, rule.test, examples))
  return isShowable && examples > 0
    ? withExamples(check, await open.examples(table, rule.test, examples))
    : check
}

/** Why a test cannot be made on this data. A missing column fails once, in the rule that says it must be there. */
function unmeasurable(
  test: Test,
  columns: ReadonlySet<string>,
  tables: ReadonlyMap<string, ReadonlySet<string>>,
): string | undefined {
  if (test.kind === 'column' || test.kind === 'other-columns' || test.kind === 'sql')
    return undefined
  const named = 'columns' in test ? test.columns : 'column' in test ? [test.column] : []
  const missing = named.find((column) => !columns.has(column))
  if (missing !== undefined) return `there is no column ${missing}`
  if (test.kind !== 'reference') return undefined
  if (test.unchecked !== undefined) return test.unchecked
  const target = tables.get(test.dataset)
  if (target === undefined) return `the contract does not say where ${test.dataset} is`
  const lacking = test.to.find((column) => !target.has(column))
  if (lacking !== undefined) return `there is no column ${lacking} in ${test.dataset}`
  return undefined
}
