import {
  flattened,
  isList,
  isMap,
  isTimestamp,
  plainParam,
  type Difference,
  type Figures,
  type ParamValue,
} from '#stages'
import { compareCodePoints, pythonFloat } from './python.ts'

/** Figures of several views in the shape of `dvc metrics show --json`, paths as one writes them here. */
export function figuresJson(
  views: readonly { readonly name: string; readonly figures: Figures }[],
  shown: (path: string) => string,
): Record<string, unknown> {
  return Object.fromEntries(
    views.map(({ name, figures }) => [
      name,
      {
        data: Object.fromEntries(
          [...figures].map(([path, file]) => [shown(path), fileJson(path, file)]),
        ),
      },
    ]),
  )
}

/** What differs in the shape of `dvc params diff --json` and `dvc metrics diff --json`. */
export function differencesJson(
  found: ReadonlyMap<string, ReadonlyMap<string, Difference>>,
  shown: (path: string) => string,
): Record<string, unknown> {
  return Object.fromEntries(
    [...found].map(([path, inFile]) => [
      shown(path),
      Object.fromEntries(
        [...inFile].map(([name, { old, new: now, change }]) => [
          name,
          {
            old: differenceSide(old),
            new: differenceSide(now),
            ...(change === undefined ? {} : { diff: plainParam(change) }),
          },
        ]),
      ),
    ]),
  )
}

export interface Table {
  readonly heads: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Decimals that floats are rounded to; without it they are as they are. */
export interface Rounding {
  readonly precision?: number
}

export function figuresTable(
  views: readonly { readonly name: string; readonly figures: Figures }[],
  how: Rounding & { readonly revisions: boolean; readonly shown: (path: string) => string },
): Table {
  const rows = views.flatMap(({ name, figures }) =>
    [...figures].map(([path, file]) => {
      const value = file.kind === 'read' ? file.value : new Map()
      const values = isMap(value) ? flattened(value) : new Map([['', value]])
      return { name, path: how.shown(path), values }
    }),
  )
  const names = [...new Set(rows.flatMap(({ values }) => [...values.keys()]))]
  const sorted = names.toSorted(compareCodePoints)
  return {
    heads: [...(how.revisions ? ['Revision'] : []), 'Path', ...sorted],
    rows: rows.map(({ name, path, values }) =>
      (how.revisions ? [name, path] : [path]).concat(
        sorted.map((each) => cell(values.get(each), how)),
      ),
    ),
  }
}

export function differencesTable(
  found: ReadonlyMap<string, ReadonlyMap<string, Difference>>,
  how: Rounding & {
    readonly title: string
    readonly revisions: readonly [string, string]
    readonly paths: boolean
    readonly changes: boolean
    readonly shown: (path: string) => string
  },
): Table {
  const rows = [...found].flatMap(([path, inFile]) =>
    [...inFile]
      .toSorted(([one], [other]) => compareCodePoints(one, other))
      .map(([name, { old, new: now, change }]) =>
        (how.paths ? [how.shown(path)] : []).concat(
          [name, cell(old, how), cell(now, how)],
          how.changes ? [cell(change, how)] : [],
        ),
      ),
  )
  const heads = [
    ...(how.paths ? ['Path'] : []),
    how.title,
    ...how.revisions,
    ...(how.changes ? ['Change'] : []),
  ]
  return { heads, rows }
}

/** The table as dvc prints it; nothing where it has no rows. */
export function tableText({ heads, rows }: Table, { markdown }: { markdown: boolean }): string[] {
  if (rows.length === 0 && !markdown) return []
  const widths = heads.map((head, at) =>
    Math.max(head.length + 2, ...rows.map((row) => row[at]?.length ?? 0)),
  )
  const padded = (row: readonly string[]) => row.map((each, at) => each.padEnd(widths[at] ?? 0))
  if (!markdown) return [heads, ...rows].map((row) => padded(row).join('  ').trimEnd())
  const line = (row: readonly string[]) => `| ${padded(row).join(' | ')} |`
  return [
    line(heads),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
    ...rows.map(line),
    '',
  ]
}

/** `repr` of a value in Python, which is how dvc shows lists. */
export function pythonRepr(value: ParamValue): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return pythonFloat(value)
  if (typeof value === 'string') return quoted(value)
  if (isList(value)) return `[${value.map(pythonRepr).join(', ')}]`
  if (isMap(value))
    return `{${[...value].map(([key, each]) => `${pythonRepr(key)}: ${pythonRepr(each)}`).join(', ')}}`
  return isTimestamp(value) ? value.timestamp : String(value)
}

function fileJson(path: string, file: Figures extends ReadonlyMap<string, infer F> ? F : never) {
  if (file.kind === 'read') return { data: plainParam(file.value) }
  return file.kind === 'missing'
    ? { error: { type: 'FileNotFoundError', msg: `${path} does not exist` } }
    : { error: { type: 'ParseError', msg: file.message } }
}

/** Lists are shown as text, so that they are one value. */
function differenceSide(value: ParamValue | undefined): unknown {
  if (value === undefined) return null
  return isList(value) ? pythonRepr(value) : plainParam(value)
}

function cell(value: ParamValue | undefined, { precision }: Rounding): string {
  if (value === undefined || value === null) return '-'
  if (typeof value === 'string') return value
  if (typeof value === 'number' && precision !== undefined && precision > 0)
    return pythonFloat(rounded(value, precision))
  return pythonRepr(value)
}

/** Rounds to so many decimals; a tie goes to the even digit, as in Python. */
function rounded(value: number, digits: number): number {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e21 || digits > 90) return value
  const exact = value.toFixed(EXACT_DECIMALS)
  const cut = exact.indexOf('.') + 1 + digits
  const isTie = /^50*$/.test(exact.slice(cut))
  const below = exact.slice(0, cut)
  return isTie && /[02468]$/.test(below) ? Number(below) : Number(value.toFixed(digits))
}

/** More than a float that is a tie has. */
const EXACT_DECIMALS = 100

function quoted(text: string): string {
  const sign = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
  return `${sign}${sign === "'" ? escaped.replaceAll("'", "\\'") : escaped}${sign}`
}
