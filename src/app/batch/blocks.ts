import { invariant } from '#base/invariant'
import type { Block, Source, SourceColumn, Tables } from '#stores/analytics/duckdb/tables/index'
import type { Answered } from './answers.ts'
import type { Place } from './progress.ts'

/** Blocks that are asked for at a time: one is being answered while the next is read. */
const AT_ONCE = 3

/** A block, and where it begins. */
export interface PlacedBlock {
  readonly place: Place
  readonly block: Block
}

/** The blocks of all files, one after the other. */
export async function* blocksFrom(
  tables: Tables,
  source: Source,
  { columns, from, left }: { columns: readonly SourceColumn[]; from: Place; left: number | null },
): AsyncGenerator<PlacedBlock> {
  let limit = left
  for (let file = from.file; file < source.files.length; file += 1) {
    if (limit !== null && limit <= 0) return
    let row = file === from.file ? from.row : 0
    const span = { columns, skip: row, limit }
    for await (const block of tables.blocks(source, source.files[file] ?? '', span)) {
      yield { place: { file, row }, block }
      row += block.rows
      if (limit !== null) limit -= block.rows
    }
  }
}

/** Answers blocks a few at a time, and gives them in their order. */
export async function* inTurn(
  blocks: AsyncGenerator<PlacedBlock>,
  answer: (block: Block) => Promise<Answered>,
): AsyncGenerator<PlacedBlock & { answer: Answered }> {
  const underWay: { placed: PlacedBlock; answer: Promise<Answered> }[] = []
  const first = async () => {
    const next = underWay.shift()
    invariant(next !== undefined, 'a block is under way')
    return { ...next.placed, answer: await next.answer }
  }
  for await (const placed of blocks) {
    const asked = answer(placed.block)
    // It is awaited in its turn; until then a refusal is no unhandled one.
    asked.catch(() => undefined)
    underWay.push({ placed, answer: asked })
    if (underWay.length === AT_ONCE) yield await first()
  }
  while (underWay.length > 0) yield await first()
}
