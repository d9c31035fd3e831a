import type { RunRowWire, TreeWire } from '#protocols/api/runs-wire'

/** A row of the table: a run at its depth, with values by column. */
export interface Row {
  readonly runId: string
  readonly depth: number
  readonly children: number
  readonly values: Readonly<Record<string, string | number | null>>
}

/** The runs with the children of those that are open between them. A run below itself is told once. */
export function rowsOf(
  runs: readonly RunRowWire[],
  columns: readonly string[],
  opened: ReadonlyMap<string, TreeWire | undefined>,
): Row[] {
  const rows: Row[] = []
  const add = (run: RunRowWire, depth: number, above: ReadonlySet<string>) => {
    const values = Object.fromEntries(columns.map((column, at) => [column, run.values[at] ?? null]))
    const children = Number(values['attributes.child_count'] ?? 0)
    rows.push({ runId: run.runId, depth, children, values })
    if (above.has(run.runId)) return
    const inside = new Set([...above, run.runId])
    for (const child of opened.get(run.runId)?.nodes.slice(1) ?? []) add(child, depth + 1, inside)
  }
  for (const run of runs) add(run, 0, new Set())
  return rows
}
