import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pythonBin } from '../tests/support/python.ts'
import { quantile, tell } from './figures.ts'
import { httpClient, type HttpClient } from './http-client.ts'
import { runToEnd, startMlflowModel, startOrrery, type Contender } from './peers.ts'
import { serveModel } from './served-model.ts'

// One row at a time over one kept connection, the same ONNX model and the same request to both: ours writes each
// prediction to its durable log before it answers, the peer keeps nothing. By turns, in slices.

const SLICE = 100
const SLICES = 8
const NAME = 'bench'
const COLUMNS = Array.from({ length: 10 }, (_, n) => `x${n}`)

const MAKE_MODEL = `
import sys
import mlflow
import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

random = np.random.default_rng(7)
columns = [f"x{n}" for n in range(10)]
rows = pd.DataFrame(random.normal(0, 1, (2000, 10)).astype(np.float32), columns=columns)
model = GradientBoostingRegressor(n_estimators=100).fit(rows, rows.sum(axis=1) + rows["x0"] ** 2)
made = to_onnx(model, initial_types=[("X", FloatTensorType([None, 10]))])
signature = mlflow.models.infer_signature(rows, model.predict(rows))
mlflow.onnx.save_model(made, sys.argv[1], signature=signature)
`

interface Measured {
  readonly client: HttpClient
  readonly path: string
  readonly timesMs: number[]
}

async function slice({ client, path, timesMs }: Measured, isCounted: boolean): Promise<void> {
  for (let n = 0; n < SLICE; n++) {
    const data = [COLUMNS.map((_, column) => ((n * 7 + column * 3) % 17) / 5 - 1.5)]
    const body = JSON.stringify({ dataframe_split: { columns: COLUMNS, data } })
    const beganMs = performance.now()
    await client.post(path, body)
    if (isCounted) timesMs.push(performance.now() - beganMs)
  }
}

/** What the disk alone takes to keep 4 KiB, in the middle of many times. */
function syncMs(folder: string): number {
  const file = openSync(join(folder, 'sync'), 'w')
  const times = Array.from({ length: 100 }, () => {
    writeSync(file, Buffer.alloc(4096))
    const beganMs = performance.now()
    fdatasyncSync(file)
    return performance.now() - beganMs
  })
  closeSync(file)
  return quantile(times, 0.5)
}

const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const servers: Contender[] = []
try {
  const model = join(home, 'model')
  await runToEnd(join(pythonBin(), 'python'), ['-c', MAKE_MODEL, model], { folder: home })
  const orrery = await startOrrery(join(home, 'orrery'))
  servers.push(orrery)
  const project = join(home, 'project')
  await serveModel(orrery, model, { project, name: NAME, endpoints: { [NAME]: '' } })
  const mlflow = await startMlflowModel(model, home)
  servers.push(mlflow)
  const ours: Measured = {
    client: httpClient(orrery.url),
    path: `/endpoints/${NAME}/invocations`,
    timesMs: [],
  }
  const theirs: Measured = { client: httpClient(mlflow.url), path: '/invocations', timesMs: [] }
  for (let turn = 0; turn <= SLICES; turn++)
    // The first turn warms both up.
    for (const each of [ours, theirs]) await slice(each, turn > 0)
  for (const [share, name] of [
    [0.5, 'median'],
    [0.99, 'p99'],
  ] as const)
    tell({
      what: `one-row prediction, ${name}`,
      unit: 'ms',
      orrery: quantile(ours.timesMs, share),
      peer: quantile(theirs.timesMs, share),
      peerName: 'mlflow models serve',
      better: 'lower',
    })
  for (const { client } of [ours, theirs]) client.close()
  console.log(`of ours, one sync of this disk: ${syncMs(home).toPrecision(3)} ms (median)`)
} finally {
  for (const server of servers) await server.stop()
  await rm(home, { recursive: true, force: true })
}
