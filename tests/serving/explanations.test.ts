import { credentials, loadPackageDefinition, type Client, type ServiceError } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { copyFile, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { invariant } from '#base/invariant'
import type { PlaneProcess } from '#app/plane/supervise'
import type { Explanation } from '#explanations'
import { openPlaneProcess, tableOf } from '../support/plane-process.ts'

const FLIGHTS = {
  columns: ['carrier', 'hour', 'distance'],
  rows: [
    ['AA', 8, 300],
    ['UA', 12, 2000],
  ],
}
const TREES = {
  columns: ['idle', 'hour', 'distance'],
  rows: [
    [0, 0, 0],
    [1, -1, 0.5],
  ],
}

let plane: PlaneProcess
beforeAll(async () => {
  plane = await openPlaneProcess()
  await plane.tell(await tableOf('flights', { example: FLIGHTS }))
  await plane.tell(await tableOf('trees', { example: TREES }))
  await plane.tell(await tableOf('echo'))
  await plane.complete()
})
afterAll(() => plane.stop())

test('KServe’s :explain says what each column of text or number moved', async () => {
  const answer = await ask('flights', { instances: [{ carrier: 'B6', hour: 20, distance: 900 }] })
  expect(answer.status).toBe(200)
  const explained = answer.explanations
  expect(explained).toMatchObject({
    modelVersion: 'flights/1',
    method: 'exact',
    columns: ['carrier', 'hour', 'distance'],
    background: { rows: 2, from: 'input example' },
  })
  expect(explained.outputs.map(({ name }) => name)).toEqual([
    'probabilities[0]',
    'probabilities[1]',
  ])
  const [carrier = 0, hour = 0, distance = 0] = explained.rows[0]?.values[1] ?? []
  expect(hour).toBeGreaterThan(0.3)
  expect(carrier).toBeGreaterThan(0.01)
  expect(Math.abs(distance)).toBeLessThan(hour)
  const base = explained.outputs[1]?.base ?? 0
  expect(base + carrier + hour + distance).toBeCloseTo(explained.rows[0]?.answers[1] ?? 0, 6)
})

test('rows that say what is usual come beside those that are explained', async () => {
  const row = { carrier: 'B6', hour: 20, distance: 900 }
  const background = [{ ...row, hour: 6 }, { ...row, hour: 7 }, row]
  const { explanations } = await ask('flights', { instances: [row], background })
  expect(explanations.background).toEqual({ rows: 3, from: 'request' })
  const [carrier, hour = 0] = explanations.rows[0]?.values[1] ?? []
  expect([carrier, hour > 0.3]).toEqual([0, true])
  for (const none of [[], 3]) {
    const refused = await ask('flights', { instances: [row], background: none })
    expect([refused.status, refused.error]).toEqual([400, expect.stringContaining("'background'")])
  }
})

test('the whole example beside a model says what is usual, not only the rows that it is tried with', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-example-'))
  const table = await tableOf('whole', { file: 'flights', example: FLIGHTS })
  const [only] = table.revisions
  invariant(only !== undefined, 'a table of the tests has one revision')
  const path = join(folder, 'model.onnx')
  await copyFile(only.files.path, path)
  const data = Array.from({ length: 30 }, (_, row) => ['AA', row % 24, 100 * row])
  await writeFile(
    join(folder, 'serving_input_example.json'),
    JSON.stringify({ dataframe_split: { columns: FLIGHTS.columns, data } }),
  )
  await plane.tell({ ...table, revisions: [{ ...only, files: { ...only.files, path } }] })
  const row = { carrier: 'B6', hour: 20, distance: 900 }
  const { explanations } = await ask('whole', { instances: [row] })
  expect(explanations.background).toEqual({ rows: 30, from: 'input example' })
})

test('trees behind joined inputs are explained by the trees, and a column that they ignore moves nothing', async () => {
  const answer = await ask('trees', { instances: [{ idle: 5, hour: 1.5, distance: 2 }] })
  expect(answer.explanations).toMatchObject({ method: 'trees', note: null, evaluations: 1 })
  const [idle, hour, distance] = answer.explanations.rows[0]?.values[0] ?? []
  expect(idle).toBe(0)
  expect(hour).toBeGreaterThan(0)
  expect(distance).toBeGreaterThan(0)
})

test('what cannot be explained is refused with what to do', async () => {
  const row = { text: 'a', whole: 1, single: 1, double: 1, flag: true }
  const refused = await ask('echo', { instances: [row] })
  expect(refused).toMatchObject({ status: 400, error: expect.stringContaining('input example') })
  expect(await ask('nobody', { instances: [row] })).toMatchObject({ status: 404 })
})

test('who asks why is counted as who asks for a prediction, and once where both are asked', async () => {
  const quota = { perSecond: 0.01, burst: 3, by: 'x-team' }
  const settings = { keep: 'pinned', unloaded: false, quota } as const
  await plane.tell(await tableOf('few', { file: 'flights', example: FLIGHTS, settings }))
  const instances = [{ carrier: 'B6', hour: 20, distance: 900 }]
  const inputs = [
    { name: 'carrier', datatype: 'BYTES', shape: [1], data: ['B6'] },
    { name: 'hour', datatype: 'FP32', shape: [1], data: [20] },
    { name: 'distance', datatype: 'FP32', shape: [1], data: [900] },
  ]
  const both = JSON.stringify({ inputs, parameters: { content_type: 'pd', explain: true } })
  const { port } = await plane.addresses()
  const statuses = async (team: string) => {
    const send = (path: string, body: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        body,
        headers: { 'x-team': team },
      })
    const why = JSON.stringify({ instances })
    const answers = [
      await send('/v1/models/few:explain', why),
      await send('/v2/models/few/infer', both),
      await send('/v1/models/few:explain', why),
      await send('/v1/models/few:explain', why),
    ]
    expect(answers.at(-1)?.headers.get('retry-after')).toMatch(/^\d+$/)
    return answers.map(({ status }) => status)
  }
  expect(await statuses('one')).toEqual([200, 200, 200, 429])
  expect(await statuses('other')).toEqual([200, 200, 200, 429])
})

test('the Open Inference Protocol tells why with the answer, over HTTP and gRPC', async () => {
  const tensor = (name: string, datatype: string, value: unknown) => ({
    name,
    datatype,
    shape: [1, 1],
    data: [value],
  })
  const inputs = [
    tensor('carrier', 'BYTES', 'B6'),
    tensor('hour', 'FP32', 20),
    tensor('distance', 'FP32', 900),
  ]
  const body = { id: 'why-1', parameters: { explain: true }, inputs }
  const { port, grpcPort } = await plane.addresses()
  const infer = (sent: object) =>
    fetch(`http://127.0.0.1:${port}/v2/models/flights/infer`, {
      method: 'POST',
      body: JSON.stringify(sent),
    })
  const answered = (await (await infer(body)).json()) as {
    outputs: { name: string; data: number[] }[]
    parameters: { prediction_id: string; explanation: string }
  }
  expect(answered.parameters.prediction_id).toBe('why-1')
  const why = JSON.parse(answered.parameters.explanation) as Explanation
  expect(why).toMatchObject({ columns: ['carrier', 'hour', 'distance'], revision: 1 })
  const late = answered.outputs.find(({ name }) => name === 'probabilities')?.data[1] ?? NaN
  expect(why.rows[0]?.answers[1]).toBeCloseTo(late, 6)
  const plain = (await (await infer({ inputs })).json()) as { parameters: object }
  expect(plain.parameters).not.toHaveProperty('explanation')
  const refused = await infer({ inputs, parameters: { explain: 'yes' } })
  expect([refused.status, await refused.text()]).toEqual([
    400,
    expect.stringContaining('it may be true or false'),
  ])
  const told = await explainedOverGrpc(grpcPort)
  expect(JSON.parse(told)).toMatchObject({ columns: why.columns, rows: why.rows })
})

test('an explanation that nobody waits for any more is ended in the other process', async () => {
  const gone = new AbortController()
  const asked = plane.explain('flights', {
    input: {
      form: 'rows',
      columns: FLIGHTS.columns,
      rows: Array.from({ length: 1000 }, () => ['AA', 9, 1]),
    },
    evaluationsMax: 2_000_000,
    signal: gone.signal,
  })
  setTimeout(() => gone.abort(), 100)
  await expect(asked).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringContaining('cancelled'),
  })
})

async function ask(
  model: string,
  body: unknown,
): Promise<{ status: number; error?: string; explanations: Explanation }> {
  const { port } = await plane.addresses()
  const answer = await fetch(`http://127.0.0.1:${port}/v1/models/${model}:explain`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  return { status: answer.status, ...((await answer.json()) as { explanations: Explanation }) }
}

/** The parameter `explanation` of an answer over gRPC. */
async function explainedOverGrpc(grpcPort: number): Promise<string> {
  const definitions = loadSync('open_inference.proto', {
    includeDirs: [join(import.meta.dirname, '../../src/protocols/open-inference')],
    keepCase: true,
  })
  const { inference } = loadPackageDefinition(definitions) as unknown as {
    inference: { GRPCInferenceService: new (address: string, how: unknown) => InferClient }
  }
  const client = new inference.GRPCInferenceService(
    `127.0.0.1:${grpcPort}`,
    credentials.createInsecure(),
  )
  const tensor = (name: string, datatype: string, contents: object) => ({
    name,
    datatype,
    shape: [1, 1],
    contents,
  })
  const request = {
    model_name: 'flights',
    parameters: { explain: { bool_param: true } },
    inputs: [
      tensor('carrier', 'BYTES', { bytes_contents: [Buffer.from('B6')] }),
      tensor('hour', 'FP32', { fp32_contents: [20] }),
      tensor('distance', 'FP32', { fp32_contents: [900] }),
    ],
  }
  const answer = await new Promise<InferAnswer>((resolve, reject) => {
    client.ModelInfer(request, (error, told) => (error === null ? resolve(told) : reject(error)))
  })
  client.close()
  return answer.parameters['explanation']?.string_param ?? ''
}

interface InferAnswer {
  readonly parameters: Readonly<Record<string, { readonly string_param?: string }>>
}

interface InferClient extends Client {
  ModelInfer(
    request: object,
    done: (error: ServiceError | null, answer: InferAnswer) => void,
  ): unknown
}
