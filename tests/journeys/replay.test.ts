import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ShownReplay } from '#protocols/api/replays'
import { runCommand } from '../support/command.ts'
import { FLIGHTS, filesOfModel } from '../support/models.ts'
import { projectOf, rolloutsAt } from '../support/rollouts.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const MLFLOW = '/api/2.0/mlflow'
const ROWS = 600

const PROJECT = `project: flights
models:
  flights-late:
    aliases:
      champion: { protected: true }
    checks:
      - replay: { endpoint: flights-late, since: 7d, max_disagreement: 0.2, min_rows: 500 }
endpoints:
  flights-late:
    model: models:/flights-late@champion
  other:
    model: models:/flights-late/1
`

let server: TestServer
let project: Awaited<ReturnType<typeof projectOf>>
const { ask } = rolloutsAt(() => server.url)

beforeAll(async () => {
  server = await startTestServer()
  project = await projectOf(PROJECT)
  await ask('POST', `${MLFLOW}/registered-models/create`, { name: 'flights-late' })
  await register('flights.onnx')
  await register('flights-contrary.onnx')
  await ask('POST', `${MLFLOW}/registered-models/alias`, {
    name: 'flights-late',
    alias: 'champion',
    version: '1',
  })
  await ask('POST', '/api/v1/projects', { origin: project.origin })
  await serves('flights-late')
  await predictAll()
}, 120_000)
afterAll(async () => {
  await server.stop()
  await project.remove()
})

async function register(file: string): Promise<void> {
  const { run } = await ask<{ run: { info: { run_id: string; artifact_uri: string } } }>(
    'POST',
    `${MLFLOW}/runs/create`,
    { experiment_id: '0', start_time: 1 },
  )
  const source = `${run.info.artifact_uri}/model`
  const folder = source.replace(/^mlflow-artifacts:\/*/, '')
  for (const [name, bytes] of await filesOfModel({ ...FLIGHTS, file }))
    await ask('PUT', `/api/2.0/mlflow-artifacts/artifacts/${folder}/${name}`, bytes)
  await ask('POST', `${MLFLOW}/model-versions/create`, {
    name: 'flights-late',
    source,
    run_id: run.info.run_id,
  })
}

async function serves(endpoint: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const shown = await ask<{ state: string }>('GET', `/api/v1/endpoints/${endpoint}`).catch(
      () => undefined,
    )
    if (shown?.state === 'ready') return
    if (tries > 200) throw new Error(`${endpoint} does not serve: ${JSON.stringify(shown)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Predictions of many flights, whose truth is what the live model said. */
async function predictAll(): Promise<void> {
  const records = Array.from({ length: ROWS }, (_, row) => ({
    carrier: ['AA', 'UA', 'B6'][row % 3],
    hour: row % 24,
    distance: (row * 37) % 3000,
  }))
  const { predictions } = await ask<{
    predictions: { id: string; outputs: { label: number } }[]
  }>('POST', '/api/v1/endpoints/flights-late/predictions', { records })
  await ask('POST', '/api/v1/endpoints/flights-late/ground-truth', {
    truths: predictions.map(({ id, outputs }) => ({ prediction: id, label: outputs.label })),
  })
}

const replay = async (...args: string[]) => {
  const ended = await runCommand(server.home, ['replay', ...args, '--url', server.url, '--json'])
  expect(ended.err).toBe('')
  return JSON.parse(ended.out) as ShownReplay
}

test('the champion against itself disagrees nowhere', async () => {
  const { state, result } = await replay('flights-late:1', '--endpoint', 'flights-late')
  expect(state).toBe('finished')
  expect(result).toMatchObject({
    logged: ROWS,
    refused: 0,
    report: { kind: 'classification', rows: ROWS, disagreements: 0, slices: [], labels: ROWS },
  })
  expect(result?.report.metrics['accuracy']).toMatchObject({ candidate: 1, live: 1 })
  expect(result?.report.difference?.max).toBeLessThan(1e-6)
})

test('a contrary model disagrees, is told where, measured by the truths, and kept', async () => {
  const shown = await replay('flights-late:2', '--endpoint', 'flights-late', '--limit', '400')
  const report = shown.result?.report
  expect(report?.rows).toBe(400)
  expect(report?.disagreements).toBeGreaterThan(100)
  expect(report?.slices.length).toBeGreaterThan(0)
  const { candidate = 1, live = 0, difference } = report?.metrics['accuracy'] ?? {}
  expect(live).toBe(1)
  expect(candidate).toBeCloseTo(1 - (report?.disagreement.value ?? 0), 10)
  expect(difference?.high).toBeLessThan(0)
  expect(await replay('show', shown.id)).toEqual(shown)
  const listed = (await replay('list')) as unknown as { replays: ShownReplay[] }
  expect(listed.replays[0]).toEqual(shown)
  const read = await runCommand(server.home, ['replay', 'show', shown.id, '--url', server.url])
  expect(read.out).toMatch(/disagrees on \d+: .*BY 400 TRUTHS.*WHERE IT DISAGREES MOST/s)
})

test('a replay is a check of a promotion, and its evidence is in the ledger', async () => {
  const args = ['promote', 'flights-late:2', 'champion', '--url', server.url, '--json']
  const refused = await runCommand(server.home, args)
  expect(refused.code).toBe(1)
  const { checks } = JSON.parse(refused.out) as {
    checks: { check: string; evidence: { replay: string; rows: number; share: number } }[]
  }
  expect(checks).toMatchObject([
    {
      check: 'replay of flights-late',
      passed: false,
      reason: expect.stringMatching(/disagrees with .* at most 20.0 % are asked for; most where/),
      evidence: { rows: ROWS, asked: 0.2 },
    },
  ])
  const kept = await replay('show', checks[0]?.evidence.replay ?? '')
  expect(kept.result?.report.disagreement.value).toBe(checks[0]?.evidence.share)
  const facts = await rolloutsAt(() => server.url).facts('check-finished')
  expect(facts.at(-1)?.data).toMatchObject({ evidence: { replay: kept.id } })
})

test('what cannot be replayed is refused with what to do, and one that is over is not cancelled', async () => {
  const refusals: [string[], RegExp][] = [
    [['flights-late:1'], /--endpoint NAME/],
    [['flights-late:9', '--endpoint', 'flights-late'], /9/],
    [['flights-late:1', '--endpoint', 'nobody'], /nobody/],
    [['flights-late:1', '--endpoint', 'other'], /has logged no predictions yet/],
    [['flights-late:1', '--endpoint', 'flights-late', '--since', 'soon'], /which is no time/],
    [['flights-late:1', '--endpoint', 'flights-late', '--since', '2100-01-01'], /before it begins/],
  ]
  for (const [args, reason] of refusals) {
    const ended = await runCommand(server.home, ['replay', ...args, '--url', server.url])
    expect({ args, ...ended }).toMatchObject({ out: '', err: expect.stringMatching(reason) })
    expect(ended.code).not.toBe(0)
  }
  const { replays } = (await replay('list')) as unknown as { replays: ShownReplay[] }
  const path = `/api/v1/replays/${replays[0]?.id}/cancel`
  await expect(ask('POST', path, {})).rejects.toThrow(/409.*is over already/)
})
