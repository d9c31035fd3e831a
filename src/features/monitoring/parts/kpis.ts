import { judgedLimit, noKpi, worthOf, type JudgedLimit, type Kpi } from '#performance'
import type { MonitorConfig } from '#projects'
import type { PredictionRow } from '#serving'
import type { Part, View } from './part.ts'
import type { RowAnswer } from '../sources.ts'
import { windowRef } from '../windows/window.ts'
import { findIn, limitConditions, limitWith, rolesAt } from './performance.ts'

type KpiConfig = NonNullable<MonitorConfig['kpis']>[string]

const PERSISTENCE = { windows: 3, of: 5 }

/** What predictions were worth, and what else is asked of a window's rows. */
export const kpis: Part = {
  kind: 'kpis',
  due: 'settled',
  withoutRows: () => ({}),
  judge: async (view) => {
    const asked = Object.entries(view.monitor.kpis ?? {})
    if (asked.length === 0) return {}
    const found = await kpisOf(view, asked)
    return { kpis: { kpis: found, limits: found.map((kpi, at) => limitOn(kpi, asked[at]?.[1])) } }
  },
  again: ({ kpis: kept }, { kpis: asked = {} }) => {
    if (kept === undefined) return {}
    const found = kept.kpis.filter(({ name }) => asked[name] !== undefined)
    return { kpis: { kpis: found, limits: found.map((kpi) => limitOn(kpi, asked[kpi.name])) } }
  },
  told: ({ kpis: found }) =>
    found === undefined
      ? {}
      : {
          kpis: Object.fromEntries(
            found.kpis.slice(0, TOLD).map((each) => [each.name, each.value]),
          ),
        },
  lookback: (monitor) =>
    Math.max(
      0,
      ...Object.values(monitor.kpis ?? {}).map(
        ({ persistence }) => (persistence ?? PERSISTENCE).of,
      ),
    ),
  conditions: (window, earlier, { kpis: asked = {} }) => {
    const { kpis: found } = window
    const watched = Object.entries(asked).filter(([, each]) => isLimited(each))
    if (watched.length === 0) return []
    if (found === undefined) return 'unjudged'
    // A business is the same whichever version answers: windows of all versions count.
    const windows = [...earlier, window]
    return watched.flatMap(([name, { persistence }]) =>
      limitConditions(
        found.limits.filter(({ metric }) => metric === name),
        (limit) => windows.map(({ kpis: each }) => findIn(each?.limits ?? [], limit)),
        persistence ?? PERSISTENCE,
      ),
    )
  },
  finding: (window, { subject, detail, severity }, { task }) => {
    const limit = limitWith(window.kpis?.limits ?? [], subject)
    return {
      type: 'kpi-missed',
      data: {
        endpoint: window.endpoint,
        window: windowRef(window).id,
        modelVersion: window.modelVersion,
        kpi: subject,
        value: limit?.value ?? null,
        min: limit?.min ?? null,
        max: limit?.max ?? null,
        severity,
        detail,
      },
      eventMs: task.dueMs,
    }
  },
}

/** A fact stays small: the window itself has all. */
const TOLD = 10

async function kpisOf(
  view: View,
  asked: readonly (readonly [string, KpiConfig])[],
): Promise<Kpi[]> {
  const rows = await view.rows()
  const roles = await rolesAt(view)
  const questions = Object.fromEntries(
    asked.flatMap(([name, { sql }]) => (sql === undefined ? [] : [[name, sql]])),
  )
  const isAsked = Object.keys(questions).length > 0
  const answers = isAsked ? await view.ask(questions) : {}
  return asked.map(([name, { outcomes, sql, unit = null }]) => ({
    name,
    unit,
    ...(sql === undefined
      ? worthOf(rows, outcomes ?? {}, roles)
      : answered(answers[name] ?? { value: null }, rows)),
  }))
}

function answered({ value, note }: RowAnswer, rows: readonly PredictionRow[]) {
  return value === null
    ? noKpi(note ?? 'the question was not answered')
    : { value, ciLow: null, ciHigh: null, total: null, rows: rows.length }
}

function limitOn(kpi: Kpi, config: KpiConfig | undefined): JudgedLimit {
  const { name, value, ciLow, ciHigh, note, rows } = kpi
  const { min, max } = config ?? {}
  return judgedLimit(
    { metric: name, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) },
    { value, ciLow, ciHigh, ...(note === undefined ? {} : { note }) },
    { of: null, labels: rows },
  )
}

function isLimited({ min, max }: KpiConfig): boolean {
  return min !== undefined || max !== undefined
}
