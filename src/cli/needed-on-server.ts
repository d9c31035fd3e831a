import type { KeptElsewhere } from '#data'
import type { HoldWire } from '#protocols/api/retention-wire'
import { environment, loadConfig } from '#app/settings/config'
import { runningServer } from '#app/home/home'
import { apiClient, mlflowCall, serverUrl, type ApiClient } from './client.ts'

/** The server that a command of a project should ask: one that is named, or that runs on this machine. */
export async function serverAround(flags: {
  url?: string | undefined
  home?: string | undefined
}): Promise<string | undefined> {
  const isNamed =
    flags.url !== undefined ||
    flags.home !== undefined ||
    environment['ORRERY_URL'] !== undefined ||
    environment['MLFLOW_TRACKING_URI'] !== undefined
  if (isNamed) return serverUrl(flags)
  return (await runningServer(loadConfig({}).config.home))?.url
}

/** The data that came into registered models and into what is held, as the server's records say. */
export async function neededOnServer(url: string): Promise<KeptElsewhere[]> {
  const api = apiClient(url)
  const needed: KeptElsewhere[] = []
  for (const { kind, id, what } of [...(await versionsOn(url)), ...(await heldOn(api, url))])
    needed.push(...(await dataBehind(api, { kind, id, what })))
  return needed
}

interface Needing {
  readonly kind: 'run' | 'model-version'
  readonly id: string
  readonly what: string
}

async function versionsOn(url: string): Promise<Needing[]> {
  const found: Needing[] = []
  for (let token = ''; ;) {
    const page = await mlflowCall<{
      model_versions?: { name: string; version: string }[]
      next_page_token?: string
    }>(url, `model-versions/search?max_results=1000&page_token=${encodeURIComponent(token)}`)
    for (const { name, version } of page.model_versions ?? [])
      found.push({
        kind: 'model-version',
        id: `${name}/${version}`,
        what: `the model ${name}:${version}`,
      })
    token = page.next_page_token ?? ''
    if (token === '') return found
  }
}

/** Models need no look of their own: every version of each is asked about. */
async function heldOn(api: ApiClient, url: string): Promise<Needing[]> {
  const found: Needing[] = []
  for (let after: string | undefined; ;) {
    const page = await api.get<{ holds: HoldWire[]; next: string | null }>('/holds', {
      limit: 200,
      after,
    })
    for (const { id, kind, target } of page.holds) {
      const what = `the hold ${id}`
      if (kind === 'run') found.push({ kind, id: target, what })
      if (kind === 'experiment')
        for (const run of await runsOf(url, target)) found.push({ kind: 'run', id: run, what })
    }
    if (page.next === null) return found
    after = page.next
  }
}

async function runsOf(url: string, experiment: string): Promise<string[]> {
  const runs: string[] = []
  for (let token = ''; ;) {
    const page = await mlflowCall<{
      runs?: { info: { run_id: string } }[]
      next_page_token?: string
    }>(url, 'runs/search', { experiment_ids: [experiment], max_results: 1000, page_token: token })
    runs.push(...(page.runs ?? []).map(({ info }) => info.run_id))
    token = page.next_page_token ?? ''
    if (token === '') return runs
  }
}

/** A dataset version is named as `project/path@md5`. */
async function dataBehind(api: ApiClient, { kind, id, what }: Needing): Promise<KeptElsewhere[]> {
  const { chain } = await api.get<{ chain: { kind: string; id: string }[] }>('/lineage', {
    kind,
    id,
    direction: 'back',
  })
  return chain.flatMap((station) => {
    const named = /^[^/]+\/(.*)@([0-9a-f]{32}(?:\.dir)?)$/s.exec(station.id)
    if (station.kind !== 'dataset-version' || named === null) return []
    const [, path = '', md5 = ''] = named
    // The server does not record which of DVC's two ways of hashing it was.
    return [false, true].map((legacy) => ({ object: { md5, legacy }, path, what }))
  })
}
