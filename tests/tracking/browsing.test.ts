import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FoldersWire } from '#protocols/api/folders-wire'
import type {
  ColumnsWire,
  FacetsWire,
  RunsWire,
  SeriesWire,
  TreeWire,
} from '#protocols/api/runs-wire'
import type { ViewWire, ViewsWire } from '#protocols/api/views-wire'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
const ids: Record<string, string> = {}

interface Answer<Body> {
  readonly status: number
  readonly body: Body & { detail?: string }
  readonly headers: Headers
}

async function ask<Body>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<Body>> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return {
    status: answer.status,
    body: JSON.parse(text) as Body & { detail?: string },
    headers: answer.headers,
  }
}

const api = <Body>(method: string, path: string, body?: unknown, headers = {}) =>
  ask<Body>(method, `/api/v1${path}`, body, headers)

async function mlflow<Body = Record<string, never>>(path: string, body: unknown, headers = {}) {
  const method = path.endsWith('alias') || !path.includes('delete') ? 'POST' : 'DELETE'
  const answer = await ask<Body>(method, `/api/2.0/mlflow/${path}`, body, headers)
  expect([path, answer.status, answer.status === 200 ? '' : answer.body]).toEqual([path, 200, ''])
  return answer.body
}

async function experiment(name: string): Promise<string> {
  const { experiment_id } = await mlflow<{ experiment_id: string }>('experiments/create', { name })
  ids[name] = experiment_id
  return experiment_id
}

async function run(
  name: string,
  of: {
    experiment: string
    start: number
    params?: Record<string, string>
    metrics?: Record<string, number | 'NaN'>
    tags?: Record<string, string>
    parent?: string
  },
): Promise<void> {
  const pairs = (from: Record<string, unknown> = {}) =>
    Object.entries(from).map(([key, value]) => ({ key, value }))
  const parent = of.parent === undefined ? {} : { 'mlflow.parentRunId': ids[of.parent] }
  const created = await mlflow<{ run: { info: { run_id: string } } }>('runs/create', {
    experiment_id: ids[of.experiment],
    run_name: name,
    start_time: of.start,
    user_id: of.start % 2 === 0 ? 'ada' : 'bob',
    tags: pairs({ ...of.tags, ...parent }),
  })
  ids[name] = created.run.info.run_id
  await mlflow('runs/log-batch', {
    run_id: ids[name],
    params: pairs(of.params),
    metrics: pairs(of.metrics).map((metric) => Object.assign({ timestamp: 1000, step: 0 }, metric)),
  })
}

beforeAll(async () => {
  server = await startTestServer()
  for (const name of ['air/late/one', 'air/late/two', 'air/fuel', 'sea', '/Shared/ada/x'])
    await experiment(name)
  await run('r1', {
    experiment: 'air/late/one',
    start: 1,
    params: { lr: '0.1' },
    metrics: { auc: 0.7 },
    tags: { team: 'a' },
  })
  await run('r2', {
    experiment: 'air/late/one',
    start: 2,
    params: { lr: '0.2' },
    metrics: { auc: 0.9 },
  })
  await run('r3', {
    experiment: 'air/late/two',
    start: 3,
    params: { lr: '0.1' },
    metrics: { auc: 'NaN' },
  })
  await run('r4', { experiment: 'air/fuel', start: 4, metrics: { auc: 0.8 } })
  await run('r5', { experiment: 'sea', start: 5, params: { lr: '0.1' } })
  await run('child', { experiment: 'air/fuel', start: 6, parent: 'r4' })
  await run('second', { experiment: 'air/fuel', start: 7, parent: 'r4' })
  await run('grandchild', { experiment: 'sea', start: 8, parent: 'child' })
})
afterAll(() => server.stop())

const names = async (body: unknown) => {
  const { status, body: found } = await api<RunsWire>('POST', '/runs/search', body)
  expect([status, found.detail]).toEqual([200, undefined])
  return found.runs.map(({ values }) => values[0])
}

test('folders list what is directly in them, with how many experiments are below', async () => {
  const top = (await api<FoldersWire>('GET', '/experiments')).body
  expect(top.folders).toEqual([
    { folder: '/Shared', experiments: 1 },
    { folder: 'air', experiments: 3 },
  ])
  expect(top.experiments.map(({ name, runs }) => [name, runs])).toEqual([
    ['Default', 0],
    ['sea', 2],
  ])
  const air = (await api<FoldersWire>('GET', '/experiments?folder=air')).body
  expect(air.folders).toEqual([{ folder: 'air/late', experiments: 2 }])
  expect(air.experiments.map(({ name }) => name)).toEqual(['air/fuel'])
  const users = (await api<FoldersWire>('GET', '/experiments?folder=/Shared/ada')).body
  expect(users.experiments.map(({ name }) => name)).toEqual(['/Shared/ada/x'])
  const found = (await api<FoldersWire>('GET', '/experiments?search=LATE&limit=1')).body
  expect([found.experiments.map(({ name }) => name), found.next]).toEqual([
    ['air/late/one'],
    'air/late/one',
  ])
  const next = (
    await api<FoldersWire>('GET', '/experiments?search=LATE&limit=1&after=air/late/one')
  ).body
  expect([next.experiments.map(({ name }) => name), next.next]).toEqual([['air/late/two'], null])
  const one = (await api<FoldersWire>('GET', '/experiments?limit=1')).body
  expect([one.nextFolder, one.next]).toEqual(['/Shared', 'Default'])
  const two = (
    await api<FoldersWire>('GET', '/experiments?limit=1&afterFolder=/Shared&after=Default')
  ).body
  expect([two.folders[0]?.folder, two.nextFolder, two.experiments[0]?.name]).toEqual([
    'air',
    null,
    'sea',
  ])
})

test('one search goes through the runs of a folder, in any order, page by page', async () => {
  const columns = ['attributes.run_name']
  expect(await names({ folder: 'air', columns, orderBy: ['metrics.auc DESC'] })).toEqual([
    'r2',
    'r4',
    'r1',
    'r3',
    'second',
    'child',
  ])
  expect(await names({ folder: 'air/late', columns, filter: "params.lr = '0.1'" })).toEqual([
    'r3',
    'r1',
  ])
  expect(
    await names({ experimentIds: [ids['sea'], ids['air/fuel']], columns, nested: true }),
  ).toEqual(['r5', 'r4'])
  const seen: unknown[] = []
  for (let pageToken: string | null = ''; pageToken !== null;) {
    const page: Answer<RunsWire> = await api('POST', '/runs/search', {
      columns,
      orderBy: ['params.lr', 'metrics.auc'],
      limit: 3,
      pageToken,
    })
    seen.push(...page.body.runs.map(({ values }) => values[0]))
    pageToken = page.body.next
  }
  expect(seen).toEqual(['r1', 'r3', 'r5', 'r2', 'r4', 'grandchild', 'second', 'child'])
})

test('a search gives only the columns that were asked for, in their order', async () => {
  const columns = [
    'metrics.auc',
    'params.lr',
    'tags.team',
    'attributes.experiment_name',
    'attributes.child_count',
    'attributes.parent_run_id',
    'attributes.experiment_id',
    'attributes.user_id',
  ]
  const { body } = await api<RunsWire>('POST', '/runs/search', {
    columns,
    orderBy: ['attributes.start_time ASC'],
  })
  expect(body.columns).toEqual(columns)
  const rows = Object.fromEntries(body.runs.map(({ runId, values }) => [runId, values]))
  expect(rows[ids['r1'] ?? '']).toEqual([
    0.7,
    '0.1',
    'a',
    'air/late/one',
    0,
    null,
    ids['air/late/one'],
    'bob',
  ])
  expect(rows[ids['r3'] ?? '']?.slice(0, 2)).toEqual(['NaN', '0.1'])
  expect(rows[ids['r4'] ?? '']?.slice(4, 6)).toEqual([2, null])
  expect(rows[ids['child'] ?? '']?.slice(4, 6)).toEqual([1, ids['r4']])
})

test.each([
  [{ filter: 'metrics.auc >' }, /a value has to follow/],
  [{ filter: "foo = 'x'" }, /does not know/],
  [{ columns: ['auc'] }, /metrics\.KEY/],
  [{ columns: ['attributes.sql'] }, /run_name/],
  [{ orderBy: ['x; drop table runs'] }, /Invalid|order/],
  [{ pageToken: 'x' }, /page token/],
  [{ folder: 'a', experimentIds: ['1'] }, /both/],
  [{ limit: 5000 }, /limit/],
])('a search that is wrong says where: %j', async (body, words) => {
  const answer = await api('POST', '/runs/search', body)
  expect([answer.status, answer.body.detail]).toEqual([400, expect.stringMatching(words)])
})

test('facets count values, and tell the range of metrics', async () => {
  const { body } = await api<FacetsWire>('POST', '/runs/facets', {
    folder: '',
    keys: [
      'params.lr',
      'attributes.user_id',
      'metrics.auc',
      'attributes.experiment_name',
      'metrics.none',
    ],
    limit: 2,
  })
  expect(body.runs).toBe(8)
  expect(body.facets[0]).toEqual({
    key: 'params.lr',
    of: 'values',
    values: [
      { value: '0.1', runs: 3 },
      { value: '0.2', runs: 1 },
    ],
    distinct: 2,
    missing: 4,
  })
  expect(body.facets[1]).toMatchObject({
    values: [
      { value: 'ada', runs: 4 },
      { value: 'bob', runs: 4 },
    ],
  })
  expect(body.facets[2]).toMatchObject({ of: 'range', min: 0.7, max: 0.9, nan: 1, missing: 4 })
  const bins = body.facets[2]?.of === 'range' ? body.facets[2].bins : []
  expect(bins.reduce((sum, { runs }) => sum + runs, 0)).toBe(3)
  expect([bins[0]?.runs, bins.at(-1)?.runs]).toEqual([1, 1])
  expect(body.facets[3]).toMatchObject({ distinct: 4 })
  expect(body.facets[4]).toEqual({
    key: 'metrics.none',
    of: 'range',
    min: null,
    max: null,
    nan: 0,
    missing: 8,
    bins: [],
  })
  const columns = (await api<ColumnsWire>('POST', '/runs/columns', { folder: 'air' })).body
  expect(columns.metrics.keys).toEqual([{ key: 'auc', runs: 4 }])
  expect(columns.tags.keys).toContainEqual({ key: 'team', runs: 1 })
})

test('a tree tells the runs above and below, branch by branch, and survives cycles', async () => {
  const tree = (await api<TreeWire>('GET', `/runs/${ids['r4']}/tree?depth=9`)).body
  expect(tree.nodes.map(({ values, depth, children }) => [values[0], depth, children])).toEqual([
    ['r4', 0, 2],
    ['child', 1, 1],
    ['grandchild', 2, 0],
    ['second', 1, 0],
  ])
  const below = (await api<TreeWire>('GET', `/runs/${ids['grandchild']}/tree`)).body
  expect(below.ancestors.map(({ values }) => values[0])).toEqual(['r4', 'child'])
  const first = (await api<TreeWire>('GET', `/runs/${ids['r4']}/tree?limit=1`)).body
  expect(first.nodes.map(({ values }) => values[0])).toEqual(['r4', 'child'])
  const rest = (
    await api<TreeWire>('GET', `/runs/${ids['r4']}/tree?limit=1&page=${first.nodes[0]?.next}`)
  ).body
  expect([rest.nodes.map(({ values }) => values[0]), rest.nodes[0]?.next]).toEqual([
    ['r4', 'second'],
    null,
  ])
  await run('a', { experiment: 'sea', start: 20 })
  await run('b', { experiment: 'sea', start: 21, parent: 'a' })
  await mlflow('runs/set-tag', { run_id: ids['a'], key: 'mlflow.parentRunId', value: ids['b'] })
  const circle = (await api<TreeWire>('GET', `/runs/${ids['a']}/tree?depth=50`)).body
  expect([circle.ancestors.length, circle.nodes.map(({ values }) => values[0])]).toEqual([
    1,
    ['a', 'b'],
  ])
  expect((await api('GET', `/runs/${'0'.repeat(32)}/tree`)).status).toBe(404)
  for (const name of ['a', 'b'])
    await mlflow('runs/set-tag', { run_id: ids[name], key: 'gone', value: 'x' })
})

test('a long series is told by the extremes of its stretches, a short one whole', async () => {
  const metrics = Array.from({ length: 1000 }, (_, step) => ({
    key: 'loss',
    value: step === 500 ? 99 : Math.sin(step),
    timestamp: step,
    step,
  }))
  for (let at = 0; at < 5; at++)
    await mlflow('runs/log-batch', {
      run_id: ids['r1'],
      metrics: metrics.map(({ key, value, step }) => ({
        key,
        step: step + at * 1000,
        timestamp: step + at * 1000,
        value: at === 2 ? value : value / 10,
      })),
    })
  const all = (await api<SeriesWire>('GET', `/runs/${ids['r1']}/metrics/loss?points=200`)).body
  expect([
    all.total,
    all.sampled,
    all.values.includes(99),
    Math.min(...all.values.map(Number)),
  ]).toEqual([5000, true, true, expect.closeTo(-1, 3)])
  expect(all.steps.length).toBeLessThanOrEqual(200)
  expect(all.steps).toEqual(all.steps.toSorted((a, b) => a - b))
  const part = (await api<SeriesWire>('GET', `/runs/${ids['r1']}/metrics/loss?from=10&to=12`)).body
  expect([part.sampled, part.steps, part.values[0]]).toEqual([
    false,
    [10, 11, 12],
    Math.sin(10) / 10,
  ])
  const many = await api<{ series: SeriesWire[] }>('POST', '/runs/series', {
    runIds: [ids['r1'], ids['r2'], ids['r3']],
    keys: ['auc', 'loss'],
    axis: 'time',
    points: 50,
  })
  expect(
    many.body.series.map(({ runId, key, values }) => [runId, key, values.length <= 50]),
  ).toEqual([
    [ids['r1'], 'auc', true],
    [ids['r1'], 'loss', true],
    [ids['r2'], 'auc', true],
    [ids['r3'], 'auc', true],
  ])
  expect(many.body.series[3]?.values).toEqual([null])
  expect((await api('GET', `/runs/${ids['r1']}/metrics/none`)).status).toBe(404)
})

test('two who change one view at a time both learn of it', async () => {
  const view = {
    name: 'best',
    folder: 'air',
    filter: 'metrics.auc > 0.5',
    columns: ['metrics.auc'],
    display: { nested: true },
    shared: true,
  }
  const made = await api<ViewWire>('POST', '/views', view)
  expect([made.status, made.headers.get('etag'), made.body]).toMatchObject([
    201,
    '"1"',
    { revision: 1, owner: 'local', ...view },
  ])
  const { id } = made.body
  const mine = await api<ViewWire>(
    'PUT',
    `/views/${id}`,
    { ...view, name: 'mine' },
    { 'if-match': '"1"' },
  )
  expect([mine.status, mine.body.name, mine.body.revision]).toEqual([200, 'mine', 2])
  const theirs = await api('PUT', `/views/${id}`, { ...view, name: 'theirs', revision: 1 })
  expect([theirs.status, theirs.body.detail]).toEqual([
    409,
    expect.stringMatching(/revision 2.*load it/),
  ])
  expect((await api('PUT', `/views/${id}`, view)).status).toBe(400)
  expect((await api('POST', '/views', { ...view, filter: 'nonsense' })).status).toBe(400)
  const large = await api('POST', '/views', { ...view, display: { a: 'x'.repeat(70_000) } })
  expect([large.status, large.body.detail]).toEqual([413, expect.stringMatching(/64|65536/)])
  expect((await api<ViewsWire>('GET', '/views')).body.views.map(({ name }) => name)).toEqual([
    'mine',
  ])
  expect((await api('DELETE', `/views/${id}?revision=1`)).status).toBe(409)
  expect((await api('DELETE', `/views/${id}?revision=2`)).status).toBe(200)
  expect((await api('GET', `/views/${id}`)).status).toBe(404)
})

test('a folder moves as a whole or not at all', async () => {
  await experiment('old/a')
  await experiment('old/b/c')
  await experiment('new/b/c')
  const clash = await api('POST', '/experiments/move', { from: 'old', to: 'new' })
  expect([clash.status, clash.body.detail]).toEqual([
    409,
    expect.stringMatching(/nothing was moved.*new\/b\/c/),
  ])
  expect((await api<FoldersWire>('GET', '/experiments?folder=old')).body.experiments).toHaveLength(
    1,
  )
  const preview = await api<{ moved: boolean }>('POST', '/experiments/move', {
    from: 'old',
    to: 'kept/x',
    preview: true,
  })
  expect(preview.body.moved).toBe(false)
  const moved = await api('POST', '/experiments/move', { from: 'old', to: 'kept/x' })
  expect(moved.body).toMatchObject({ moved: true, experiments: 2 })
  expect((await api<FoldersWire>('GET', '/experiments?folder=kept/x')).body).toMatchObject({
    folders: [{ folder: 'kept/x/b' }],
    experiments: [{ name: 'kept/x/a' }],
  })
  expect((await api('POST', '/experiments/move', { from: 'kept', to: 'kept/deep' })).status).toBe(
    400,
  )
  expect((await api('POST', '/experiments/move', { from: 'none', to: 'x' })).status).toBe(404)
  const facts = await api<{ entries: { data: unknown }[] }>(
    'GET',
    '/ledger/entries?type=experiments-moved',
  )
  expect(facts.body.entries.map(({ data }) => data)).toEqual([
    { from: 'old', to: 'kept/x', experiments: 2, ids: [ids['old/a'], ids['old/b/c']] },
  ])
})
