import { versionName, type Value } from '#inference'
import type { Block, Source, SourceColumn, Tables } from '#stores/analytics/duckdb/tables/index'
import { otherAnswer, type Answered } from './answers.ts'
import { declaredOutputs, layoutOf, type Layout } from './layout.ts'
import type { LocalModel } from './model.ts'
import { EXAMPLES_MAX, type BadExample, type Part, type Place } from './progress.ts'

/** What becomes of a row that cannot be predicted. */
export type OnError = 'fail' | 'skip' | 'null'

/** Takes blocks and their answers for one part. */
export interface Writer {
  add(block: Block, answer: Answered, place: Place): void
  rows(): number
  finish(path: string): Promise<Part>
}

export async function openWriter(
  work: {
    tables: Tables
    source: Source
    kept: readonly SourceColumn[]
    described: LocalModel['described']
    settings: { readonly onError: OnError; readonly split: boolean }
  },
  first: Answered,
): Promise<Writer> {
  const { tables, source, kept, described, settings } = work
  const outputs = first.outputs.length > 0 ? first.outputs : declaredOutputs(described)
  const layout = layoutOf(outputs, {
    kept: [...kept.map(({ name }) => name), ...OWN_COLUMNS],
    split: settings.split,
  })
  const withErrors = settings.onError === 'null'
  const part = await tables.part(source, {
    kept,
    added: [
      ...layout.columns,
      { name: 'model_version', type: 'string', depth: 0 },
      ...(withErrors ? [{ name: 'error', type: 'string' as const, depth: 0 }] : []),
    ],
  })
  const version = versionName(described.revision)
  const counts = { read: 0, written: 0, bad: 0 }
  const examples: BadExample[] = []
  let next: Place = { file: 0, row: 0 }
  return {
    add: (block, answer, place) => {
      const reasons = new Map(answer.bad.map(({ row, reason }) => [row, reason]))
      const isSkipping = settings.onError === 'skip' && reasons.size > 0
      const chosen = <T>(values: readonly T[]) =>
        isSkipping ? values.filter((_, row) => !reasons.has(row)) : values
      const count = isSkipping ? block.rows - reasons.size : block.rows
      const added = addedColumns(layout, answer, block.rows).map(chosen)
      added.push(Array.from<Value>({ length: count }).fill(version))
      if (withErrors)
        added.push(Array.from({ length: count }, (_, row) => reasons.get(row) ?? null))
      part.append({ count, kept: kept.map(({ name }) => chosen(block.kept(name))), added })
      for (const { row, reason } of answer.bad.slice(0, EXAMPLES_MAX - examples.length))
        examples.push({ file: source.files[place.file] ?? '', row: place.row + row, reason })
      counts.read += block.rows
      counts.written += count
      counts.bad += reasons.size
      next = { file: place.file, row: place.row + block.rows }
    },
    rows: () => counts.read,
    finish: async (path) => {
      await part.finish(path)
      return { ...counts, examples, path, next }
    },
  }
}

/** What is written beside the answers. */
const OWN_COLUMNS = ['model_version', 'error']

/** The answers by the columns of the layout. Throws `unsupported` when they are others than those before. */
function addedColumns(layout: Layout, { outputs }: Answered, count: number): (readonly Value[])[] {
  const isEmpty = outputs.length === 0
  return layout.outputs.flatMap(({ name, type, tail, splits }, index): (readonly Value[])[] => {
    const output = outputs[index]
    const isSame =
      output?.name === name && output.type === type && output.tail.length === tail.length
    if (!isEmpty && !isSame) throw otherAnswer(name)
    const values = output?.values ?? Array.from<Value>({ length: count }).fill(null)
    if (!splits) return [values]
    if (!isEmpty && output?.tail[0] !== tail[0]) throw otherAnswer(name)
    return Array.from({ length: tail[0] ?? 0 }, (_, place) =>
      values.map((value) => (value === null ? null : ((value as readonly Value[])[place] ?? null))),
    )
  })
}
