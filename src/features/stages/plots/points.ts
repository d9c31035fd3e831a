import { Problem } from '#base/problem'
import { isList, isMap, isTimestamp, plainParam, type ParamMap, type ParamValue } from '../param.ts'
import type { Display } from './definitions.ts'

/** A row of a plot's data: its columns, the revision, and where it comes from. */
export type Point = Map<string, ParamValue>

/** What the files of a plot hold, by their names. */
export type PlotSources = ReadonlyMap<string, ParamValue>

/** Which columns a plot is drawn over. */
export interface PlotAxes {
  readonly x: string
  readonly y: string
  readonly xLabel: string
  readonly yLabel: string
  /** Each line of it: the file, short of what all share, and the column. */
  readonly lines: readonly { readonly filename: string; readonly field: string }[]
}

/** Columns of our making. */
const STEP = 'step'
const JOINED_X = 'dvc_inferred_x_value'
const JOINED_Y = 'dvc_inferred_y_value'

/** The points of one revision, undefined where there are none. Throws `invalid` where columns do not fit. */
export function pointsOf(
  { id, display, sources }: { id: string; display: Display; sources: PlotSources },
  revision: string,
): { points: Point[]; axes: PlotAxes } | undefined {
  const rows = new Map([...sources].map(([file, value]) => [file, rowsOf(file, value)]))
  const y = yColumns(id, display, sources)
  const x = xColumns(id, display)
  const [ys, xs] = [checked(listed(y), rows), checked(listed(x), rows)]
  if (xs.length > 1 && xs.length !== ys.length)
    throw new Problem(
      'invalid',
      `${id} has ${xs.length} columns for x and ${ys.length} for y; give one x, or one for each y`,
    )
  const severalX = new Set(xs.map(({ field }) => field)).size > 1
  const fields = new Set(ys.map(({ field }) => field))
  const severalY = fields.size > 1
  const xField = severalX ? JOINED_X : (xs[0]?.field ?? STEP)
  const short = shortened(ys.map(({ file }) => file))
  const points = ys.flatMap((line, at) => {
    const own = (rows.get(line.file) ?? []).map((row) => new Map(row))
    if (severalY) copyColumn(own, own, { from: line.field, to: JOINED_Y })
    const from = xs.length > 1 ? xs[at] : xs[0]
    if (from === undefined) for (const [index, row] of own.entries()) row.set(STEP, BigInt(index))
    else joinX(own, rows.get(from.file) ?? [], { ...from, to: xField, y: line })
    for (const row of own)
      row.set('rev', revision).set('filename', short(line.file)).set('field', line.field)
    return own
  })
  const [first] = fields
  if (points.length === 0 || first === undefined) return undefined
  return {
    points,
    axes: {
      x: xField,
      y: severalY ? JOINED_Y : first,
      xLabel: drawn(display.get('x_label')) ?? labelOf(x, { none: STEP, several: 'x' }),
      yLabel: drawn(display.get('y_label')) ?? labelOf(y, { none: 'y', several: 'y' }),
      lines: ys.map(({ file, field }) => ({ filename: short(file), field })),
    },
  }
}

/** What a point has in a column, as text. */
export function cellText(point: Point, column: string): string {
  const value = plainParam(point.get(column) ?? null)
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

/** Text of a display, if it is text. */
export function drawn(value: ParamValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

interface Column {
  readonly file: string
  readonly field: string
}

type Columns = ReadonlyMap<string, readonly string[]>

function yColumns(id: string, display: Display, sources: PlotSources): Columns {
  const y = display.get('y')
  if (isMap(y)) return columnsOf(y)
  if (y !== undefined && y !== null) return new Map([[id, textsOf(y)]])
  const guessed = lastColumn(id, sources)
  return guessed === undefined ? new Map() : new Map([[id, [guessed]]])
}

/** One name of x is that column in each of the files of y. */
function xColumns(id: string, display: Display): Columns {
  const x = display.get('x')
  if (isMap(x)) return columnsOf(x)
  if (typeof x !== 'string') return new Map()
  const y = display.get('y')
  if (!isMap(y)) return new Map([[id, [x]]])
  return new Map([...columnsOf(y)].map(([file, fields]) => [file, fields.map(() => x)]))
}

function columnsOf(files: ParamMap): Columns {
  return new Map([...files].map(([file, fields]) => [String(file), textsOf(fields)]))
}

function textsOf(value: ParamValue): string[] {
  return (isList(value) ? value : [value]).filter((each) => typeof each === 'string')
}

function listed(columns: Columns): Column[] {
  return [...columns].flatMap(([file, fields]) => fields.map((field) => ({ file, field })))
}

function checked(
  columns: Column[],
  rows: ReadonlyMap<string, readonly Point[]>,
): readonly Column[] {
  for (const { file, field } of columns) {
    const [first] = rows.get(file) ?? []
    if (rows.has(file) && first?.has(field) !== true)
      throw new Problem(
        'invalid',
        `${file} has no column ${JSON.stringify(field)}${first === undefined ? '' : `; it has ${[...first.keys()].join(', ')}`}`,
      )
  }
  return columns
}

function lastColumn(id: string, sources: PlotSources): string | undefined {
  const value = sources.get(id)
  if (value === undefined) return undefined
  for (const list of listsIn(id, value)) if (list.every(isMap)) return namesOf(id, list[0]).at(-1)
  return undefined
}

function labelOf(columns: Columns, words: { none: string; several: string }): string {
  const fields = new Set([...columns.values()].flat())
  const [only] = fields
  if (only === undefined) return words.none
  return fields.size === 1 ? only : words.several
}

/** Lists of maps, wherever in a file they are, side by side: the first rows of all are the first row. */
function rowsOf(file: string, value: ParamValue): Point[] {
  const rows: Point[] = []
  for (const list of listsIn(file, value)) {
    if (!list.every(isMap)) continue
    const names = new Set(namesOf(file, list[0]))
    if (list.some((row) => [...row.keys()].some((name) => !names.has(String(name))))) continue
    for (const [at, row] of list.entries()) {
      const whole = (rows[at] ??= new Map())
      for (const [name, each] of row) whole.set(String(name), plain(each))
    }
  }
  return rows
}

function listsIn(file: string, value: ParamValue): (readonly ParamValue[])[] {
  if (isList(value)) return [value]
  if (!isMap(value))
    throw new Problem('invalid', `${file} holds one value; a plot needs a list of maps`)
  return [...value.values()].flatMap((each) =>
    isMap(each) ? listsIn(file, each) : isList(each) ? [each] : [],
  )
}

function namesOf(file: string, row: ParamMap | undefined): string[] {
  if (row === undefined)
    throw new Problem('invalid', `${file} has a list with nothing in it; write at least one point`)
  return [...row.keys()].map(String)
}

function plain(value: ParamValue): ParamValue {
  return isTimestamp(value) ? value.timestamp : value
}

function joinX(
  rows: readonly Point[],
  source: readonly Point[],
  x: Column & { to: string; y: Column },
): void {
  if (source.length !== rows.length)
    throw new Problem(
      'invalid',
      `${x.field} of ${x.file} has ${source.length} values and ${x.y.field} of ${x.y.file} has ${rows.length}; they must be as many`,
    )
  copyColumn(rows, source, { from: x.field, to: x.to })
}

function copyColumn(
  rows: readonly Point[],
  source: readonly Point[],
  { from, to }: { from: string; to: string },
): void {
  for (const [at, row] of rows.entries()) {
    const value = source[at]?.get(from)
    if (value !== undefined) row.set(to, value)
  }
}

/** Names of files without the folder that all of them are in. */
function shortened(files: readonly string[]): (file: string) => string {
  const distinct = [...new Set(files)].map((file) => file.split('/'))
  const [first = []] = distinct
  if (distinct.length < 2) return (file) => file
  const differs = first.findIndex((part, at) => distinct.some((parts) => parts[at] !== part))
  const folder = first.slice(0, differs < 0 ? first.length : differs).join('/')
  return (file) => file.slice(folder.length).replaceAll(/^\/+|\/+$/g, '')
}
