import { Problem } from '#base/problem'
import { type Described, type SignatureColumn } from '#inference'
import type { NewColumn, SourceColumn } from '#stores/analytics/duckdb/tables/index'
import { tailOf, type AnsweredOutput } from './answers.ts'

/** Columns of a table of answers: an output is one, or as many as its lists are long. */
export interface Layout {
  readonly outputs: readonly {
    readonly name: string
    readonly type: AnsweredOutput['type']
    readonly tail: readonly number[]
    /** As many columns as the list is long. */
    readonly splits: boolean
  }[]
  readonly columns: readonly NewColumn[]
}

/** The columns of the input that the model reads. Throws `invalid` where they are missing or of another kind. */
export function columnsRead(
  described: Described,
  found: readonly SourceColumn[],
  { isCsv }: { isCsv: boolean },
): string[] {
  const { columns, shape } = described
  const sourced = new Map(found.map((column) => [column.name, column]))
  if (columns === null) {
    const [only] = shape.inputs
    const isMatrix = shape.inputs.length === 1 && only !== undefined && !sourced.has(only.name)
    if (isMatrix) return found.map(({ name }) => name)
    checkThere(
      shape.inputs.filter(({ optional }) => optional !== true).map(({ name }) => name),
      sourced,
    )
    return shape.inputs.map(({ name }) => name).filter((name) => sourced.has(name))
  }
  if (columns[0]?.unnamed === true) return found.map(({ name }) => name)
  checkThere(
    columns.filter(({ required }) => required).map(({ name }) => name),
    sourced,
  )
  for (const column of columns) checkKind(column, sourced.get(column.name), isCsv)
  return columns.map(({ name }) => name).filter((name) => sourced.has(name))
}

function checkThere(names: readonly string[], found: ReadonlyMap<string, SourceColumn>): void {
  const missing = names.filter((name) => !found.has(name))
  if (missing.length > 0)
    throw new Problem(
      'invalid',
      `the input lacks what the model reads: ${missing.join(', ')}; it has the columns ${[...found.keys()].join(', ')}`,
    )
}

const NUMERIC = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(.*\))$/

/** What no row could have right is said before any work; texts may still turn out to be numbers. */
function checkKind(column: SignatureColumn, found: SourceColumn | undefined, isCsv: boolean): void {
  if (found === undefined) return
  const { type } = found
  const wanted = column.type
  const isNumber =
    wanted === 'double' || wanted === 'float' || wanted === 'long' || wanted === 'integer'
  const isWrong =
    (isNumber && !NUMERIC.test(type) && !(isCsv && type === 'VARCHAR') && !type.includes('[')) ||
    (wanted === 'boolean' && type !== 'BOOLEAN' && !(isCsv && type === 'VARCHAR')) ||
    (wanted === 'string' && (NUMERIC.test(type) || type === 'BOOLEAN'))
  // A column without any value has no type of its own, and is a gap in each row.
  if (!isWrong || type === '"NULL"' || type === 'JSON') return
  throw new Problem(
    'invalid',
    `column ${column.name} of the input is ${type}, but the model takes ${wanted}; write it as ${wanted} first`,
  )
}

/** The columns that answers become; names that the kept columns have already get `_predicted`. */
export function layoutOf(
  outputs: readonly Pick<AnsweredOutput, 'name' | 'type' | 'tail'>[],
  { kept, split }: { kept: readonly string[]; split: boolean },
): Layout {
  const taken = new Set(kept)
  const free = (name: string): string => {
    const wanted = taken.has(name) ? `${name}_predicted` : name
    if (taken.has(wanted))
      throw new Problem('invalid', `the input has a column ${wanted}; leave it out with --keep`)
    taken.add(wanted)
    return wanted
  }
  const shaped = outputs.map(({ name, type, tail }) => ({
    name,
    type,
    tail,
    splits: split && tail.length === 1,
  }))
  const columns = shaped.flatMap(({ name, type, tail, splits }) =>
    splits
      ? Array.from({ length: tail[0] ?? 0 }, (_, index) => ({
          name: free(`${name}_${index}`),
          type,
          depth: 0,
        }))
      : [{ name: free(name), type, depth: tail.length }],
  )
  return { outputs: shaped, columns }
}

/** The same from what the model says of itself, for when it answered nothing yet. */
export function declaredOutputs({ shape }: Described) {
  return shape.outputs.map(({ name, type, shape: sizes }) => ({
    name,
    type,
    tail: tailOf(sizes.map((size) => size ?? 1)),
  }))
}
