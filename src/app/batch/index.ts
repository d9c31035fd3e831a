import { rename, rm } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import type { Logger } from '#base/logger'
import { Problem } from '#base/problem'
import { versionName, type PlacedRevision, type Runtime, type Value } from '#inference'
import {
  openTables,
  type Source,
  type SourceColumn,
  type Tables,
} from '#stores/analytics/duckdb/tables/index'
import { openProjectLock } from '#stores/dvc/lock'
import { answered, type Answered } from './answers.ts'
import { blocksFrom, inTurn } from './blocks.ts'
import { inputFiles, type Input } from './input.ts'
import { columnsRead } from './layout.ts'
import { loadModel, type LocalModel } from './model.ts'
import {
  EXAMPLES_MAX,
  openParts,
  type Counts,
  type Part,
  type PartsFolder,
  type Place,
  type Task,
} from './progress.ts'
import { readColumns, rowsFor } from './rows.ts'
import { openWriter, type OnError, type Writer } from './writer.ts'

export interface BatchSettings {
  /** A file, folder or pattern. */
  readonly input: string
  /** A .parquet or .csv file. */
  readonly output: string
  /** Columns of the input that the output has as well; all of them without it. */
  readonly keep?: readonly string[]
  /** So many rows at most. */
  readonly rows?: number
  readonly onError: OnError
  /** Lists of a fixed length become a column for each place. */
  readonly split: boolean
  /** Forgets the parts of earlier work, and replaces the output. */
  readonly restart: boolean
  readonly timeoutMs: number
  /** A part has at least so many rows, where there are as many. */
  readonly partRows?: number
}

export interface BatchWorld {
  readonly runtime: Runtime
  readonly logger: Logger
  readonly memoryMb: number
  readonly threads: number
  /** Told how many rows there are, when that is known, and whenever more are answered. */
  readonly onTotal: (rows: number) => void
  readonly onRows: (rows: number) => void
}

export interface BatchResult extends Counts {
  readonly output: string
  readonly modelVersion: string
  /** Rows that earlier work had answered. */
  readonly resumed: number
  readonly files: number
}

const NOTHING: Answered = { outputs: [], bad: [] }

/** Less is lost by a crash with smaller parts; larger ones compress better. */
const PART_ROWS = 65_536

/** Predicts every row of files into one file. What was done before an abrupt end is not done again. */
export async function predictFiles(
  placed: PlacedRevision,
  settings: BatchSettings,
  world: BatchWorld,
): Promise<BatchResult> {
  const output = resolve(settings.output)
  const format = outputFormat(output)
  const input = await inputFiles(settings.input)
  const lock = openProjectLock(`${output}.lock`, {
    waitSeconds: 0,
    holder: 'another prediction to the same output',
  })
  const release = await lock.acquire()
  try {
    const parts = await openParts(output, taskOf(placed, input, settings), settings)
    try {
      const resumed = sum(parts.parts, 'read')
      await predictInto(output, { placed, input, settings, parts, world, format })
      return {
        ...countsOf(parts.parts),
        resumed,
        output,
        modelVersion: versionName(placed.servable),
        files: input.files.length,
      }
    } finally {
      // What has no part is no beginning: nothing would be gone on with.
      if (parts.parts.length === 0) await parts.remove()
    }
  } finally {
    release()
    await rm(`${output}.lock`, { force: true })
  }
}

function taskOf({ servable }: PlacedRevision, input: Input, settings: BatchSettings): Task {
  const { model: name, version, digest } = servable
  const { keep, rows, onError, split } = settings
  const options = { keep: keep?.join(',') ?? null, rows: rows ?? null, 'on-error': onError, split }
  return { model: { name, version, digest }, files: input.files, options }
}

interface Work {
  readonly placed: PlacedRevision
  readonly input: Input
  readonly settings: BatchSettings
  readonly parts: PartsFolder
  readonly world: BatchWorld
}

/** Makes the parts that are missing, and the output of them all. */
async function predictInto(
  output: string,
  { format, ...work }: Work & { format: 'parquet' | 'csv' },
): Promise<void> {
  const { placed, settings, parts, world } = work
  const tables = await openTables({ ...world, spillFolder: `${output}.parts` })
  try {
    const model = await loadModel(placed, { ...world, timeoutMs: settings.timeoutMs })
    try {
      await predictRest({ ...work, tables, model })
    } finally {
      await model.stop()
    }
    const joining = `${output}.parts/joined`
    const paths = parts.parts.map((part) => part.path)
    await tables.join(paths, joining, format)
    await rename(joining, output)
    await parts.remove()
  } finally {
    tables.close()
  }
}

/** Answers what no part has yet, part by part. */
async function predictRest(work: Work & { tables: Tables; model: LocalModel }): Promise<void> {
  const { tables, model, input, settings, parts, world } = work
  const { described } = model
  const texts = (described.columns ?? []).filter(({ type }) => type === 'string')
  const source: Source = {
    files: input.files.map(({ path }) => path),
    format: input.format,
    texts: texts.map(({ name }) => name),
  }
  const found = await tables.columns(source)
  const isCsv = input.format === 'csv'
  const read = readColumns(columnsRead(described, found, { isCsv }), { described, found, isCsv })
  const kept = keptColumns(found, settings.keep)
  const total = await totalRows(tables, source, settings.rows)
  if (total !== null) world.onTotal(total)
  const columns = found.filter(
    ({ name }) =>
      read.some((each) => each.name === name) || kept.some((each) => each.name === name),
  )
  const names = read.map(({ name }) => name)
  const done = parts.parts.at(-1)
  world.onRows(sum(parts.parts, 'read'))
  let writer: Writer | undefined
  const blocks = blocksFrom(tables, source, {
    columns,
    from: done?.next ?? { file: 0, row: 0 },
    left: settings.rows === undefined ? null : settings.rows - sum(parts.parts, 'read'),
  })
  const ask = (rows: readonly (readonly Value[])[]) => model.predict(names, rows)
  for await (const { place, block, answer } of inTurn(blocks, (each) =>
    answered(ask, rowsFor(each, read)),
  )) {
    if (settings.onError === 'fail') assertNoneBad(answer, source, place)
    writer ??= await openWriter({ tables, source, kept, described, settings }, answer)
    writer.add(block, answer, place)
    world.onRows(block.rows)
    if (writer.rows() < (settings.partRows ?? PART_ROWS)) continue
    await parts.keep(await writer.finish(parts.nextPath()))
    writer = undefined
  }
  if (writer === undefined && parts.parts.length > 0) return
  writer ??= await openWriter({ tables, source, kept, described, settings }, NOTHING)
  await parts.keep(await writer.finish(parts.nextPath()))
}

function keptColumns(
  found: readonly SourceColumn[],
  keep: readonly string[] | undefined,
): SourceColumn[] {
  if (keep === undefined) return [...found]
  return keep.map((name) => {
    const column = found.find((each) => each.name === name)
    if (column === undefined)
      throw new Problem(
        'invalid',
        `the input has no column ${name} to keep; it has ${found.map((each) => each.name).join(', ')}`,
      )
    return column
  })
}

async function totalRows(
  tables: Tables,
  source: Source,
  most: number | undefined,
): Promise<number | null> {
  let total = 0
  for (const file of source.files) {
    const rows = await tables.count(source, file)
    if (rows === null) return most ?? null
    total += rows
  }
  return most === undefined ? total : Math.min(total, most)
}

function assertNoneBad({ bad }: Answered, source: Source, place: Place): void {
  const [first] = bad
  if (first === undefined) return
  throw new Problem(
    'invalid',
    `row ${place.row + first.row} of ${source.files[place.file]} is refused: ${first.reason}. Mend it, or go on with --on-error skip or --on-error null`,
  )
}

function sum(parts: readonly Part[], what: 'read' | 'written' | 'bad'): number {
  return parts.reduce((total, part) => total + part[what], 0)
}

function countsOf(parts: readonly Part[]): Counts {
  return {
    read: sum(parts, 'read'),
    written: sum(parts, 'written'),
    bad: sum(parts, 'bad'),
    examples: parts.flatMap(({ examples }) => examples).slice(0, EXAMPLES_MAX),
  }
}

function outputFormat(output: string): 'parquet' | 'csv' {
  const ending = extname(output).toLowerCase()
  if (ending === '.parquet') return 'parquet'
  if (ending === '.csv') return 'csv'
  throw new Problem('invalid', `${output} has to end with .parquet or .csv; name another output`)
}
