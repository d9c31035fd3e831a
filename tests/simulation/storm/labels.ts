import type { Chance } from '../../support/random.ts'
import { sure, type Client } from '../kill/client.ts'
import { newMovingBook, type MovingBook, type Workload } from '../kill/workload.ts'

const API = '/api/2.0/mlflow'
/** They are only ever written together, so they are always alike. */
const TOGETHER = ['one', 'two', 'three'] as const
const LONE = ['owner', 'note', 'stage'] as const
const READY = 'LOGGED_MODEL_READY'

interface Pair {
  readonly key: string
  readonly value: string
}

interface ModelWire {
  readonly model: {
    readonly info: { readonly model_id: string; readonly status: string; readonly tags?: Pair[] }
    readonly data?: { readonly params?: Pair[] }
  }
}

interface ModelBook {
  readonly id: string
  readonly params: readonly Pair[]
  readonly ends: MovingBook<string>
}

interface Labelled {
  readonly run: string
  readonly tags: MovingBook<string>
  together: number
}

/** Clients that change the tags of runs, and log models. */
export function labelsWorkload(chance: Chance, { clients }: { clients: number }): Workload {
  const chances = Array.from({ length: clients }, () => chance.fork())
  const labelled: Labelled[] = []
  const models: ModelBook[] = []
  let fresh: ModelBook[] = []

  const check = async (client: Client, of: readonly ModelBook[]) => {
    const wrong: string[] = []
    for (const each of labelled) wrong.push(...(await wrongTags(client, each)))
    for (const each of of) wrong.push(...(await wrongModel(client, each)))
    return wrong
  }
  return {
    name: 'labels',
    prepare: async (client) => {
      for (const _ of chances) labelled.push(await newLabelled(client))
    },
    write: async (client, signal) => {
      fresh = []
      await Promise.all(
        chances.map(async (own, at) => {
          const mine = labelled[at] as Labelled
          while (!signal.aborted) {
            if (own.next() < 0.3) {
              const model = await logModel(client, own)
              if (model === undefined) return
              fresh.push(model)
              models.push(model)
              if (!(await endModel(client, model))) return
            } else if (!(await own.pick([setTag, deleteTag, setTogether])(client, mine, own)))
              return
          }
        }),
      )
    },
    settle: (client) => check(client, fresh),
    review: (client) => check(client, models),
    counts: () => ({
      'changes of tags': labelled.reduce((sum, { tags }) => sum + tags.moves(), 0),
      'logged models': models.length,
    }),
  }
}

async function newLabelled(client: Client): Promise<Labelled> {
  const created = await client.post<{ run: { info: { run_id: string } } }>(`${API}/runs/create`, {
    experiment_id: '0',
    start_time: Date.now(),
  })
  return { run: sure(created).run.info.run_id, tags: newMovingBook<string>(''), together: 0 }
}

async function setTag(client: Client, { run, tags }: Labelled, chance: Chance): Promise<boolean> {
  const [key, value] = [chance.pick(LONE), chance.word(12)]
  const { answered } = await client.post(`${API}/runs/set-tag`, { run_id: run, key, value })
  tags.enter(key, value, answered)
  return answered
}

/** Of a tag that is there for certain: deleting another is an error. */
async function deleteTag(client: Client, mine: Labelled, chance: Chance): Promise<boolean> {
  if (!(await setTag(client, mine, chance))) return false
  for (const key of LONE) {
    const { run, tags } = mine
    const set = await client.post(`${API}/runs/set-tag`, { run_id: run, key, value: 'here' })
    tags.enter(key, 'here', set.answered)
    if (!set.answered) return false
    const { answered } = await client.post(`${API}/runs/delete-tag`, { run_id: run, key })
    tags.enter(key, '', answered)
    if (!answered) return false
  }
  return true
}

async function setTogether(client: Client, mine: Labelled): Promise<boolean> {
  const value = String(++mine.together)
  const { answered } = await client.post(`${API}/runs/log-batch`, {
    run_id: mine.run,
    tags: TOGETHER.map((key) => ({ key, value })),
    params: [{ key: `p${value}`, value }],
    metrics: [{ key: 'together', value: mine.together, step: 0, timestamp: mine.together }],
  })
  for (const key of TOGETHER) mine.tags.enter(key, value, answered)
  return answered
}

async function wrongTags(client: Client, { run, tags }: Labelled): Promise<string[]> {
  const answer = await client.get<{
    run: { data: { tags?: Pair[]; params?: Pair[]; metrics?: { value: number }[] } }
  }>(`${API}/runs/get?run_id=${run}`)
  const { data } = sure(answer).run
  const kept = new Map((data.tags ?? []).map(({ key, value }) => [key, value]))
  // MLflow gives each run a name, which is a tag.
  kept.delete('mlflow.runName')
  const values = new Set([
    ...TOGETHER.map((key) => kept.get(key) ?? '0'),
    String(data.metrics?.[0]?.value ?? 0),
    String(Math.max(0, ...(data.params ?? []).map(({ value }) => Number(value)))),
  ])
  const half =
    values.size === 1 ? [] : [`run ${run}: a batch is there in part: ${[...values].join(', ')}`]
  return [...tags.differences(`run ${run} tag`, kept), ...half]
}

async function logModel(client: Client, chance: Chance): Promise<ModelBook | undefined> {
  const params = Array.from({ length: 5 }, (_, at) => ({ key: `k${at}`, value: chance.word(20) }))
  const body = { experiment_id: '0', name: `model-${chance.word(6)}`, params }
  const created = await client.post<ModelWire>(`${API}/logged-models`, body)
  if (!created.answered) return undefined
  const { model_id: id, status } = created.value.model.info
  const ends = newMovingBook<string>('')
  ends.enter('status', status, true)
  return { id, params, ends }
}

async function endModel(client: Client, { id, ends }: ModelBook): Promise<boolean> {
  const body = { model_id: id, status: READY }
  const { answered } = await client.patch(`${API}/logged-models/${id}`, body)
  ends.enter('status', READY, answered)
  return answered
}

async function wrongModel(client: Client, { id, params, ends }: ModelBook): Promise<string[]> {
  const { model } = sure(await client.get<ModelWire>(`${API}/logged-models/${id}`))
  const kept = (model.data?.params ?? []).toSorted((a, b) => (a.key < b.key ? -1 : 1))
  return [
    ...(JSON.stringify(kept) === JSON.stringify(params)
      ? []
      : [`logged model ${id} has the params ${JSON.stringify(kept)}`]),
    ...ends.differences(`logged model ${id}`, new Map([['status', model.info.status]])),
  ]
}
