import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startPrometheus } from '../support/prometheus.ts'
import { startTestServer } from '../support/server.ts'
import { openHome, raised, tellHome } from './support.ts'

const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy')
const RULES = join(DEPLOY, 'prometheus', 'orrery.rules.yml')

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data: { readonly result: { metric: Record<string, string>; value: [number, string] }[] }
}

/** The last window of an endpoint, with more columns than are told. */
async function keepWindow(home: string): Promise<void> {
  const store = await openHome(home)
  const features = Array.from({ length: 150 }, (_, each) => ({
    feature: `c${each}`,
    state: 'steady' as const,
    measure: 'wasserstein' as const,
    effect: each / 100,
    threshold: 0.1,
    missing: { difference: 0, threshold: 0.1 },
    p: 1,
    psi: 0,
    values: 100,
    learntFrom: 0,
  }))
  await store.transact(({ monitoring }) =>
    monitoring.saveWindow({
      endpoint: 'flights',
      startMs: 0,
      endMs: 86_400_000,
      modelVersion: 'flights/1',
      predictions: 100,
      drift: {
        state: 'judged',
        features,
        drifted: [],
        compared: 150,
        share: 0.25,
        prediction: null,
        alarming: false,
      },
      performance: null,
    }),
  )
  await store.close()
}

test('a real Prometheus scrapes what the monitors found, its rules fire, and every panel of the dashboards answers', async () => {
  const server = await startTestServer({ database: '' })
  const { home } = server
  await server.stop({ keepHome: true })
  const yaml =
    'project: flights\nendpoints:\n  flights: { model: models:/flights@champion }\nalerts: { destinations: {} }\n'
  await tellHome(home, { yaml, facts: [raised('drift/1'), raised('drift/2')] })
  await keepWindow(home)
  const again = await startTestServer({ home, database: '' })
  const config = `
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [${RULES}]
scrape_configs:
  - job_name: orrery
    static_configs: [{ targets: ['${new URL(again.url).host}'] }]
`
  const prometheus = await startPrometheus(config)
  try {
    const ask = (query: string) =>
      prometheus.get<Answer>(`/api/v1/query?query=${encodeURIComponent(query)}`)
    const valuesOf = async (query: string) =>
      (await ask(query)).data.result.map(({ value }) => Number(value[1]))
    await expect
      .poll(() => valuesOf('orrery_drift_share{endpoint="flights"}'), { timeout: 20_000 })
      .toEqual([0.25])
    expect(await valuesOf('count(orrery_drift_score{endpoint="flights"})')).toEqual([100])
    expect(await valuesOf('orrery_drift_scores_left_out')).toEqual([50])
    expect(await valuesOf('max(orrery_drift_score)')).toEqual([expect.closeTo(14.9)])
    expect(await valuesOf('sum(orrery_open_alerts{kind="drift"})')).toEqual([2])
    await expect
      .poll(() => valuesOf('ALERTS{alertname="OrreryOpenAlert", alertstate="firing"}'), {
        timeout: 20_000,
      })
      .toEqual([1])
    await expect.poll(() => valuesOf('orrery:drift_score:max'), { timeout: 10_000 }).toHaveLength(1)
    for (const { panel, query } of await queriesOfDashboards()) {
      const { status, error } = await ask(query)
      expect({ panel, status, error }).toEqual({ panel, status: 'success', error: undefined })
    }
    await expectKnownNames(again.url, await readFile(RULES, 'utf8'))
  } finally {
    await prometheus.stop()
    await again.stop()
  }
}, 60_000)

test('promtool finds nothing wrong with the rules and the configuration', async () => {
  const check = promisify(execFile)
  expect((await check('promtool', ['check', 'rules', RULES])).stdout).toContain('SUCCESS')
  const config = join(DEPLOY, 'prometheus', 'prometheus.yml')
  expect((await check('promtool', ['check', 'config', config])).stdout).toContain('SUCCESS')
})

interface Dashboard {
  readonly panels: readonly { title: string; targets: readonly { expr: string }[] }[]
}

async function queriesOfDashboards(): Promise<{ panel: string; query: string }[]> {
  const folder = join(DEPLOY, 'grafana')
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'))
  expect(files.length).toBeGreaterThan(1)
  const boards = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Dashboard),
  )
  return boards.flatMap(({ panels }) =>
    panels.flatMap(({ title, targets }) =>
      targets.map(({ expr }) => ({ panel: title, query: expr.replaceAll('$endpoint', '.*') })),
    ),
  )
}

/** A name that nobody measures makes an empty panel and a rule that never fires. */
async function expectKnownNames(url: string, rules: string): Promise<void> {
  const queries = (await queriesOfDashboards()).map(({ query }) => query)
  const source = await Promise.all(
    ['plane/metrics.ts', 'monitoring/metrics.ts'].map((name) =>
      readFile(join(DEPLOY, '..', 'src', 'app', name), 'utf8'),
    ),
  )
  const known = `${source.join('\n')}\n${await (await fetch(`${url}/metrics`)).text()}\n${rules}`
  const used = new Set([rules, ...queries].join('\n').match(/orrery[_:][a-z0-9_:]+/g))
  for (const name of used) {
    const bare = name.replace(/_(total|bucket)$/, '')
    if (!name.startsWith('orrery-'))
      expect(known).toMatch(new RegExp(`(['\\s]|record: )${bare}\\b`))
  }
}
