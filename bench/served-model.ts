import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from './peers.ts'

/** Registers a model's files, as often as there are to be versions, and declares endpoints, as YAML below their names, that serve them; waits until they do. */
export async function serveModel(
  server: Pick<Contender, 'url' | 'family'>,
  model: string,
  declared: {
    project: string
    name: string
    endpoints: Readonly<Record<string, string>>
    versions?: number
  },
): Promise<void> {
  const { project, name, endpoints, versions = 1 } = declared
  const send = sender(server.url)
  const api = '/api/2.0/mlflow'
  const begun = { experiment_id: '0', start_time: Date.now() }
  const { run } = (await send('POST', `${api}/runs/create`, begun)) as {
    run: { info: { run_id: string; artifact_uri: string } }
  }
  const source = `${run.info.artifact_uri}/model`
  const files = `/api/2.0/mlflow-artifacts/artifacts/${source.replace(/^mlflow-artifacts:\/*/, '')}`
  for (const file of await readdir(model))
    await send('PUT', `${files}/${file}`, await readFile(join(model, file)))
  await send('POST', `${api}/registered-models/create`, { name })
  const version = { name, source, run_id: run.info.run_id }
  for (let created = 0; created < versions; created++)
    await send('POST', `${api}/model-versions/create`, version)
  await writeProject(project, { name, endpoints })
  await send('POST', '/api/v1/projects', { origin: project })
  for (const endpoint of Object.keys(endpoints)) await ready(server, endpoint)
}

function sender(url: string) {
  return async (method: string, path: string, body: Buffer | object): Promise<unknown> => {
    const isBytes = Buffer.isBuffer(body)
    const answer = await fetch(`${url}${path}`, {
      method,
      body: isBytes ? new Uint8Array(body) : JSON.stringify(body),
      headers: isBytes ? {} : { 'content-type': 'application/json' },
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${text}`)
    return JSON.parse(text === '' ? 'null' : text) as unknown
  }
}

async function writeProject(
  folder: string,
  { name, endpoints }: { name: string; endpoints: Readonly<Record<string, string>> },
): Promise<void> {
  await mkdir(folder)
  const lines = Object.entries(endpoints).map(
    ([endpoint, more]) => `  ${endpoint}:\n    model: models:/${name}/1\n${more}`,
  )
  await writeFile(join(folder, 'orrery.yaml'), `project: ${name}\nendpoints:\n${lines.join('')}`)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Bench', '-c', 'user.email=bench@localhost', ...args], {
      cwd: folder,
    })
  git('init', '--quiet')
  git('add', '.')
  git('commit', '--quiet', '--message', 'Endpoints')
}

async function ready(server: Pick<Contender, 'url' | 'family'>, endpoint: string): Promise<void> {
  for (let look = 0; look < 600; look++) {
    const answer = await fetch(`${server.url}/endpoints/${endpoint}/ping`)
    if (answer.ok) return
    await sleep(50)
  }
  throw new Error(`the endpoint was not ready in 30 s:\n${server.family.log()}`)
}
