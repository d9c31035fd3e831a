import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { loadConfig } from '#app/settings/config'
import { startServer, type Server } from '#app/server'
import { sha256 } from '#base/digest'
import { runCommand } from '../support/command.ts'
import { runPython } from '../support/python.ts'

vi.setConfig({ testTimeout: 120_000 })

const DAY_MS = 86_400_000
const undo: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

/** A server whose clock jumps days when told to. */
async function orrery(): Promise<{ server: Server; home: string; pass(days: number): void }> {
  const home = await mkdtemp(join(tmpdir(), 'orrery-home-'))
  let shiftMs = 0
  const { config } = loadConfig({ port: 0, logLevel: 'silent', home }, {})
  const server = await startServer(config, {
    logger: pino({ level: 'silent' }),
    clock: { nowMs: () => Date.now() + shiftMs },
  })
  undo.push(async () => {
    await server.stop()
    await rm(home, { recursive: true, force: true })
  })
  return { server, home, pass: (days) => void (shiftMs += days * DAY_MS) }
}

const LOG = `
import json, mlflow
from mlflow import MlflowClient
client = MlflowClient()
experiment = client.create_experiment("going")
mlflow.set_experiment("going")
with mlflow.start_run() as run:
    mlflow.log_metric("auc", 0.7)
    mlflow.log_param("depth", 3)
    mlflow.log_text("only mine", "model/weights.txt")
client.create_registered_model("late")
client.create_model_version("late", f"{run.info.artifact_uri}/model", run.info.run_id)
client.delete_registered_model("late")
client.delete_run(run.info.run_id)
print(json.dumps({"run": run.info.run_id, "experiment": experiment}))
`

const LOOK = `
import json, os, mlflow
from mlflow import MlflowClient
client = MlflowClient()
def refused(call, *arguments):
    try:
        call(*arguments)
        return "found"
    except mlflow.exceptions.MlflowException as error:
        return error.error_code
run = os.environ["RUN"]
print(json.dumps([
    refused(client.get_run, run),
    refused(client.restore_run, run),
    refused(client.list_artifacts, run),
    len(client.get_metric_history(run, "auc")),
    refused(client.get_model_version, "late", "1"),
]))
`

test('what an mlflow client deletes comes back by the command line, and is gone for clients once purged', async () => {
  const { server, home, pass } = await orrery()
  const { url } = server
  const orreryCommand = async (...args: string[]) => {
    const { out, err } = await runCommand(home, [...args, '--url', url, '--json'])
    expect(err).toBe('')
    return JSON.parse(out) as never
  }
  const environment = { MLFLOW_TRACKING_URI: url, MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0' }
  const { run } = (await runPython(LOG, environment)) as { run: string }
  const object = join(
    home,
    'objects',
    sha256('only mine').slice(0, 2),
    sha256('only mine').slice(2),
  )

  const { items } = (await orreryCommand('trash', 'list')) as {
    items: { kind: string; id: string; files: number }[]
  }
  expect(items).toMatchObject([
    { kind: 'run', id: run, files: 1 },
    { kind: 'registered-model', id: 'late', files: 1 },
  ])
  await orreryCommand('trash', 'restore', 'run', run)
  await orreryCommand('trash', 'restore', 'model', 'late')
  const kept = await fetch(`${url}/api/2.0/mlflow/model-versions/get?name=late&version=1`)
  expect(kept.status).toBe(200)

  const preview = (await orreryCommand('delete', 'run', run, '--preview')) as {
    things: { obstacles: { blocks: string; todo: string }[] }[]
    freedBytes: number
  }
  expect(preview.things[0]?.obstacles[0]).toMatchObject({
    blocks: 'purge',
    todo: expect.stringContaining('orrery delete version late/1'),
  })
  await orreryCommand('delete', 'run', run, '--yes')
  await orreryCommand('delete', 'model', 'late', '--yes')
  pass(31)
  const swept = (await orreryCommand('gc')) as { items: number; bytes: number }
  expect(swept).toMatchObject({ items: 2, bytes: 'only mine'.length })
  await expect(stat(object)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await runPython(LOOK, { ...environment, RUN: run })).toEqual([
    'RESOURCE_DOES_NOT_EXIST',
    'RESOURCE_DOES_NOT_EXIST',
    'RESOURCE_DOES_NOT_EXIST',
    0,
    'RESOURCE_DOES_NOT_EXIST',
  ])

  // The ledger still tells of it, and that nothing of the ledger changed can be proved.
  const verified = await runCommand(home, ['audit', 'verify', '--home', home])
  expect(verified).toMatchObject({ code: 0, err: '' })
  const walked = (await (
    await fetch(`${url}/api/v1/lineage?kind=model-version&id=late%2F1`)
  ).json()) as { chain: { kind: string; purged?: { by: string } }[] }
  expect(walked.chain).toMatchObject([
    { kind: 'model-version', purged: { by: 'retention' } },
    { kind: 'run', purged: { by: 'retention' } },
  ])
})
