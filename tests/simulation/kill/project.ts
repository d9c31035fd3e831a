import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FLIGHTS, writeModel } from '../../support/models.ts'

export const PROJECT = 'killed-loop'
export const MODEL = 'killed-loop'
export const ENDPOINT = 'killed-loop'

const CONFIG = `project: ${PROJECT}
models:
  ${MODEL}:
    from: train
    aliases:
      champion: { protected: true }
    checks:
      - signature: required
endpoints:
  ${ENDPOINT}:
    model: models:/${MODEL}@champion
    monitor:
      window: { size: 1h, by: at }
      key: id
      label: late
      settle: 0s
      min_samples: 10
      # Labels are told by chance here, so that every window is a bad one.
      performance: { metric: roc_auc, min: 0.99, persistence: { windows: 1, of: 1 } }
policies:
  keep-fresh:
    on: [performance: ${ENDPOINT}]
    run: train
    cooldown: 4h
    then: promote ${MODEL}@champion
`

/** Registers the model that lies beside it, in as many requests as a real client would. */
const TRAIN = `import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const { MLFLOW_TRACKING_URI: url, MLFLOW_RUN_ID: run } = process.env
const send = async (method, path, body) => {
  const json = !Buffer.isBuffer(body)
  const answer = await fetch(url + path, {
    method,
    body: json ? JSON.stringify(body) : body,
    headers: json ? { 'content-type': 'application/json' } : {},
  })
  if (!answer.ok) throw new Error(path + ' was answered with ' + answer.status + ': ' + await answer.text())
  return answer
}
const API = '/api/2.0/mlflow'
const { run: { info } } = await (await fetch(url + API + '/runs/get?run_id=' + run)).json()
const folder = info.artifact_uri.replace(/^mlflow-artifacts:\\/*/, '') + '/model'
for (let step = 0; step < 6; step++) {
  await send('POST', API + '/runs/log-metric', { run_id: run, key: 'loss', value: 1 / (step + 1), step, timestamp: Date.now() })
  await sleep(30)
}
for (const file of ['model.onnx', 'MLmodel'])
  await send('PUT', '/api/2.0/mlflow-artifacts/artifacts/' + folder + '/' + file, await readFile('model/' + file))
await send('POST', API + '/model-versions/create', { name: '${MODEL}', source: info.artifact_uri + '/model', run_id: run })
await sleep(100)
await writeFile('trained.txt', run)
`

/** A Git repository with a pipeline of two stages that needs nothing but a shell and Node. */
export async function writeProject(folder: string): Promise<void> {
  const store = `${folder}.store`
  await mkdir(store, { recursive: true })
  await writeModel(FLIGHTS, join(folder, 'model'))
  await mkdir(join(folder, '.dvc'), { recursive: true })
  await writeFile(
    join(folder, '.dvc', 'config'),
    `[core]\n    remote = store\n['remote "store"']\n    url = ${store}\n`,
  )
  await writeFile(join(folder, 'orrery.yaml'), CONFIG)
  await writeFile(join(folder, 'train.mjs'), TRAIN)
  await writeFile(
    join(folder, 'dvc.yaml'),
    `stages:
  prepare:
    cmd: date +%s%N > prepared.txt
    always_changed: true
    outs:
      - prepared.txt
  train:
    cmd: '"${process.execPath}" train.mjs'
    deps:
      - model
      - prepared.txt
      - train.mjs
    outs:
      - trained.txt
`,
  )
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...args], {
      cwd: folder,
    })
  git('init', '--quiet', '--initial-branch=main')
  git('add', '.')
  git('commit', '--quiet', '--message', 'The project')
}
