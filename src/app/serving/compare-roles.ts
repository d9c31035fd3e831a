import { aucOf, type Label } from '#statistics'
import { classOf, scoreOf } from '#monitoring'
import type { PredictionQueries, PredictionRow } from '#serving'

/** How the live answers of a span and those of the shadow fared on the very same labelled rows. */
export interface RolesCompared {
  readonly predictions: number
  readonly labels: number
  /** Labelled predictions that both answered: shadows are left out first under load. */
  readonly compared: number
  readonly live: number | null
  readonly shadow: number | null
}

const PAGE = 50_000

/** Compares the live revision with its shadow over a span of event time, from the prediction log and ground truth. */
export async function compareRoles(
  queries: PredictionQueries,
  endpoint: string,
  span: { fromMs: number; toMs: number },
): Promise<RolesCompared> {
  const live = await allRows(queries, endpoint, { ...span, role: 'live' })
  const shadows = new Map(
    (await allRows(queries, endpoint, { ...span, role: 'shadow' })).map((row) => [
      row.id,
      scoreOf(row.outputs) ?? Number.NaN,
    ]),
  )
  const labelled = live.filter((row) => classOf(row.label) !== undefined)
  const both = labelled.filter((row) => shadows.has(row.id))
  const rows = both.length > 0 ? both : labelled
  const labels = rows.map((row): Label => classOf(row.label) ?? 0)
  return {
    predictions: live.length,
    labels: labelled.length,
    compared: both.length,
    live:
      aucOf(
        labels,
        rows.map((row) => scoreOf(row.outputs) ?? Number.NaN),
      )?.auc ?? null,
    shadow:
      both.length === 0
        ? null
        : (aucOf(
            labels,
            rows.map((row) => shadows.get(row.id) ?? Number.NaN),
          )?.auc ?? null),
  }
}

async function allRows(
  queries: PredictionQueries,
  endpoint: string,
  query: { fromMs: number; toMs: number; role: 'live' | 'shadow' },
): Promise<PredictionRow[]> {
  const rows: PredictionRow[] = []
  let after: string | undefined
  do {
    const page = await queries.window(endpoint, {
      ...query,
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    })
    rows.push(...page.rows)
    after = page.next ?? undefined
  } while (after !== undefined)
  return rows
}
