import { Problem, messageOf } from '#base/problem'
import type { Measured, Test } from '#contracts'
import { columnOf, firstOf, type Asking, type OpenTable } from './asking.ts'
import { driftOf } from './drift.ts'
import { isBroken, isRowTest } from './predicate.ts'
import { quoted } from './text.ts'

/** The number of rows and what each test measured: one scan for all tests of single rows, one each for the others. */
export async function measure(
  asking: Asking,
  table: OpenTable,
  { tests, onTest }: { tests: readonly Test[]; onTest: () => void },
): Promise<{ rows: number; measured: Measured[] }> {
  const measured = new Map<Test, Measured>()
  const ofRows = tests.filter(isRowTest)
  const scanned = await scanOf(asking, table, ofRows)
  for (const [index, test] of ofRows.entries()) {
    measured.set(test, scanned.measured[index] as Measured)
    onTest()
  }
  for (const test of tests) {
    if (measured.has(test)) continue
    measured.set(test, await possible(() => single(asking, table, { test, rows: scanned.rows })))
    onTest()
  }
  return { rows: scanned.rows, measured: tests.map((test) => measured.get(test) as Measured) }
}

async function scanOf(
  asking: Asking,
  table: OpenTable,
  tests: readonly Test[],
): Promise<{ rows: number; measured: Measured[] }> {
  const sums = tests.map((test) => sumOf(table, test))
  try {
    // A sum is several times faster than a count with a filter, and skips nulls as rules do.
    const answer = await firstOf(
      asking,
      `select ${['count(*)', ...sums].map((sum, index) => `${sum} as c${index}`).join(', ')} from ${quoted(table.name)}`,
    )
    return {
      rows: Number(answer['c0']),
      measured: sums.map((_, index) => counted(answer[`c${index + 1}`])),
    }
  } catch (error) {
    // One test that cannot be made must not take the others with it.
    if (sums.length <= 1 || !isRefusal(error)) {
      if (sums.length === 0 || !isRefusal(error)) throw error
      return { rows: await rowsOf(asking, table), measured: [impossible(error)] }
    }
    const each: Measured[] = []
    for (const test of tests) each.push(...(await scanOf(asking, table, [test])).measured)
    return { rows: await rowsOf(asking, table), measured: each }
  }
}

function sumOf(table: OpenTable, test: Test): string {
  if (!isRowTest(test)) throw new Error('only tests of rows are made in one scan')
  const broken = isBroken(test, columnOf(table, test.column))
  return broken === 'false' ? '0' : `coalesce(sum((${broken})::int), 0)`
}

async function rowsOf(asking: Asking, table: OpenTable): Promise<number> {
  return Number((await firstOf(asking, `select count(*) as n from ${quoted(table.name)}`))['n'])
}

async function possible(work: () => Promise<number>): Promise<Measured> {
  try {
    return { kind: 'counted', value: await work() }
  } catch (error) {
    if (isRefusal(error)) return impossible(error)
    throw error
  }
}

/** The engine cannot do what was asked, as against: it was interrupted, or ran out of memory. */
function isRefusal(error: unknown): boolean {
  if (error instanceof Problem) return error.code === 'invalid' || error.code === 'unsupported'
  return /^(Binder|Conversion|Parser|Catalog|Not implemented|Invalid Input|Out of Range)/i.test(
    messageOf(error),
  )
}

function impossible(error: unknown): Measured {
  const [line = ''] = messageOf(error).split('\n')
  return { kind: 'impossible', reason: line }
}

async function single(
  asking: Asking,
  table: OpenTable,
  { test, rows }: { test: Test; rows: number },
): Promise<number> {
  if (isRowTest(test)) throw new Error(`${test.kind} is a test of rows`)
  if (test.kind === 'column') return table.columns.some(({ name }) => name === test.column) ? 0 : 1
  if (test.kind === 'other-columns')
    return table.columns.filter(({ name }) => !test.columns.includes(name)).length
  if (test.kind === 'rows') return rows
  if (test.kind === 'distinct') {
    const answer = await firstOf(
      asking,
      `select count(distinct ${quoted(test.column)}) as n from ${quoted(table.name)}`,
    )
    return Number(answer['n'])
  }
  if (test.kind === 'duplicates') return duplicates(asking, table, test.columns)
  if (test.kind === 'reference') return orphans(asking, table, test)
  if (test.kind === 'age') return ageSeconds(asking, table, test)
  return test.kind === 'sql'
    ? asking.outsider(test.query, table, test.column)
    : driftOf(asking, table, test)
}

async function duplicates(
  asking: Asking,
  table: OpenTable,
  columns: readonly string[],
): Promise<number> {
  const [only] = columns
  if (columns.length === 1 && only !== undefined) {
    const name = quoted(only)
    const answer = await firstOf(
      asking,
      `select count(${name}) - count(distinct ${name}) as n from ${quoted(table.name)}`,
    )
    return Number(answer['n'])
  }
  const answer = await firstOf(
    asking,
    `select coalesce(sum(n - 1), 0) as n from (${repeated(table, columns)})`,
  )
  return Number(answer['n'])
}

/** Keys that stand in several rows; one with a null in it is no key. */
export function repeated(table: OpenTable, columns: readonly string[]): string {
  const names = columns.map(quoted)
  const whole = names.map((name) => `${name} is not null`).join(' and ')
  return `select ${names.join(', ')}, count(*) as n from ${quoted(table.name)} where ${whole} group by all having count(*) > 1`
}

async function orphans(
  asking: Asking,
  table: OpenTable,
  test: Extract<Test, { kind: 'reference' }>,
): Promise<number> {
  const answer = await firstOf(
    asking,
    `select count(*) as n from ${quoted(table.name)} as own where ${isOrphan(test)}`,
  )
  return Number(answer['n'])
}

export function isOrphan(test: Extract<Test, { kind: 'reference' }>): string {
  const whole = test.columns.map((column) => `own.${quoted(column)} is not null`).join(' and ')
  const same = test.columns
    .map((column, index) => `other.${quoted(test.to[index] ?? '')} = own.${quoted(column)}`)
    .join(' and ')
  return `${whole} and not exists (select 1 from ${quoted(test.dataset)} as other where ${same})`
}

async function ageSeconds(
  asking: Asking,
  table: OpenTable,
  test: Extract<Test, { kind: 'age' }>,
): Promise<number> {
  const column = columnOf(table, test.column)
  const name = quoted(test.column)
  const value =
    column.type === 'date' || column.type === 'timestamp' ? name : `try_cast(${name} as timestamp)`
  const answer = await firstOf(
    asking,
    `select epoch_ms(${test.of === 'newest' ? 'max' : 'min'}(${value})::timestamp) as ms from ${quoted(table.name)}`,
  )
  if (answer['ms'] === null) throw new Problem('invalid', `no time stands in ${test.column}`)
  return (asking.nowMs - Number(answer['ms'])) / 1000
}

function counted(value: unknown): Measured {
  return { kind: 'counted', value: Number(value) }
}
