import { readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../../support/command.ts'
import { pythonBin, runPython } from '../../support/python.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

let server: TestServer
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-convert-'))
  server = await startTestServer()
  const script = readFileSync(join(import.meta.dirname, 'scripts', 'convert.py'), 'utf8')
  await runPython(script, {
    ORRERY_FOLDER: folder,
    MLFLOW_TRACKING_URI: server.url,
    MLFLOW_REGISTRY_URI: server.url,
  })
}, 240_000)
afterAll(() => server.stop())

test.each([
  ['late', 'flights', 'skl2onnx'],
  ['forest', 'numbers', 'skl2onnx'],
  ['boosted', 'numbers', 'skl2onnx'],
  ['histogram', 'numbers', 'skl2onnx'],
  ['xgb', 'numbers', 'onnxmltools'],
  ['lgb', 'numbers', 'onnxmltools'],
])('%s becomes ONNX that answers all rows alike', async (model, sample, converter) => {
  const { code, out, err } = await convert(model, sample, '--json')
  expect(err).toBe('')
  expect(code).toBe(0)
  const outcome = JSON.parse(out) as Record<string, unknown>
  expect(outcome).toMatchObject({ converted: true, rows: 20_003, differing: 0, model, version: 2 })
  expect(outcome['by']).toContain(converter)
  const { tags, flavors } = await version(model, 2)
  expect(flavors).toContain('onnx')
  expect(tags).toMatchObject({ converted_from: `${model}/1`, converted_rows: '20003' })
})

test('a scaler before boosted trees, which crosses splits in single precision, is converted in double', async () => {
  const { out, err } = await convert('drifting', 'numbers')
  expect(err).toContain('converting in single precision')
  expect(err).toContain('converting in double precision')
  expect(out).toContain('drifting/2 is drifting/1 as ONNX: 20003 rows compared')
})

test('a model that ONNX cannot follow is refused with the rows that differ, and nothing is logged', async () => {
  const { code, err } = await convert('precise', 'large')
  expect(code).not.toBe(0)
  expect(err).toMatch(/precise\/1 is not converted: \d+ of 20003 rows are answered otherwise/)
  expect(err).toMatch(/of +row +output +model +onnx\n[\w .]+ +\d+ +label +[01] +[01]\n/)
  expect(err).toContain('by Python')
  await expect(version('precise', 2)).rejects.toThrow('precise/2')
})

test('a version is named as other commands name it', async () => {
  const said = ['late:1', 'models:/late/1', 'late/one'].map((name) =>
    runCommand(folder, ['convert', name, '--url', server.url, '--python', '/no/python']),
  )
  const [colon, uri, neither] = (await Promise.all(said)).map(({ err }) => err)
  for (const found of [colon, uri]) expect(found).toContain('name a Python with --python')
  expect(neither).toContain('names no model version; write it as')
})

test('what cannot be converted is refused with what to do', async () => {
  const refusals = await Promise.all([
    convert('custom', 'numbers'),
    convert('nobody', 'numbers'),
    convert('late', 'numbers'),
    runCommand(folder, ['convert', 'late/1', '--url', server.url, '--python', '/no/python']),
  ])
  expect(refusals.every(({ code }) => code !== 0)).toBe(true)
  const [custom, nobody, other, python] = refusals.map(({ err }) => err)
  expect(custom).toContain('no converter for a model of Python code; it is served as it is')
  expect(nobody).toContain('no version of a registered model nobody')
  expect(other).toContain('the sample lacks the columns carrier, hour, distance')
  expect(python).toContain('name a Python with --python')
})

function convert(model: string, sample: string, ...more: string[]) {
  return runCommand(folder, [
    'convert',
    // Versions that tests before this one have made are not meant.
    model === 'nobody' ? model : `${model}/1`,
    '--url',
    server.url,
    '--python',
    join(pythonBin(), 'python'),
    '--sample',
    join(folder, `${sample}.parquet`),
    ...more,
  ])
}

async function version(
  model: string,
  number: number,
): Promise<{ tags: Record<string, string>; flavors: string }> {
  const query = `name=${model}&version=${number}`
  const answer = await fetch(`${server.url}/api/2.0/mlflow/model-versions/get?${query}`)
  if (!answer.ok) throw new Error(`there is no ${model}/${number}`)
  const { model_version: found } = (await answer.json()) as {
    model_version: { tags: { key: string; value: string }[] }
  }
  const file = await fetch(`${server.url}/model-versions/get-artifact?${query}&path=MLmodel`)
  return {
    tags: Object.fromEntries(found.tags.map(({ key, value }) => [key, value])),
    flavors: await file.text(),
  }
}
