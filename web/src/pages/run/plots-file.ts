/** A plot of a stage, as its run keeps it in `plots/plots.json`. */
export type RunPlot =
  | (Named & { readonly kind: 'lines' | 'points'; readonly lines: readonly PlotLine[] })
  | (Named & { readonly kind: 'tally'; readonly tables: readonly Tally[] })
  | (Named & { readonly kind: 'bars'; readonly bars: readonly Bar[] })
  | { readonly kind: 'picture'; readonly id: string; readonly path: string }

interface Named {
  readonly id: string
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
}

export interface PlotLine {
  readonly name: string
  readonly x: readonly number[]
  readonly y: readonly number[]
}

export interface Tally {
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  readonly counts: readonly (readonly number[])[]
}

export interface Bar {
  readonly name: string
  readonly value: number
}

/** Anybody may upload a file of that name: what is not as it should be is not there. */
export function runPlotsIn(text: string): RunPlot[] {
  try {
    const { plots } = JSON.parse(text) as { plots?: unknown }
    return Array.isArray(plots) ? plots.flatMap(plotIn) : []
  } catch {
    return []
  }
}

function plotIn(value: unknown): RunPlot[] {
  const plot = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const id = wordsIn(plot['id'])
  const named = {
    id,
    title: wordsIn(plot['title']) || id,
    xLabel: wordsIn(plot['xLabel']),
    yLabel: wordsIn(plot['yLabel']),
  }
  const { kind } = plot
  if (kind === 'picture') return [{ kind, id, path: wordsIn(plot['path']) }]
  if (kind === 'lines' || kind === 'points')
    return [{ ...named, kind, lines: mapsIn(plot['lines']).map(lineIn) }]
  if (kind === 'tally') return [{ ...named, kind, tables: mapsIn(plot['tables']).map(tallyIn) }]
  if (kind !== 'bars') return []
  const bars = mapsIn(plot['bars']).map(({ name, value: height }) => ({
    name: wordsIn(name),
    value: numberIn(height),
  }))
  return [{ ...named, kind, bars }]
}

function lineIn({ name, spots }: Record<string, unknown>): PlotLine {
  const pairs = listIn(spots).filter((spot) => Array.isArray(spot)) as unknown[][]
  return {
    name: wordsIn(name),
    x: pairs.map(([x]) => numberIn(x)),
    y: pairs.map(([, y]) => numberIn(y)),
  }
}

function tallyIn({ rows, columns, counts }: Record<string, unknown>): Tally {
  return {
    rows: listIn(rows).map(wordsIn),
    columns: listIn(columns).map(wordsIn),
    counts: listIn(counts).map((row) => listIn(row).map(numberIn)),
  }
}

function listIn(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : []
}

function mapsIn(value: unknown): Record<string, unknown>[] {
  return listIn(value).filter(
    (each): each is Record<string, unknown> => typeof each === 'object' && each !== null,
  )
}

function wordsIn(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function numberIn(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
