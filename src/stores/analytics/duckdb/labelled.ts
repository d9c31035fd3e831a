import type { Logged } from '#inference'
import type { PredictionRow } from '#serving'
import type { Analytics } from './index.ts'
import type { Column } from './parquet.ts'
import { narrowest } from './segments.ts'

/** What the columns are called that are no inputs; null for one that is not wanted. */
export interface LabelledNames {
  readonly time: string | null
  readonly key: string | null
  readonly label: string
}

/** Pages of rows, as often as they are asked for. */
type Pages = () => AsyncIterable<readonly PredictionRow[]>

/** Writes what was asked and turned out to be true as a table to train on: a column for each input, and the label's. Gives the number of rows. */
export async function writeLabelled(
  analytics: Pick<Analytics, 'writeParquet'>,
  file: string,
  { pages, names }: { pages: Pages; names: LabelledNames },
): Promise<number> {
  const { inputs, columns } = await columnsOf(pages(), names)
  return analytics.writeParquet(file, { columns, pages: cellsOf(pages(), inputs, names) })
}

async function columnsOf(pages: AsyncIterable<readonly PredictionRow[]>, names: LabelledNames) {
  const looked = narrowest()
  const labels = narrowest()
  for await (const page of pages)
    for (const { inputs, label } of page) {
      looked.look(inputs)
      labels.look({ [names.label]: plain(label) })
    }
  const own = new Set([names.time, names.key, names.label])
  const inputs: Column[] = [...looked.types()]
    .filter(([name]) => !own.has(name))
    .map(([name, type]) => ({ name, type }))
  const columns: Column[] = [
    ...(names.time === null ? [] : [{ name: names.time, type: 'time' as const }]),
    ...(names.key === null ? [] : [{ name: names.key, type: 'text' as const }]),
    ...inputs,
    { name: names.label, type: labels.types().get(names.label) ?? 'text' },
  ]
  return { inputs, columns }
}

async function* cellsOf(
  pages: AsyncIterable<readonly PredictionRow[]>,
  inputs: readonly Column[],
  names: LabelledNames,
): AsyncGenerator<readonly (readonly unknown[])[]> {
  const cells = (row: PredictionRow): unknown[] => {
    const all: unknown[] = []
    if (names.time !== null) all.push(row.eventMs)
    if (names.key !== null) all.push(row.key)
    // A gap in a column of JSON must not become JSON's own null.
    for (const { name, type } of inputs)
      all.push(row.inputs[name] ?? (type === 'json' ? undefined : null))
    all.push(plain(row.label))
    return all
  }
  for await (const page of pages) yield page.map(cells)
}

function plain(label: PredictionRow['label']): Logged {
  return typeof label === 'bigint' ? Number(label) : label
}
