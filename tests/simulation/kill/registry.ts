import type { Chance } from '../../support/random.ts'
import { sure, type Client } from './client.ts'
import { newMovingBook, type Workload } from './workload.ts'

const API = '/api/2.0/mlflow'
const MODEL = 'killed-model'
const ALIASES = ['candidate', 'favourite'] as const
const MLMODEL = 'flavors:\n  python_function:\n    loader_module: none\nmodel_uuid: 1\n'

/** Clients that register versions of one model, and each moves aliases of its own. */
export function registryWorkload(chance: Chance, { clients = 1 } = {}): Workload {
  const chances = Array.from({ length: clients }, () => chance.fork())
  const versions = new Set<number>()
  let doubtfulVersions = 0
  const aliases = newMovingBook<number>(0)
  let source = ''
  let run = ''

  const register = async (client: Client) => {
    const body = { name: MODEL, source, run_id: run }
    const created = await client.post<{ model_version: { version: string } }>(
      `${API}/model-versions/create`,
      body,
    )
    if (!created.answered) doubtfulVersions += 1
    else versions.add(Number(created.value.model_version.version))
    return created.answered
  }
  const move = async (client: Client, own: Chance, at: number) => {
    const alias = `${own.pick(ALIASES)}-${at}`
    const version = own.pick([...versions])
    const body = { name: MODEL, alias, version: String(version) }
    const { answered } = await client.post(`${API}/registered-models/alias`, body)
    aliases.enter(alias, version, answered)
    return answered
  }
  const check = async (client: Client) => {
    const found = await versionsOf(client)
    const there = new Set(found)
    const wrong = [...versions]
      .filter((version) => !there.has(version))
      .map((version) => `version ${version} was acknowledged and is lost`)
    if (found.length > versions.size + doubtfulVersions)
      wrong.push(
        `${found.length} versions are there, at most ${versions.size + doubtfulVersions} were made`,
      )
    if (there.size !== found.length) wrong.push('two versions have one number')
    wrong.push(...aliases.differences('alias', await aliasesOf(client)))
    return wrong
  }

  return {
    name: 'registry',
    prepare: async (client) => {
      ;({ run, source } = await modelFiles(client))
      sure(await client.post(`${API}/registered-models/create`, { name: MODEL }))
      await register(client)
    },
    write: async (client, signal) => {
      await Promise.all(
        chances.map(async (own, at) => {
          while (!signal.aborted)
            if (!(await (own.next() < 0.5 ? register(client) : move(client, own, at)))) return
        }),
      )
    },
    settle: check,
    review: check,
    counts: () => ({ versions: versions.size, 'alias moves': aliases.moves() }),
  }
}

/** A run with the files of a model. */
async function modelFiles(client: Client): Promise<{ run: string; source: string }> {
  const body = { experiment_id: '0', start_time: Date.now() }
  const created = await client.post<{ run: { info: { run_id: string; artifact_uri: string } } }>(
    `${API}/runs/create`,
    body,
  )
  const { run_id: run, artifact_uri } = sure(created).run.info
  const source = `${artifact_uri}/model`
  const path = source.replace(/^mlflow-artifacts:\/*/, '')
  const file = `/api/2.0/mlflow-artifacts/artifacts/${path}/MLmodel`
  sure(await client.put(file, Buffer.from(MLMODEL)))
  return { run, source }
}

async function versionsOf(client: Client): Promise<number[]> {
  const found: number[] = []
  let token = ''
  do {
    const page = sure(
      await client.get<{ model_versions?: { version: string }[]; next_page_token?: string }>(
        `${API}/model-versions/search?filter=${encodeURIComponent(`name='${MODEL}'`)}&max_results=1000&page_token=${token}`,
      ),
    )
    found.push(...(page.model_versions ?? []).map(({ version }) => Number(version)))
    token = encodeURIComponent(page.next_page_token ?? '')
  } while (token !== '')
  return found
}

async function aliasesOf(client: Client): Promise<Map<string, number>> {
  const { registered_model } = sure(
    await client.get<{ registered_model: { aliases?: { alias: string; version: string }[] } }>(
      `${API}/registered-models/get?name=${MODEL}`,
    ),
  )
  return new Map(
    (registered_model.aliases ?? []).map(({ alias, version }) => [alias, Number(version)]),
  )
}
