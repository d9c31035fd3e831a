import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../support/command.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let first: string
let second: string

async function mlflow<Body>(path: string, body: unknown): Promise<Body> {
  const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect([path, answer.status]).toEqual([path, 200])
  return (await answer.json()) as Body
}

async function run(experiment: string, parent?: string): Promise<string> {
  const tags = parent === undefined ? [] : [{ key: 'mlflow.parentRunId', value: parent }]
  const { run: made } = await mlflow<{ run: { info: { run_id: string } } }>('runs/create', {
    experiment_id: experiment,
    run_name: parent === undefined ? 'outer' : 'inner',
    tags,
  })
  const depth = parent === undefined ? '3' : '4'
  const params = [
    { key: 'depth', value: depth },
    { key: 'seed', value: '1' },
  ]
  const metrics = [{ key: 'auc', value: Number(depth) / 10, timestamp: 1, step: 0 }]
  await mlflow('runs/log-batch', { run_id: made.info.run_id, params, metrics })
  return made.info.run_id
}

async function told(line: string): Promise<string> {
  const { code, out, err } = await runCommand(tmpdir(), [...line.split(' '), '--url', server.url])
  expect([line, code, err]).toEqual([line, 0, ''])
  return out
}

beforeAll(async () => {
  server = await startTestServer()
  const { experiment_id } = await mlflow<{ experiment_id: string }>('experiments/create', {
    name: 'air/late',
  })
  first = await run(experiment_id)
  second = await run(experiment_id, first)
  await mlflow('registered-models/create', { name: 'late' })
  for (let at = 0; at < 2; at++)
    await mlflow('model-versions/create', { name: 'late', source: 's3://bucket/m' })
})
afterAll(() => server.stop())

test('runs are listed across experiments with the columns that were asked for', async () => {
  expect(await told('runs')).toMatch(
    /run +run_name +status +start_time +metrics\.auc\n.*inner.*0\.4\n.*outer.*0\.3/,
  )
  const found = JSON.parse(
    await told('runs list --folder air --columns params.depth --limit 1 --json'),
  ) as { next: string }
  expect(found).toMatchObject({
    columns: ['params.depth'],
    runs: [{ runId: second, values: ['4'] }],
  })
  expect(await told(`runs --columns params.depth --page ${found.next}`)).toContain(first)
  expect(await told(`runs --filter metrics.auc>9`)).toBe('No run matches.\n')
})

test('a run is shown, with those below it, and against another', async () => {
  expect(await told(`runs show ${first}`)).toMatch(/outer {2}RUNNING[\s\S]*param {2}depth {2}3/)
  expect(await told(`runs tree ${second}`)).toMatch(
    new RegExp(`^outer.*${first}\n {2}inner.*${second}\n$`),
  )
  const differs = await told(`runs compare ${first} ${second}`)
  expect([differs.includes('params.depth'), differs.includes('params.seed')]).toEqual([true, false])
  expect(await told(`runs compare ${first} ${second} --all`)).toContain('params.seed')
})

test('folders of experiments are listed and moved', async () => {
  expect(await told('experiments')).toMatch(/^name.*\nair\/ +1 experiments\nDefault/)
  expect(await told('experiments move air sea/deep --preview')).toMatch(
    /Would rename 1 .*\n {2}air\/late -> sea\/deep\/late/,
  )
  expect(await told('experiments move air sea/deep')).toMatch(/Renamed 1/)
  expect(JSON.parse(await told('experiments list sea/deep --json'))).toMatchObject({
    experiments: [{ name: 'sea/deep/late' }],
  })
})

test('the history of a model tells who pointed an alias where, when and why', async () => {
  await told('alias late:1 next')
  const between = Date.now() + 2
  await new Promise((resolve) => setTimeout(resolve, 20))
  const { code } = await runCommand(tmpdir(), [
    'alias',
    'late:2',
    'next',
    '--reason',
    'better für alle',
    '--url',
    server.url,
  ])
  expect(code).toBe(0)
  expect(await told('history late --kind alias')).toMatch(
    /when +who +what +from -> to +why\n.*local +alias next +1 -> 2 +better für alle\n.*alias next +- -> 1/,
  )
  expect(await told(`history late --as-of ${between}`)).toMatch(/next = version 1/)
  expect(await told('models show late')).toMatch(/late {2}version 2 {2}@next = 2[\s\S]*\n1 /)
  expect(await told(`models --as-of ${between}`)).toMatch(/late {2}version 2 {2}@next = 1/)
  const wrong = await runCommand(tmpdir(), ['history', 'nobody', '--url', server.url])
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringMatching(/not found/)])
})
