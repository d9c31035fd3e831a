import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { pino } from 'pino'
import { predictFiles } from '#app/batch/index'
import { modelAt } from '#app/standalone/model-folder'
import { startStandalone } from '#app/standalone/index'
import { onnxRuntime } from '#runtimes/onnx/index'
import { FLIGHTS, writeModel } from '../tests/support/models.ts'
import { median, tell } from './figures.ts'

// Rows of a file: predicted as a batch, file to file, and by an endpoint of the same model that is asked for 64 and
// for 1024 of them at a time, over HTTP with two requests under way and nothing logged. By turns.

const ROWS = 500_000
const ASKED = 20_000
const ROUNDS = 3

const folder = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const model = join(folder, 'model')
await writeModel(FLIGHTS, model)
const logger = pino({ level: 'error' })
const runtime = onnxRuntime({ logger })
const duckdb = await (await DuckDBInstance.create(':memory:')).connect()
await duckdb.run(
  `copy (select (['AA', 'UA', 'B6'])[1 + i % 3] as carrier, cast(i % 24 as float) as hour,
     cast(i * 37 % 3000 as float) as distance from range(${ROWS}) t(i)) to '${join(folder, 'in.parquet')}'`,
)
const server = await startStandalone({
  models: [{ name: 'flights', path: model }],
  host: '127.0.0.1',
  port: 0,
  allowedHosts: '',
  logLevel: 'silent',
  timeoutMs: 10_000,
  bodyBytesMax: 64 * 1024 * 1024,
  drainMs: 1000,
  runtime: () => runtime,
})

async function batch(): Promise<number> {
  const beganMs = performance.now()
  await predictFiles(
    await modelAt(model, 'flights'),
    {
      input: join(folder, 'in.parquet'),
      output: join(folder, 'out.parquet'),
      onError: 'fail',
      split: false,
      restart: true,
      timeoutMs: 60_000,
    },
    {
      runtime,
      logger,
      memoryMb: 512,
      threads: 2,
      onTotal: () => undefined,
      onRows: () => undefined,
    },
  )
  return (ROWS / (performance.now() - beganMs)) * 1000
}

async function asked(size: number): Promise<number> {
  const columns = ['carrier', 'hour', 'distance']
  const data = Array.from({ length: size }, (_, i) => [
    ['AA', 'UA', 'B6'][i % 3],
    i % 24,
    (i * 37) % 3000,
  ])
  const request = { dataframe_split: { columns, data } }
  const beganMs = performance.now()
  let left = Math.ceil(ASKED / size)
  const caller = async () => {
    while (left-- > 0) {
      const answer = await fetch(`${server.url}/endpoints/flights/invocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      })
      if (!answer.ok) throw new Error(await answer.text())
      await answer.json()
    }
  }
  await Promise.all([caller(), caller()])
  return (ASKED / (performance.now() - beganMs)) * 1000
}

const found: Record<string, number[]> = { batch: [], 'asked 64': [], 'asked 1024': [] }
for (let round = 0; round < ROUNDS; round += 1) {
  found['batch']?.push(await batch())
  found['asked 64']?.push(await asked(64))
  found['asked 1024']?.push(await asked(1024))
}
await server.stop()
await rm(folder, { recursive: true, force: true })

for (const size of ['64', '1024'])
  tell({
    what: 'rows of a file, with the start of the model',
    unit: 'rows/s',
    orrery: median(found['batch'] ?? []),
    peer: median(found[`asked ${size}`] ?? []),
    peerName: `the endpoint, ${size} at a time`,
    better: 'higher',
  })
