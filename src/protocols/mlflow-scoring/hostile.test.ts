import Fastify from 'fastify'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Inference, PredictionRequest } from '#inference'
import { mlflowScoringProtocol } from './index.ts'

/** Answers with what it was asked, as far as it got. */
async function asking(body: string | Buffer, headers: Record<string, string> = {}) {
  let asked: PredictionRequest | undefined
  const http = Fastify({ bodyLimit: 1024 * 1024 * 32 })
  const inference = {
    predict: async (_: string, request: PredictionRequest) => {
      asked = request
      return { batch: 'b', revision: 1, modelVersion: 'm/1', rows: 0, outputs: [], form: 'frame' }
    },
  } as unknown as Inference
  await http.register((app) => mlflowScoringProtocol(app, { inference }))
  const answer = await http.inject({
    method: 'POST',
    url: '/m/invocations',
    headers: { 'content-type': 'application/json', ...headers },
    payload: body,
  })
  await http.close()
  return { status: answer.statusCode, body: answer.body, asked }
}

test.each([
  ['lists in lists without end', '['.repeat(500_000)],
  ['a value nested too deep', `{"inputs":[${'['.repeat(60)}1${']'.repeat(60)}]}`],
  [
    'dictionaries nested too deep',
    `{"inputs":[[${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}]]}`,
  ],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ['half of a surrogate pair', '{"dataframe_records":[{"a":"\\ud800"}]}'],
])('%s is refused', async (_, body) => {
  expect((await asking(body)).status).toBe(400)
})

test('records whose keys all differ are refused before they multiply', async () => {
  const records = Array.from({ length: 2000 }, (_, index) => ({ [`k${index}`]: 1 }))
  const refused = await asking(JSON.stringify({ dataframe_records: records }))
  expect([refused.status, refused.body]).toEqual([400, expect.stringContaining('the same keys')])
})

test('a million columns are only read', async () => {
  const columns = Array.from({ length: 1_000_000 }, (_, index) => String(index))
  const body = JSON.stringify({ dataframe_split: { columns, data: [columns.map(() => 0)] } })
  const { status, asked } = await asking(body)
  expect([status, asked?.input.form]).toEqual([200, 'rows'])
})

test('names of prototypes are names of columns, and of keys written twice the last one counts', async () => {
  const body = '{"dataframe_records":[{"__proto__":1,"constructor":2,"a":3,"a":4}]}'
  const { asked } = await asking(body)
  expect(asked?.input).toMatchObject({
    columns: ['__proto__', 'constructor', 'a'],
    rows: [[1, 2, 4]],
  })
  expect((await asking('{"__proto__":{"inputs":[1]}}')).status).toBe(400)
})

test('a body that inflates beyond the limit is refused', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '))
  expect((await asking(bomb, { 'content-encoding': 'gzip' })).status).toBe(400)
  const small = gzipSync('{"inputs":[[1]]}')
  expect((await asking(small, { 'content-encoding': 'gzip' })).status).toBe(200)
  expect((await asking('{}', { 'content-encoding': 'br' })).status).toBe(415)
  expect((await asking('{}', { 'content-encoding': 'constructor' })).status).toBe(415)
})

test('Parquet that is none, cut off or says more than it has is refused', async () => {
  const type = { 'content-type': 'application/vnd.apache.parquet' }
  const huge = Buffer.concat([
    Buffer.from('PAR1'),
    Buffer.alloc(64, 0xff),
    Buffer.from([0xff, 0xff, 0xff, 0x7f]),
    Buffer.from('PAR1'),
  ])
  for (const body of ['', 'PAR1', 'PAR1PAR1', huge])
    expect((await asking(body, type)).status).toBe(400)
})
