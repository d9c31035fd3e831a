import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { send, type Answer } from '../support/bad-input/wire.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const API = '/api/2.0/mlflow'
const API3 = '/api/3.0/mlflow'
const FILES = '/api/2.0/mlflow-artifacts'
const JSON_TYPE = { 'content-type': 'application/json' }

let server: TestServer
let runId: string
let modelId: string
const secrets = ['root:', 'BEGIN PRIVATE KEY']

beforeAll(async () => {
  server = await startTestServer()
  runId = at(await post(`${API}/runs/create`, { experiment_id: '0' }), 'run', 'info', 'run_id')
  const model = await post(`${API}/logged-models`, { experiment_id: '0', name: 'm' })
  modelId = at(model, 'model', 'info', 'model_id')
  await post(`${API}/registered-models/create`, { name: 'hostile' })
  const source = `models:/${modelId}`
  await post(`${API}/model-versions/create`, { name: 'hostile', source })
  for (const key of ['long', 'other'])
    await post(`${API}/runs/set-tag`, { run_id: runId, key, value: 'a'.repeat(5000) })
})
afterAll(() => server.stop())

async function post(path: string, body: unknown): Promise<unknown> {
  const answer = await sendJson('POST', path, JSON.stringify(body))
  expect([path, answer.status, answer.text]).toEqual([path, 200, expect.anything()])
  return JSON.parse(answer.text)
}

function at(value: unknown, ...path: string[]): string {
  return String(
    path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value),
  )
}

function sendJson(method: string, path: string, body: string | Buffer): Promise<Answer> {
  return send(server.url, { method, path, headers: JSON_TYPE, body })
}

/** Bytes as they are, to a connection of its own; gives the status. */
function raw(text: string): Promise<number> {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text))
    let answer = ''
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer')))
    socket.on('data', (piece: Buffer) => {
      answer += piece.toString()
      if (answer.includes('\r\n')) socket.end()
    })
    socket.on('error', (error) => (answer === '' ? reject(error) : undefined))
    socket.on('close', () => resolve(Number(answer.split(' ')[1])))
  })
}

const CLIMBING = [
  '../../../../etc/passwd',
  '..',
  'a/../../b',
  '/etc/passwd',
  '%2e%2e%2fetc%2fpasswd',
  '%252e%252e%252fetc',
  '..\\..\\windows',
  '%5c..%5cx',
  'C:\\windows',
  'file:///etc/passwd',
  'a\u0000b',
  'a%00b',
  'a\nb',
  '.',
]

test('every route of artifacts refuses every path that leads out of its folder', async () => {
  const text = (value: string) => encodeURIComponent(value)
  const routes: [string, (path: string) => Promise<Answer>][] = [
    ...['GET', 'PUT', 'DELETE'].map((method): [string, (path: string) => Promise<Answer>] => [
      `${method} the proxy`,
      (path) =>
        send(server.url, {
          method,
          path: `${FILES}/artifacts/${text(path)}`,
          ...(method === 'PUT' ? { body: 'x' } : {}),
        }),
    ]),
    ['listing the proxy', (path) => get(`${FILES}/artifacts?path=${text(path)}`)],
    ['listing a run', (path) => get(`${API}/artifacts/list?run_id=${runId}&path=${text(path)}`)],
    ['a file of a run', (path) => get(`/get-artifact?run_id=${runId}&path=${text(path)}`)],
    [
      'a file of a version',
      (path) => get(`/model-versions/get-artifact?name=hostile&version=1&path=${text(path)}`),
    ],
    [
      'a file of a logged model',
      (path) =>
        get(
          `${API}/logged-models/${modelId}/artifacts/files?artifact_file_path=${text(path)}`.replace(
            '/api/',
            '/ajax-api/',
          ),
        ),
    ],
    [
      'a folder of a logged model',
      (path) =>
        get(
          `${API}/logged-models/${modelId}/artifacts/directories?artifact_directory_path=${text(path)}`,
        ),
    ],
    [
      'an upload of a page',
      (path) =>
        send(server.url, {
          method: 'POST',
          path: `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${runId}&path=${text(path)}`,
          headers: { 'content-type': 'application/octet-stream' },
          body: 'x',
        }),
    ],
    ...['upload', 'download'].map((what): [string, (path: string) => Promise<Answer>] => [
      `presigned ${what}`,
      (path) =>
        sendJson(
          'POST',
          `${API}/artifacts/presigned-${what}-url`,
          JSON.stringify({ run_id: runId, path }),
        ),
    ]),
    ...['create', 'complete', 'abort'].map((step): [string, (path: string) => Promise<Answer>] => [
      `parts, ${step}`,
      (path) =>
        sendJson(
          'POST',
          `${FILES}/mpu/${step}/${text(path)}`,
          JSON.stringify({ path, num_parts: 1, upload_id: 'u', parts: [] }),
        ),
    ]),
    ['presigned by the proxy', (path) => get(`${FILES}/presigned/${text(path)}`)],
  ]
  const wrong: string[] = []
  for (const [name, ask] of routes)
    for (const path of CLIMBING) {
      const { status, text: told } = await ask(path)
      // Objects on the server's own disk know no parts, wherever they would go.
      const isRefused = status === 400 || (status === 501 && /parts|presigned/.test(name))
      if (!isRefused || secrets.some((secret) => told.includes(secret)))
        wrong.push(`${name}, ${JSON.stringify(path)}: ${status} ${told.slice(0, 100)}`)
    }
  expect(wrong).toEqual([])
})

function get(path: string): Promise<Answer> {
  return send(server.url, { method: 'GET', path })
}

/** Everything that searches, with where its filter and its order go. */
const SEARCHES: [string, (filter: string, order: string | undefined) => Promise<Answer>][] = [
  ['experiments', (filter, order) => search(`${API}/experiments/search`, { filter }, order)],
  [
    'runs',
    (filter, order) => search(`${API}/runs/search`, { experiment_ids: ['0'], filter }, order),
  ],
  ['models', (filter, order) => getSearch('registered-models', filter, order)],
  ['versions', (filter, order) => getSearch('model-versions', filter, order)],
  [
    'logged models',
    (filter, order) =>
      searchWith(`${API}/logged-models/search`, {
        experiment_ids: ['0'],
        filter,
        ...(order === undefined ? {} : { order_by: [{ field_name: order }] }),
      }),
  ],
  [
    'traces',
    (filter, order) => {
      const locations = [{ mlflow_experiment: { experiment_id: '0' } }]
      return search(`${API3}/traces/search`, { locations, filter }, order)
    },
  ],
  [
    'evaluation datasets',
    (filter_string, order) => search(`${API3}/datasets/search`, { filter_string }, order),
  ],
  [
    'our runs',
    (filter, order) =>
      searchWith('/api/v1/runs/search', {
        filter,
        ...(order === undefined ? {} : { orderBy: [order] }),
      }),
  ],
  [
    'facets',
    (filter, order) =>
      searchWith('/api/v1/runs/facets', { filter, keys: [order ?? 'attributes.status'] }),
  ],
]

function search(path: string, fields: object, order: string | undefined): Promise<Answer> {
  return searchWith(path, { ...fields, ...(order === undefined ? {} : { order_by: [order] }) })
}

function searchWith(path: string, body: object): Promise<Answer> {
  return sendJson('POST', path, JSON.stringify(body))
}

function getSearch(what: string, filter: string, order: string | undefined): Promise<Answer> {
  const ordered = order === undefined ? '' : `&order_by=${encodeURIComponent(order)}`
  return get(`${API}/${what}/search?filter=${encodeURIComponent(filter)}${ordered}`)
}

const NAMES = ["name = 'x'", "tags.k = 'x'"]
const INJECTED = [
  "'; drop table runs; --",
  "x' or '1'='1",
  "x' union select 1, 2 --",
  "x') or 1=1 --",
  'x"; drop table runs; --',
  '\\',
  '%',
  '$1',
  '?',
  ':name',
  "x' || (select sql from sqlite_master) || '",
  '`; drop table runs',
  '(select 1)',
  '1; vacuum',
  '/* */ 1',
  'name); delete from runs; --',
]

test('nothing that is written into a filter or an order becomes SQL', async () => {
  const wrong: string[] = []
  for (const [name, ask] of SEARCHES) {
    for (const text of INJECTED) {
      for (const filter of [text, ...NAMES.map((each) => `${each} ${text}`)]) {
        const { status, text: told } = await ask(filter, undefined)
        if (status !== 400) wrong.push(`${name}: ${filter}: ${status} ${told.slice(0, 100)}`)
      }
      // Quoted it is a value like any other, which nothing has.
      const quoted = `tags.k = '${text.replaceAll("'", '')}'`
      const { status, text: told } = await ask(quoted, undefined)
      if (![200, 400].includes(status) || told.includes('"run_id":'))
        wrong.push(`${name}: ${quoted}: ${status} ${told.slice(0, 100)}`)
      const ordered = await ask('', text)
      if (ordered.status !== 400)
        wrong.push(`${name}: order by ${text}: ${ordered.status} ${ordered.text.slice(0, 100)}`)
    }
  }
  expect(wrong).toEqual([])
  expect((await get(`${API}/runs/get?run_id=${runId}`)).status).toBe(200)
})

test('patterns that are made to try every way take no longer than others', async () => {
  const timed = async (pattern: string, comparator: string) => {
    const began = performance.now()
    const filter = `tags.long ${comparator} '${pattern}' AND tags.other ${comparator} '${pattern}'`
    const answer = await SEARCHES[1]?.[1](filter, undefined)
    expect([pattern.slice(0, 20), answer?.status]).toEqual([pattern.slice(0, 20), 200])
    return performance.now() - began
  }
  for (const comparator of ['LIKE', 'ILIKE']) {
    await timed('%none%', comparator)
    const benignMs = await timed('%none%', comparator)
    for (const pattern of [
      `${'%a'.repeat(200)}%b`,
      `${'%_'.repeat(200)}b`,
      `%${'a%'.repeat(100)}b`,
      `${'%'.repeat(2000)}b`,
    ])
      expect(await timed(pattern, comparator)).toBeLessThan(benignMs * 10 + 1000)
  }
})

test('filters that are long or deep are answered at once', async () => {
  for (const filter of [
    ...[101, 5000].map((clauses) => Array(clauses).fill("tags.k = 'v'").join(' AND ')),
    `${'('.repeat(50_000)}tags.k = 'v'${')'.repeat(50_000)}`,
    `tags.k IN (${Array.from({ length: 50_000 }, (_, n) => `'${n}'`).join(',')})`,
    `tags.k = '${'x'.repeat(500_000)}'`,
    "tags.k = '".repeat(20_000),
    ' '.repeat(500_000),
    `${'a.'.repeat(100_000)} = 1`,
  ]) {
    const began = performance.now()
    // A longer address is refused before any route sees it.
    for (const [name, ask] of SEARCHES.filter(([each]) => !/^(models|versions)$/.test(each))) {
      const { status } = await ask(filter, undefined)
      expect([name, filter.slice(0, 30), status < 500]).toEqual([name, filter.slice(0, 30), true])
    }
    expect(performance.now() - began).toBeLessThan(10_000)
  }
})

test('a filter has as many comparisons as are allowed, of any kind', async () => {
  const kinds = [
    'metrics.a > 1',
    "params.a = 'b'",
    "tags.a LIKE '%b'",
    "attributes.status = 'FINISHED'",
  ]
  const runs = SEARCHES.filter(([name]) => ['runs', 'our runs', 'facets'].includes(name))
  for (const kind of kinds)
    for (const [name, ask] of runs) {
      const { status } = await ask(Array(100).fill(kind).join(' AND '), undefined)
      expect([name, kind, status]).toEqual([name, kind, 200])
      const over = await ask(Array(101).fill(kind).join(' AND '), undefined)
      expect([name, kind, over.status]).toEqual([name, kind, 400])
    }
  for (const [name, ask] of SEARCHES) {
    // Some know no lists, and an address has no place for a long one.
    const inAddress = /^(models|versions)$/.test(name)
    const values = (count: number) => Array.from({ length: count }, (_, n) => `'${n}'`).join(',')
    for (const filter of [
      Array(100).fill("name = 'a'").join(' AND '),
      ...(inAddress ? [] : [8000, 8001, 50_000].map((count) => `tags.k IN (${values(count)})`)),
      ...(inAddress ? [] : [`attributes.run_id IN (${values(8000)})`]),
    ]) {
      const { status } = await ask(filter, undefined)
      const what = `${name} ${filter.slice(0, 20)}`
      expect([what, [200, 400].includes(status)]).toEqual([what, true])
    }
  }
})

const WRITES = (): [string, string][] => [
  [`${API}/experiments/create`, 'name'],
  [`${API}/runs/create`, 'tags'],
  [`${API}/runs/log-batch`, 'metrics'],
  [`${API}/runs/set-tag`, 'value'],
  [`${API}/runs/log-inputs`, 'datasets'],
  [`${API}/registered-models/create`, 'description'],
  [`${API}/logged-models`, 'params'],
  [`${API3}/traces`, 'trace'],
  [`${API3}/datasets/create`, 'tags'],
  [`${API3}/datasets/search`, 'experiment_ids'],
  ['/api/v1/views', 'name'],
  ['/api/v1/runs/search', 'columns'],
]

test('a body that is deep is refused, in whatever field', async () => {
  for (const [path, field] of WRITES())
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ]) {
      const depth = 100_000
      const deep = `${open?.repeat(depth)}${open === '[' ? '' : '1'}${close?.repeat(depth)}`
      for (const body of [`{"${field}":${deep}}`, `{"name":"deep","${field}":${deep}}`]) {
        const { status } = await sendJson('POST', path, body)
        expect([path, field, status]).toEqual([path, field, 400])
      }
      // A field that is not known may be left alone.
      const { status } = await sendJson('POST', path, deep)
      expect([path, status < 500]).toEqual([path, true])
    }
})

test('text that is no Unicode is refused by every protocol, and nothing is kept', async () => {
  const half = String.raw`"\ud800"`
  const cases: [string, string][] = [
    [`${API}/registered-models/create`, `{"name":"half","description":${half}}`],
    [`${API}/registered-models/create`, `{"name":${half}}`],
    [`${API}/experiments/create`, `{"name":${half}}`],
    [
      `${API}/runs/log-batch`,
      `{"run_id":"${runId}","params":[{"key":"half","value":"a\\uDC00b"}]}`,
    ],
    [`${API}/runs/set-tag`, `{"run_id":"${runId}","key":${half},"value":"v"}`],
    [`${API3}/datasets/create`, `{"name":"half","tags":"{}","created_by":${half}}`],
    ['/api/v1/views', `{"name":${half}}`],
    ['/api/v1/runs/search', `{"filter":${half}}`],
  ]
  for (const [path, body] of cases) {
    const { status, text } = await sendJson('POST', path, body)
    expect([path, body, status]).toEqual([path, body, 400])
    expect(text).toContain('surrogate')
    const bytes = Buffer.from(body.replace(/\\u[dD]\w{3}/, '#'))
    bytes[bytes.indexOf('#')] = 0xff
    const spoilt = await sendJson('POST', path, bytes)
    expect([path, spoilt.status, spoilt.text]).toEqual([
      path,
      400,
      expect.stringContaining('UTF-8'),
    ])
  }
  // A whole pair is a character like any other.
  await post(`${API}/runs/set-tag`, { run_id: runId, key: 'whole', value: '🪐' })
  const escaped = String.raw`{"run_id":"${runId}","key":"whole","value":"\ud83e\ude90 \\ud800"}`
  expect((await sendJson('POST', `${API}/runs/set-tag`, escaped)).status).toBe(200)
  const kept = await get(`${API}/runs/get?run_id=${runId}`)
  expect(kept.text).toContain(String.raw`🪐 \\ud800`)
  expect((await get(`${API}/registered-models/get?name=half`)).status).toBe(404)
})

test('ids of a wrong type are refused', async () => {
  for (const id of [
    [],
    {},
    [runId],
    { $ne: '' },
    { toString: 'x' },
    1.5,
    true,
    '__proto__',
    '',
    '\u0000',
  ])
    for (const path of ['runs/update', 'runs/set-tag', 'runs/log-batch', 'runs/delete']) {
      const body = JSON.stringify({ run_id: id, key: 'k', value: 'v', status: 'FINISHED' })
      const { status } = await sendJson('POST', `${API}/${path}`, body)
      expect([path, id, [400, 404].includes(status)]).toEqual([path, id, true])
    }
  for (const body of [
    '{"__proto__":{"run_id":"x"}}',
    '{"constructor":{"prototype":{"run_id":"x"}}}',
    '[]',
    'null',
    '1',
    '"x"',
  ])
    expect((await sendJson('POST', `${API}/runs/update`, body)).status).toBe(400)
  expect(({} as { run_id?: string }).run_id).toBeUndefined()
})

test('a compressed body that grows beyond the limit is refused before it has grown', async () => {
  const bomb = gzipSync(Buffer.alloc(100 << 20))
  for (const path of ['/v1/traces', `${API}/runs/create`, '/api/v1/views']) {
    const began = performance.now()
    const { status } = await send(server.url, {
      method: 'POST',
      path,
      headers: { ...JSON_TYPE, 'content-encoding': 'gzip', 'x-mlflow-experiment-id': '0' },
      body: bomb,
    })
    expect([path, [400, 413, 415].includes(status)]).toEqual([path, true])
    expect(performance.now() - began).toBeLessThan(5000)
  }
})

test('requests that two readers could understand in two ways, or that come from elsewhere, are refused', async () => {
  const { host } = new URL(server.url)
  const body = '{"name":"smuggled"}'
  const create = `POST ${API}/experiments/create HTTP/1.1\r\n`
  const json = 'content-type: application/json\r\n'
  const length = `content-length: ${body.length}\r\n`
  const own = `host: ${host}\r\n`
  const cases: [string, number, string][] = [
    ['two hosts', 400, `${create}${own}host: evil.example\r\n${json}${length}\r\n${body}`],
    ['no host', 400, `${create}${json}${length}\r\n${body}`],
    ['another host', 403, `${create}host: evil.example\r\n${json}${length}\r\n${body}`],
    [
      'a host that begins as ours',
      403,
      `${create}host: ${host}.evil.example\r\n${json}${length}\r\n${body}`,
    ],
    [
      'another origin',
      403,
      `${create}${own}origin: https://evil.example\r\n${json}${length}\r\n${body}`,
    ],
    ['no origin of a page', 403, `${create}${own}origin: null\r\n${json}${length}\r\n${body}`],
    [
      'another site',
      403,
      `${create}${own}sec-fetch-site: cross-site\r\n${json}${length}\r\n${body}`,
    ],
    ['a form of a page', 400, `${create}${own}content-type: text/plain\r\n${length}\r\n${body}`],
    ['two lengths', 400, `${create}${own}${json}${length}content-length: 5\r\n\r\n${body}`],
    [
      'a length and pieces',
      400,
      `${create}${own}${json}${length}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a folded header', 400, `${create}${own}x: a\r\n b: c\r\n${json}${length}\r\n${body}`],
    ['a header with a NUL', 400, `${create}${own}x: a\u0000b\r\n${json}${length}\r\n${body}`],
    ['headers beyond measure', 431, `${create}${own}x: ${'a'.repeat(100_000)}\r\n${json}\r\n`],
    ['an unknown method', 400, `BREW ${API}/experiments/create HTTP/1.1\r\n${own}\r\n`],
    ['tracing', 405, `TRACE ${API}/experiments/create HTTP/1.1\r\n${own}\r\n`],
    ['a method of files', 405, `PROPFIND ${API}/experiments/create HTTP/1.1\r\n${own}\r\n`],
  ]
  const got: [string, number][] = []
  for (const [what, , request] of cases) got.push([what, await raw(request)])
  expect(got).toEqual(cases.map(([what, status]) => [what, status]))
  const found = await get(`${API}/experiments/get-by-name?experiment_name=smuggled`)
  expect(found.status).toBe(404)
})
