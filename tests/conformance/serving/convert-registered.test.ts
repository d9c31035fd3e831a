import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort, spawnServer, type ServerProcess } from '../../support/process.ts'
import { pythonBin, runPython } from '../../support/python.ts'

let home: string
let port: number
let server: ServerProcess
let printed: { refused: unknown }

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-convert-registered-'))
  port = await freePort()
  await start()
  const script = join(import.meta.dirname, 'scripts', 'register_to_convert.py')
  printed = (await runPython(readFileSync(script, 'utf8'), {
    MLFLOW_TRACKING_URI: server.url,
    MLFLOW_REGISTRY_URI: server.url,
  })) as typeof printed
})
afterAll(async () => {
  await server.family.end()
  await rm(home, { recursive: true, force: true })
})

test('a version that is registered with the tag is converted, and tells what it became', async () => {
  expect(await outcomeOf('late')).toBe('late/2')
  const { tags } = (await versionsOf('late')).get(2) ?? {}
  expect(tags).toMatchObject({
    converted_from: 'late/1',
    converted_rows: '50',
    converted_on:
      '50 of the input example; not on training data, since late:1 was not made by a stage of a pipeline, so its training data is not on record',
  })
  expect(await fileOf('late', 2, 'MLmodel')).toContain('onnx:')
})

test('a model with the tag has each new version converted, and not what a conversion gave', async () => {
  expect(await outcomeOf('each')).toBe('each/2')
  expect((await versionsOf('each')).get(2)?.tags).not.toHaveProperty('orrery.convert.outcome')
})

test('a version that is given the tag later is converted, and one without it is not', async () => {
  expect(await outcomeOf('later')).toBe('later/2')
  expect([...(await versionsOf('plain')).keys()]).toEqual([1])
})

test('what cannot be proven is refused, with where the answers differ', async () => {
  expect(await outcomeOf('precise')).toMatch(
    /^precise\/1 is not converted: \d+ of 200 rows are answered otherwise, by up to .*; in row \d+ of the input example label is [01] by the model and [01] by ONNX$/,
  )
  expect(await outcomeOf('blind')).toContain('the model was logged without an input example')
  expect([...(await versionsOf('precise')).keys()]).toEqual([1])
})

test('another target is refused when it is asked for', () => {
  expect(printed.refused).toEqual([
    'INVALID_PARAMETER_VALUE',
    expect.stringContaining('models are converted to onnx only'),
  ])
})

test.each([
  ['killed', () => server.kill()],
  ['stopped', () => server.stop()],
])(
  'a conversion ends with a server that is %s, and is done once when it is back',
  async (model, end) => {
    await ask(model)
    const converting = await conversionOf(server.family.pid)
    await end()
    while (await isRunning(converting)) await sleep(50)
    await start()
    expect(await outcomeOf(model)).toBe(`${model}/2`)
    await askAgain(model)
    expect(await outcomeOf(model)).toBe(`${model}/2`)
    expect([...(await versionsOf(model)).keys()]).toEqual([1, 2])
  },
)

async function start(): Promise<void> {
  const environment = {
    ORRERY_LOG_LEVEL: 'warn',
    ORRERY_MODEL_PYTHON: join(pythonBin(), 'python'),
  }
  server = await spawnServer({ home, port, environment })
}

/** Registers a model that is there already under another name, with the tag. */
async function ask(name: string): Promise<void> {
  const { source = '' } = (await versionsOf('late')).get(1) ?? {}
  await send('POST', 'registered-models/create', { name })
  const tags = [{ key: 'orrery.convert', value: 'onnx' }]
  await send('POST', 'model-versions/create', { name, source, tags })
}

/** Forgets what is known of the outcome, and sets the tag once more. */
async function askAgain(name: string): Promise<void> {
  const version = { name, version: '1' }
  await send('DELETE', 'model-versions/delete-tag', { ...version, key: 'orrery.convert.outcome' })
  await send('POST', 'model-versions/set-tag', { ...version, key: 'orrery.convert', value: 'onnx' })
}

async function send(method: string, path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path} was answered with ${await answer.text()}`)
}

/** What the first version of a model tells of its conversion, once it does. */
async function outcomeOf(model: string): Promise<string> {
  for (;;) {
    const outcome = (await versionsOf(model)).get(1)?.tags['orrery.convert.outcome']
    if (outcome !== undefined) return outcome
    await sleep(200)
  }
}

async function versionsOf(
  model: string,
): Promise<Map<number, { source: string; tags: Record<string, string> }>> {
  const filter = encodeURIComponent(`name='${model}'`)
  const answer = await fetch(`${server.url}/api/2.0/mlflow/model-versions/search?filter=${filter}`)
  const { model_versions: found = [] } = (await answer.json()) as {
    model_versions?: {
      version: string
      source: string
      tags?: { key: string; value: string }[]
    }[]
  }
  return new Map(
    found
      .map(({ version, source, tags = [] }) => {
        const byKey = Object.fromEntries(tags.map(({ key, value }) => [key, value]))
        return [Number(version), { source, tags: byKey }] as const
      })
      .toSorted(([one], [other]) => one - other),
  )
}

async function fileOf(model: string, version: number, path: string): Promise<string> {
  const query = `name=${model}&version=${version}&path=${path}`
  return (await fetch(`${server.url}/model-versions/get-artifact?${query}`)).text()
}

/** The process that converts for a server, once there is one. */
async function conversionOf(pid: number): Promise<number> {
  for (;;) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
    for (const child of children.split(' ').filter(Boolean))
      if ((await commandOf(Number(child))).includes('convert.py')) return Number(child)
    await sleep(50)
  }
}

async function isRunning(pid: number): Promise<boolean> {
  return (await commandOf(pid)).includes('convert.py')
}

/** Empty for a process that has ended. */
async function commandOf(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
}
