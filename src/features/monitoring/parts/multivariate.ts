import type { Json } from '#base/json'
import { CLASSIFIED_MAX, judgeTogether } from '#drift'
import { lasting, lastingCondition, sameVersion } from '../alerts/conditions.ts'
import type { Condition } from '../alerts/findings.ts'
import type { Part, View } from './part.ts'
import type { MultivariateVerdict } from './verdicts.ts'
import { windowRef, type Window } from '../windows/window.ts'

/** Whether columns hang together as they do in the reference, however each looks by itself. */
export const multivariate: Part = {
  kind: 'multivariate',
  due: 'closed',
  judge: async (view) => ({ multivariate: await multivariateIn(view) }),
  withoutRows: (reason) => ({ multivariate: { state: 'skipped', reason } }),
  again: ({ multivariate: kept, predictions, profiled = 0 }, monitor) => {
    const rows = predictions - profiled
    const reason =
      monitor.multivariate?.enabled === false
        ? NOT_ASKED
        : rows < monitor.min_samples
          ? `${rows} rows are fewer than ${monitor.min_samples}`
          : undefined
    return kept?.state === 'judged' && reason !== undefined
      ? { multivariate: { state: 'skipped', reason } }
      : {}
  },
  told: ({ multivariate: found }): Record<string, Json> =>
    found?.state === 'judged' && subjectsOf(found).length > 0
      ? { together: subjectsOf(found).filter((subject) => drifted(found, subject) === true) }
      : {},
  lookback: (monitor) => (monitor.multivariate?.persistence ?? PERSISTENCE).of,
  conditions: (window, earlier, monitor) => {
    const found = window.multivariate
    if (found === undefined || found.state === 'skipped') return 'unjudged'
    const persistence = monitor.multivariate?.persistence ?? PERSISTENCE
    const windows = sameVersion(window, earlier)
    return subjectsOf(found).map((subject): Condition => {
      const flags = windows.map(({ multivariate: each }) =>
        each?.state === 'judged' ? drifted(each, subject) : null,
      )
      const detail = `${wordsOf(found, subject)}, ${lasting(persistence)}`
      const condition = lastingCondition(flags, persistence, {
        subject,
        severity: 'warning',
        detail,
      })
      return condition.state === 'holds' && isToldAsDrift(window)
        ? { state: 'open', subject }
        : condition
    })
  },
  finding: (window, { subject, detail }, { task }) => ({
    type: 'columns-came-apart',
    data: {
      endpoint: window.endpoint,
      window: windowRef(window).id,
      modelVersion: window.modelVersion,
      column: subject,
      columns:
        window.multivariate?.state === 'judged' && subject === ''
          ? columnsOf(window.multivariate)
          : [],
      detail,
    },
    eventMs: task.dueMs,
  }),
}

const NOT_ASKED = 'the monitor says not to look'

/** As long as data quality waits: in a calm year of a thousand rows a day not one window was suspected. */
const PERSISTENCE = { windows: 2, of: 3 }

/** More rows than this tell no more of how columns hang together. */
const ROWS_MAX = 5000

async function multivariateIn(view: View): Promise<MultivariateVerdict> {
  if (view.monitor.multivariate?.enabled === false) return { state: 'skipped', reason: NOT_ASKED }
  const known = await view.reference()
  if (known.state === 'unknown')
    return { state: 'skipped', reason: `there is no reference: ${known.reason}` }
  const rows = await view.rows()
  const { min_samples: samplesMin } = view.monitor
  if (rows.length < samplesMin)
    return { state: 'skipped', reason: `${rows.length} rows are fewer than ${samplesMin}` }
  const told = await view.structure()
  if (told.state === 'unknown') return { state: 'skipped', reason: told.reason }
  const { drift } = view.found
  const step = Math.max(1, rows.length / ROWS_MAX)
  const taken = Array.from(
    { length: Math.min(rows.length, ROWS_MAX) },
    (_, index) => rows[Math.floor(index * step)]?.inputs ?? {},
  )
  const found = await judgeTogether(told.structure, taken, {
    alone: drift?.state === 'judged' ? drift.drifted : [],
    sample: async () => (await told.sample(CLASSIFIED_MAX)).map(({ values }) => values),
  })
  if (found === undefined)
    return { state: 'skipped', reason: `${rows.length} rows are too few to look at together` }
  if (found.reconstruction === null && found.embeddings.length === 0)
    return { state: 'skipped', reason: 'fewer than two columns vary and repeat themselves' }
  return { state: 'judged', ...found }
}

type Judged = Extract<MultivariateVerdict, { state: 'judged' }>

/** All columns together, and each column of points. */
function subjectsOf({ reconstruction, embeddings }: Judged): string[] {
  return [...(reconstruction === null ? [] : ['']), ...embeddings.map(({ column }) => column)]
}

function drifted({ reconstruction, embeddings }: Judged, subject: string): boolean | null {
  const found =
    subject === '' ? reconstruction : embeddings.find(({ column }) => column === subject)
  return found === null || found === undefined ? null : found.state === 'drifted'
}

/** What so many single columns show is told of as drift. */
function isToldAsDrift({ drift }: Window): boolean {
  return drift.state === 'judged' && drift.alarming
}

/** The columns that tell most, as far as they tell a tenth of what the first does. */
function columnsOf({ classifier }: Judged): string[] {
  const columns = classifier?.columns ?? []
  const most = columns[0]?.needed ?? 0
  return columns
    .filter(({ needed }) => needed >= most / 10)
    .slice(0, 5)
    .map(({ column }) => column)
}

function wordsOf(found: Judged, subject: string): string {
  const { reconstruction, classifier, embeddings } = found
  if (subject !== '') {
    const point = embeddings.find(({ column }) => column === subject)
    return `${subject} lies ${digits(point?.distance ?? 0)} radii from where it did`
  }
  if (reconstruction?.state !== 'drifted' || classifier === null)
    return 'columns no longer hang together as they did'
  return `${columnsOf(found).join(', ')} no longer hang together as they did (a classifier tells them apart with an AUC of ${digits(classifier.auc)})`
}

/** Three digits that count. */
function digits(value: number): string {
  return String(Number(value.toPrecision(3)))
}
