import { setTimeout } from 'node:timers/promises'
import { seededDraws } from '#base/seeded'
import type { Ask } from './asking.ts'

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
const DAYS = 15
const ROWS_A_DAY = 200
/** From this day on amounts come in cents, another country asks, and what is true of one country has changed. */
export const BAD_DAY = 10

export interface Credit {
  readonly days: number
  /** The first bad window. */
  readonly badStart: string
}

/** An endpoint that is watched in every way, with days that are calm and days that are not. */
export async function createCredit(ask: Ask): Promise<Credit> {
  await ask('POST', '/endpoints', { name: 'credit', elsewhere: true, monitor: MONITOR })
  for (let day = 0; day < DAYS; day++) {
    const rows = rowsOf(day)
    await ask('POST', '/predictions', {
      endpoint: 'credit',
      modelVersion: 'scorecard 2026',
      predictions: rows,
    })
  }
  await ask('POST', '/endpoints/credit/watermark', {
    time: new Date(START + (DAYS + 1) * DAY).toISOString(),
  })
  const isDone = async () => {
    const { alerts } = await ask<{ alerts: { kind: string; id: string }[] }>('GET', '/alerts')
    const explained = await Promise.all(
      alerts.map(({ id }) =>
        ask<{ causes: unknown }>('GET', `/alerts/${encodeURIComponent(id)}`).then(
          ({ causes }) => causes !== null,
        ),
      ),
    )
    const { windows } = await ask<{ windows: { performance: unknown }[] }>(
      'GET',
      '/endpoints/credit/windows',
    )
    const judged = windows.filter(({ performance }) => performance !== null)
    return judged.length === DAYS && alerts.length > 0 && explained.every(Boolean)
  }
  while (!(await isDone())) await setTimeout(300)
  return { days: DAYS, badStart: new Date(START + BAD_DAY * DAY).toISOString() }
}

const persistence = { windows: 2, of: 2 }
const MONITOR = {
  window: { size: '1d' },
  settle: '1h',
  min_samples: 50,
  reference: { from: '2026-01-05', to: '2026-01-11' },
  drift: { alert_share: 0.3, persistence },
  performance: { metric: 'roc_auc', min: 0.7, persistence },
  slices: { by: ['country'], min_samples: 10 },
  fairness: {
    by: ['sex'],
    metrics: [{ metric: 'demographic_parity_difference', max: 0.4 }],
    persistence,
  },
  kpis: { profit: { outcomes: { tp: 12, fp: -4, fn: -10, tn: 1 }, unit: 'EUR', min: 0.5 } },
  estimate: { rows: 600, persistence },
}

function rowsOf(day: number) {
  const random = seededDraws(77 + day)
  const isBad = day >= BAD_DAY
  const countries = isBad ? ['DE', 'FR', 'US', 'BR'] : ['DE', 'FR', 'US', 'JP']
  return Array.from({ length: ROWS_A_DAY }, (_, at) => {
    const share = random()
    const country = countries[Math.floor(random() * 4)] as string
    const said = Math.min(0.97, Math.max(0.03, share))
    const real = isBad && (country === 'US' || country === 'BR') ? 1 - said : said
    return {
      id: `c${day}-${at}`,
      time: START + day * DAY + Math.floor((at / ROWS_A_DAY) * DAY),
      inputs: {
        amount: (20 + share * 400) * (isBad ? 100 : 1),
        age: 18 + Math.floor(random() * 60),
        income: 1500 + random() * 4000,
        country,
        sex: random() < 0.5 ? 'f' : 'm',
      },
      outputs: { probability: said },
      label: random() < real ? 1 : 0,
    }
  })
}
